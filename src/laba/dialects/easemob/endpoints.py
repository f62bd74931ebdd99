"""The table of what is served under an app."""

from collections.abc import Mapping
from types import MappingProxyType

from laba.model.calls import Endpoint, Right

JSON = ("application/json",)
MULTIPART = ("multipart/form-data",)

TOKEN = Endpoint("token", "POST", "/token", Right.ANYONE, JSON)
REGISTER_USERS = Endpoint("register_users", "POST", "/users", Right.APP, JSON)
GET_USER = Endpoint("get_user", "GET", "/users/{username}", Right.APP)
DELETE_USER = Endpoint("delete_user", "DELETE", "/users/{username}", Right.APP)
LIST_USERS = Endpoint("list_users", "GET", "/users", Right.APP)
SET_PASSWORD = Endpoint("set_password", "PUT", "/users/{username}/password", Right.APP, JSON)
DEACTIVATE_USER = Endpoint("deactivate_user", "POST", "/users/{username}/deactivate", Right.APP)
ACTIVATE_USER = Endpoint("activate_user", "POST", "/users/{username}/activate", Right.APP)
DISCONNECT_USER = Endpoint("disconnect_user", "GET", "/users/{username}/disconnect", Right.APP)
USER_STATUS = Endpoint("user_status", "GET", "/users/{username}/status", Right.APP)
USERS_STATUS = Endpoint("users_status", "POST", "/users/batch/status", Right.APP, JSON)
USER_RESOURCES = Endpoint("user_resources", "GET", "/users/{username}/resources", Right.APP)
USERS_BROADCAST = Endpoint("users_broadcast", "POST", "/messages/users/broadcast", Right.APP, JSON)
ALL_USERS_BROADCAST = Endpoint("all_users_broadcast", "POST", "/messages/broadcast", Right.APP, JSON)
CREATE_ROOM = Endpoint("create_room", "POST", "/chatrooms", Right.USER_LEVEL, JSON)
LIST_ROOMS = Endpoint("list_rooms", "GET", "/chatrooms", Right.USER_LEVEL)
GET_ROOM = Endpoint("get_room", "GET", "/chatrooms/{room}", Right.USER_LEVEL)
CHANGE_ROOM = Endpoint("change_room", "PUT", "/chatrooms/{room}", Right.USER_LEVEL, JSON)
DESTROY_ROOM = Endpoint("destroy_room", "DELETE", "/chatrooms/{room}", Right.USER_LEVEL)
ADD_MEMBER = Endpoint("add_member", "POST", "/chatrooms/{room}/users/{username}", Right.USER_LEVEL)
ADD_MEMBERS = Endpoint("add_members", "POST", "/chatrooms/{room}/users", Right.USER_LEVEL, JSON)
REMOVE_MEMBERS = Endpoint("remove_members", "DELETE", "/chatrooms/{room}/users/{usernames}", Right.USER_LEVEL)
LIST_MEMBERS = Endpoint("list_members", "GET", "/chatrooms/{room}/users", Right.USER_LEVEL)
JOINED_ROOMS = Endpoint("joined_rooms", "GET", "/users/{username}/joined_chatrooms", Right.USER_LEVEL)
MUTE_MEMBERS = Endpoint("mute_members", "POST", "/chatrooms/{room}/mute", Right.USER_LEVEL, JSON)
UNMUTE_MEMBERS = Endpoint("unmute_members", "DELETE", "/chatrooms/{room}/mute/{usernames}", Right.USER_LEVEL)
LIST_MUTES = Endpoint("list_mutes", "GET", "/chatrooms/{room}/mute", Right.USER_LEVEL)
MUTE_ROOM = Endpoint("mute_room", "POST", "/chatrooms/{room}/ban", Right.USER_LEVEL)
UNMUTE_ROOM = Endpoint("unmute_room", "DELETE", "/chatrooms/{room}/ban", Right.USER_LEVEL)
ROOM_MESSAGE = Endpoint("room_message", "POST", "/messages/chatrooms", Right.APP, JSON)
DIRECTED_MESSAGE = Endpoint("directed_message", "POST", "/messages/chatrooms/users", Right.APP, JSON)
ROOMS_BROADCAST = Endpoint("rooms_broadcast", "POST", "/messages/chatrooms/broadcast", Right.APP, JSON)
# The vendor's page calls the token optional; E12 asks for one.
UPLOAD_FILE = Endpoint("upload_file", "POST", "/chatfiles", Right.ANY_USER_OR_APP, MULTIPART, streamed=True)
GET_FILE = Endpoint("get_file", "GET", "/chatfiles/{uuid}", Right.ANYONE)
HEAD_FILE = Endpoint("head_file", "HEAD", "/chatfiles/{uuid}", Right.ANYONE)

# The endpoints about messages to rooms that are named; they share some of the vendor's words.
ROOM_MESSAGES = (ROOM_MESSAGE, DIRECTED_MESSAGE)
# The endpoints about users; they share some of the vendor's words.
USERS = (
    REGISTER_USERS,
    LIST_USERS,
    GET_USER,
    DELETE_USER,
    SET_PASSWORD,
    DEACTIVATE_USER,
    ACTIVATE_USER,
    DISCONNECT_USER,
    USER_STATUS,
    USERS_STATUS,
    USER_RESOURCES,
)
# The endpoints about rooms, which share some more.
ROOMS = (
    CREATE_ROOM,
    LIST_ROOMS,
    GET_ROOM,
    CHANGE_ROOM,
    DESTROY_ROOM,
    ADD_MEMBER,
    ADD_MEMBERS,
    REMOVE_MEMBERS,
    LIST_MEMBERS,
    JOINED_ROOMS,
    MUTE_MEMBERS,
    UNMUTE_MEMBERS,
    LIST_MUTES,
    MUTE_ROOM,
    UNMUTE_ROOM,
)
FILES = (UPLOAD_FILE, GET_FILE, HEAD_FILE)
MESSAGES = (USERS_BROADCAST, ALL_USERS_BROADCAST, *ROOM_MESSAGES, ROOMS_BROADCAST)
ENDPOINTS = (TOKEN, *USERS, *ROOMS, *MESSAGES, *FILES)

# What an answer calls the `action` where that is not the method.
ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        SET_PASSWORD.name: "set user password",
        DEACTIVATE_USER.name: "Deactivate user",
        ACTIVATE_USER.name: "activate user",
        USERS_STATUS.name: "get batch user status",
    }
)

# What of a query an answer gives back as `params`.
PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        LIST_USERS.name: ("limit", "cursor"),
        LIST_ROOMS.name: ("limit", "cursor"),
        LIST_MEMBERS.name: ("pagesize", "pagenum"),
    }
)
