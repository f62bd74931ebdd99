"""What can be asked about push providers, devices and pushes under way, and what is answered (S2, S8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from laba.model.device import Address, Registration
from laba.model.provider import Provider
from laba.model.push import JobState


@dataclass(frozen=True, slots=True)
class ListProviders:
    """Show an app's push providers."""


@dataclass(frozen=True, slots=True)
class PutProvider:
    """Have this provider, in place of one of its name. Without a key it keeps the one it had, or is given one.

    `key_field` is where its caller has the key.
    """

    provider: Provider
    key_field: str = "key"


@dataclass(frozen=True, slots=True)
class RemoveProvider:
    """Have this provider no more; what is under way by it is cancelled."""

    name: str


@dataclass(frozen=True, slots=True)
class CheckProvider:
    """Ask a provider whether it would take a push."""

    name: str


@dataclass(frozen=True, slots=True)
class ListDevices:
    """Show all that is known of a user's devices."""

    user: str


@dataclass(frozen=True, slots=True)
class PutDevice:
    """Have this device, in place of what was known of it. `device` None is that of the session that asks.

    Where `platform` or `package` is None it stays as it was. Without an address it is not pushed to.
    """

    user: str
    device: str | None
    platform: str | None = None
    package: str | None = None
    address: Address | None = None
    locale: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveDevice:
    """Forget a device. `device` None is that of the session that asks."""

    user: str
    device: str | None


@dataclass(frozen=True, slots=True)
class SetPush:
    """Pause, go on with, or cancel what is not over of a dispatch's push."""

    dispatch_id: int
    state: JobState


PushCall = (
    ListProviders | PutProvider | RemoveProvider | CheckProvider | ListDevices | PutDevice | RemoveDevice | SetPush
)


@dataclass(frozen=True, slots=True)
class ProviderShown:
    """A provider without its key. `public_key` is what clients subscribe with, `fault` why it takes nothing now."""

    provider: Provider
    public_key: str | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ProvidersShown:
    """Providers in the order of their names.

    `reach` counts an app's devices by the kind of their service, `strays` those of them that no provider is for.
    """

    providers: tuple[ProviderShown, ...]
    reach: Mapping[str, int] = field(default_factory=dict)
    strays: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProviderRemoved:
    name: str


@dataclass(frozen=True, slots=True)
class ProviderChecked:
    """`fault` is what hinders a push; empty where nothing does. `asked` says whether the service itself was asked."""

    name: str
    fault: str
    asked: bool = True


@dataclass(frozen=True, slots=True)
class DevicesShown:
    devices: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class DeviceRemoved:
    name: str


@dataclass(frozen=True, slots=True)
class PushSet:
    """`providers` is with how many of them the push is in that state now and was not before."""

    dispatch_id: int
    state: JobState
    providers: int


PushAnswer = (
    ProvidersShown | ProviderShown | ProviderRemoved | ProviderChecked | DevicesShown | DeviceRemoved | PushSet
)
