"""The table of what is served (vendor-apis.md 3.3, S11, V3)."""

from enum import Enum
from typing import Final

from laba.model.calls import Endpoint, Right

FORM: Final = ("application/x-www-form-urlencoded",)
JSON: Final = ("application/json",)
# G4
BODY_LIMIT_BYTES: Final = 512 * 1024
METHOD: Final = "POST"


class Family(Enum):
    """Which of the vendor's platforms a path is of: each has its own codes, and its own shape of answers."""

    NEROOM = "/neroom/"
    IM = "/nimserver/"
    IM_JSON = "/im/v2"


def family_of(path: str) -> Family | None:
    """Tell whose a path is; None for one that is not this vendor's."""
    return next((family for family in Family if path.startswith(family.value)), None)


def _endpoint(name: str, path: str, media_types: tuple[str, ...] = JSON) -> Endpoint:
    return Endpoint(name, METHOD, path, Right.APP, media_types, BODY_LIMIT_BYTES)


BROADCAST: Final = _endpoint("broadcast", "/neroom/v1/broadcast")
CREATE_USER: Final = _endpoint("create_user", "/neroom/v3/users")
CREATE_ROOM: Final = _endpoint("create_room", "/neroom/v4/rooms")
ROOM_MESSAGE: Final = _endpoint("room_message", "/neroom/v3/rooms/{room}/messages")
IM_BROADCAST: Final = _endpoint("im_broadcast", "/nimserver/chatroom/broadcast.action", FORM)
IM_CREATE_ROOM: Final = _endpoint("im_create_room", "/nimserver/chatroom/create.action", FORM)
IM_CREATE_USER: Final = _endpoint("im_create_user", "/nimserver/user/create.action", FORM)
IM_REFRESH_TOKEN: Final = _endpoint("im_refresh_token", "/nimserver/user/refreshToken.action", FORM)
IM_BLOCK: Final = _endpoint("im_block", "/nimserver/user/block.action", FORM)
IM_UNBLOCK: Final = _endpoint("im_unblock", "/nimserver/user/unblock.action", FORM)
IM_ONLINE: Final = _endpoint("im_online", "/nimserver/user/userOnlineStatus.action", FORM)
_JSON_TWIN: Final = "broadcast_notification/actions/chatroom"
IM_JSON_BROADCAST: Final = _endpoint("im_json_broadcast", f"/im/v2.1/{_JSON_TWIN}")
# The vendor's page of it shows this path, too (vendor-apis.md 3.3).
IM_JSON_BROADCAST_V2: Final = _endpoint("im_json_broadcast_v2", f"/im/v2/{_JSON_TWIN}")

ENDPOINTS: Final = (
    BROADCAST,
    CREATE_USER,
    CREATE_ROOM,
    ROOM_MESSAGE,
    IM_BROADCAST,
    IM_CREATE_ROOM,
    IM_CREATE_USER,
    IM_REFRESH_TOKEN,
    IM_BLOCK,
    IM_UNBLOCK,
    IM_ONLINE,
    IM_JSON_BROADCAST,
    IM_JSON_BROADCAST_V2,
)
