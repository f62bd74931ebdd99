"""The table of what is served (vendor-apis.md 3.2, S11, V2)."""

from typing import Final

from laba.model.calls import Endpoint, Right

FORM: Final = ("application/x-www-form-urlencoded",)
JSON: Final = ("application/json",)
# G4
BODY_LIMIT_BYTES: Final = 512 * 1024
# Every call of this vendor's has it (seeds/002, seeds/004).
METHOD: Final = "POST"


def _endpoint(name: str, path: str, media_types: tuple[str, ...] = FORM) -> Endpoint:
    return Endpoint(name, METHOD, path, Right.APP, media_types, BODY_LIMIT_BYTES)


GET_TOKEN: Final = _endpoint("get_token", "/user/getToken.json")
REFRESH_USER: Final = _endpoint("refresh_user", "/user/refresh.json")
USER_INFO: Final = _endpoint("user_info", "/user/info.json")
CHECK_ONLINE: Final = _endpoint("check_online", "/user/checkOnline.json")
SET_TAGS: Final = _endpoint("set_tags", "/user/tag/set.json", JSON)
SET_TAGS_OF_MANY: Final = _endpoint("set_tags_of_many", "/user/tag/batch/set.json", JSON)
GET_TAGS: Final = _endpoint("get_tags", "/user/tags/get.json")
CREATE_ROOMS: Final = _endpoint("create_rooms", "/chatroom/create.json")
CREATE_ROOM: Final = _endpoint("create_room", "/chatroom/create_new.json")
DESTROY_ROOMS: Final = _endpoint("destroy_rooms", "/chatroom/destroy.json")
QUERY_ROOMS: Final = _endpoint("query_rooms", "/chatroom/query.json")
QUERY_MEMBERS: Final = _endpoint("query_members", "/chatroom/user/query.json")
CHECK_MEMBER: Final = _endpoint("check_member", "/chatroom/user/exist.json")
CHECK_MEMBERS: Final = _endpoint("check_members", "/chatroom/users/exist.json")
ROOM_MESSAGE: Final = _endpoint("room_message", "/message/chatroom/publish.json")
ROOMS_BROADCAST: Final = _endpoint("rooms_broadcast", "/message/chatroom/broadcast.json")
ONLINE_BROADCAST: Final = _endpoint("online_broadcast", "/message/online/broadcast.json")
ALL_USERS_BROADCAST: Final = _endpoint("all_users_broadcast", "/message/broadcast.json")
RECALL_BROADCAST: Final = _endpoint("recall_broadcast", "/message/broadcast/recall.json")
SYSTEM_MESSAGE: Final = _endpoint("system_message", "/message/system/publish.json")
PUSH: Final = _endpoint("push", "/push.json", JSON)
PUSH_TO_USERS: Final = _endpoint("push_to_users", "/push/user.json", JSON)
PUSH_TO_DEVICES: Final = _endpoint("push_to_devices", "/push/custom.json", JSON)

USERS: Final = (GET_TOKEN, REFRESH_USER, USER_INFO, CHECK_ONLINE, SET_TAGS, SET_TAGS_OF_MANY, GET_TAGS)
ROOMS: Final = (
    CREATE_ROOMS,
    CREATE_ROOM,
    DESTROY_ROOMS,
    QUERY_ROOMS,
    QUERY_MEMBERS,
    CHECK_MEMBER,
    CHECK_MEMBERS,
)
MESSAGES: Final = (
    ROOM_MESSAGE,
    ROOMS_BROADCAST,
    ONLINE_BROADCAST,
    ALL_USERS_BROADCAST,
    RECALL_BROADCAST,
    SYSTEM_MESSAGE,
)
PUSHES: Final = (PUSH, PUSH_TO_USERS, PUSH_TO_DEVICES)
ENDPOINTS: Final = (*USERS, *ROOMS, *MESSAGES, *PUSHES)
