"""Every call about push providers, devices and pushes under way: which service does what (S2, S8)."""

from dataclasses import dataclass, replace

from laba.core.pushing import is_among
from laba.model.app import App
from laba.model.attendance import Seat
from laba.model.device import Device, Registration
from laba.model.provider import Provider
from laba.model.push import JobState
from laba.model.pushcalls import (
    CheckProvider,
    DeviceRemoved,
    DevicesShown,
    ListDevices,
    ListProviders,
    ProviderChecked,
    ProviderRemoved,
    ProviderShown,
    ProvidersShown,
    PushAnswer,
    PushCall,
    PushSet,
    PutDevice,
    PutProvider,
    RemoveDevice,
    RemoveProvider,
    SetPush,
)
from laba.model.refusal import Code, Refusal
from laba.model.report import Stage
from laba.ports import Reports
from laba.ports.campaigns import Devices
from laba.service.inboxes import Inboxes
from laba.service.pushing import Pushing
from laba.service.pushlanes import NOBODY, Tools
from laba.service.tenants import Tenants
from laba.service.users import Users


@dataclass(frozen=True, slots=True)
class Registry:
    """Where devices are known, and where they and their users are looked up. `inboxes` must know of a new one."""

    devices: Devices
    users: Users
    inboxes: Inboxes


