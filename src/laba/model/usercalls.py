"""What a caller can ask about users, and what it is answered (vendor-apis.md 3.1)."""

from dataclasses import dataclass, field

from laba.model.user import Resource, User


@dataclass(frozen=True, slots=True)
class NewUser:
    name: str
    password: str | None = field(default=None, repr=False)
    nickname: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterUsers:
    """Register users. Where `single`, one that exists is a refusal; in a batch it is listed and the rest go on."""

    users: tuple[NewUser, ...]
    single: bool


@dataclass(frozen=True, slots=True)
class GetUser:
    name: str


@dataclass(frozen=True, slots=True)
class DeleteUser:
    """Remove a user, revoke its tokens and end its sessions."""

    name: str


@dataclass(frozen=True, slots=True)
class ListUsers:
    """Give at most `limit` users in the order of their names, from the first one after the name `after`."""

    limit: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class SetPassword:
    """Give a user another password; whoever is in by the old one is out."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetActivation:
    """Let a user in no more, or again."""

    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class DisconnectUser:
    """End a user's sessions; it may log in again."""

    name: str


@dataclass(frozen=True, slots=True)
class GetStatus:
    """Tell whether one registered user is online."""

    name: str


@dataclass(frozen=True, slots=True)
class GetStatuses:
    """Tell who of these is online; who is nobody is not."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetResources:
    """List the devices by which a user is connected."""

    name: str


@dataclass(frozen=True, slots=True)
class ChangeProfile:
    """Change how a registered user is shown; what is None stays as it is."""

    name: str
    nickname: str | None = None
    portrait: str | None = None


@dataclass(frozen=True, slots=True)
class SetTags:
    """Give users these tags in place of all that they had; who is not registered yet is registered."""

    names: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetTags:
    """Tell the tags of users; who is nobody has none."""

    names: tuple[str, ...]


UserCall = (
    RegisterUsers
    | GetUser
    | DeleteUser
    | ListUsers
    | SetPassword
    | SetActivation
    | DisconnectUser
    | GetStatus
    | GetStatuses
    | GetResources
    | ChangeProfile
    | SetTags
    | GetTags
)


@dataclass(frozen=True, slots=True)
class UsersRegistered:
    """`existing` are the names of a batch that were taken already; None where no batch was asked for."""

    users: tuple[User, ...]
    existing: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class UserFound:
    user: User


@dataclass(frozen=True, slots=True)
class UserDeleted:
    user: User


@dataclass(frozen=True, slots=True)
class UsersListed:
    """One page of users. `more_after` is the name after which the next page begins, None on the last."""

    users: tuple[User, ...]
    more_after: str | None = None


@dataclass(frozen=True, slots=True)
class UserChanged:
    """The user as it is now."""

    user: User


@dataclass(frozen=True, slots=True)
class UserDisconnected:
    """Every session that the user had is being ended; it may have had none."""


@dataclass(frozen=True, slots=True)
class StatusFound:
    name: str
    online: bool


@dataclass(frozen=True, slots=True)
class StatusesFound:
    """One for each name, in the order asked."""

    statuses: tuple[StatusFound, ...]


@dataclass(frozen=True, slots=True)
class ResourcesFound:
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class TagsSet:
    """All of the users have the tags now."""


@dataclass(frozen=True, slots=True)
class TagsFound:
    """One list for each name, in the order asked."""

    tags: tuple[tuple[str, tuple[str, ...]], ...]


UserAnswer = (
    UsersRegistered
    | UserFound
    | UserDeleted
    | UsersListed
    | UserChanged
    | UserDisconnected
    | StatusFound
    | StatusesFound
    | ResourcesFound
    | TagsSet
    | TagsFound
)