class PushDesk:
    """Answers calls about what is pushed, and to which devices. `hosts` are those that a token may name."""

    def __init__(
        self,
        tenants: Tenants,
        pushing: Pushing,
        tools: Tools,
        registry: Registry,
        reports: Reports,
        hosts: tuple[str, ...],
    ) -> None:
        self._tenants = tenants
        self._pushing = pushing
        self._tools = tools
        self._registry = registry
        self._reports = reports
        self._hosts = hosts

    async def serve(self, call: PushCall, app: App) -> PushAnswer | Refusal:
        match call:
            case ListProviders() | PutProvider() | RemoveProvider() | CheckProvider():
                return await self._about_providers(call, app)
            case ListDevices(user):
                return await self._devices_of(user, app)
            case PutDevice():
                return await self._put_device(call, app)
            case RemoveDevice(user, device):
                return await self._remove_device(Seat(app.uuid, user, device or ""), app)
            case SetPush():
                return await self._set(call, app)

    # --- providers -------------------------------------------------------------------------------------------------

    async def _about_providers(
        self, call: ListProviders | PutProvider | RemoveProvider | CheckProvider, app: App
    ) -> PushAnswer | Refusal:
        match call:
            case ListProviders():
                shown = tuple(self._shown(provider, app) for provider in app.policy.providers)
                served = [provider.serves for provider in app.policy.providers]
                return ProvidersShown(shown, *await self._pushing.pushes.reach(app.uuid, served))
            case PutProvider():
                return await self._put_provider(call, app)
            case RemoveProvider(name):
                refusal = await self._tenants.remove_provider(name, app)
                self._pushing.changed(app.uuid, name)
                return refusal or ProviderRemoved(name)
            case CheckProvider(name):
                provider = app.policy.provider(name)
                if provider is None:
                    return Refusal(Code.PROVIDER_UNKNOWN, f"{app.name} has no push provider {name}", subject=name)
                asked = bool(self._tools.forms[provider.kind].probe)
                return ProviderChecked(name, await self._pushing.check(app.uuid, name), asked)

    async def _put_provider(self, call: PutProvider, app: App) -> ProviderShown | Refusal:
        """Have a provider, if its key is one. One that needs no key of others is given one."""
        provider, at = call.provider, call.key_field
        form, before = self._tools.forms[provider.kind], app.policy.provider(provider.name)
        key = provider.account.key
        if not key and before is not None and before.kind == provider.kind:
            key = before.account.key
        key = key or form.new_key(self._tools.ground.entropy(48)) or ""
        if not key:
            return Refusal(Code.FIELD_MISSING, f"{at} is missing", field=at)
        put = replace(provider, account=replace(provider.account, key=key))
        try:
            form.prove(put.account, NOBODY, self._tools.ground.clock())
        except ValueError as error:
            return Refusal(Code.FIELD_INVALID, f"{at} will not do: {error}", field=at)
        refusal = await self._tenants.put_provider(put, app)
        if refusal is not None:
            return refusal
        self._pushing.changed(app.uuid, put.name)
        return self._shown(put, app)

    def _shown(self, provider: Provider, app: App) -> ProviderShown:
        public = self._tools.forms[provider.kind].public_key(provider.account)
        keyless = replace(provider, account=replace(provider.account, key=""))
        return ProviderShown(keyless, public, self._pushing.fault(app.uuid, provider.name))

    # --- devices ---------------------------------------------------------------------------------------------------

    async def _devices_of(self, user: str, app: App) -> DevicesShown | Refusal:
        known = await self._registry.users.known(app, user)
        if isinstance(known, Refusal):
            return known
        return DevicesShown(await self._registry.devices.registrations(app.uuid, known.name))

    async def _put_device(self, call: PutDevice, app: App) -> DevicesShown | Refusal:
        refusal = self._objection(call)
        if refusal is not None:
            return refusal
        user = await self._registry.users.known(app, call.user)
        if isinstance(user, Refusal):
            return user
        seat = Seat(app.uuid, user.name, call.device or "")
        known = {one.device.seat: one for one in await self._registry.devices.registrations(app.uuid, user.name)}
        before = known[seat].device if seat in known else Device(seat, None, "")
        platform = before.platform if call.platform is None else call.platform
        device = Device(seat, platform, before.package if call.package is None else call.package)
        now_ms = self._tools.ground.clock()
        registration = Registration(device, call.address, call.locale, call.time_zone, now_ms)
        await self._registry.devices.register(registration)
        self._registry.inboxes.has_devices(app.uuid)
        return DevicesShown((registration,))

    def _objection(self, call: PutDevice) -> Refusal | None:
        """Refuse a token that is none, or that would have laba call somebody who is no push service."""
        if call.address is None:
            return None
        try:
            origin = self._tools.forms[call.address.kind].scope(call.address.token)
        except ValueError as error:
            return Refusal(Code.FIELD_INVALID, f"token will not do: {error}", field="token")
        if origin and not is_among(origin, self._hosts):
            reason = f"token will not do: {origin} is no push service that this server knows (push.web_hosts)"
            return Refusal(Code.FIELD_INVALID, reason, field="token")
        return None

    async def _remove_device(self, seat: Seat, app: App) -> DeviceRemoved | Refusal:
        if await self._registry.devices.remove(seat):
            return DeviceRemoved(seat.device)
        reason = f"{seat.user} of {app.name} has no device {seat.device!r}"
        return Refusal(Code.DEVICE_UNKNOWN, reason, subject=seat.device)

    # --- pushes under way ------------------------------------------------------------------------------------------

    async def _set(self, call: SetPush, app: App) -> PushSet | Refusal:
        kept = await self._reports.find(call.dispatch_id)
        if kept is None or kept.dispatch.app_uuid != app.uuid:
            reason = f"there is no broadcast {call.dispatch_id} of {app.name}"
            return Refusal(Code.BROADCAST_UNKNOWN, reason, subject=str(call.dispatch_id))
        changed = await self._pushing.set_state(call.dispatch_id, call.state)
        if not changed:
            if kept.stage is Stage.WAITING and kept.dispatch.notification is not None:
                reason = f"broadcast {call.dispatch_id} waits to go out, and its push with it: try again in a moment"
                return Refusal(Code.PUSH_OVER, reason, subject=str(call.dispatch_id))
            wanted = {JobState.PAUSED: "be paused", JobState.UNDER_WAY: "go on"}.get(call.state, "be cancelled")
            reason = f"broadcast {call.dispatch_id} has no push that could {wanted}"
            return Refusal(Code.PUSH_OVER, reason, subject=str(call.dispatch_id))
        return PushSet(call.dispatch_id, call.state, changed)
