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
# The vendor's page calls the token optional; E12 asks for one.
UPLOAD_FILE = Endpoint("upload_file", "POST", "/chatfiles", Right.ANY_USER_OR_APP, MULTIPART, streamed=True)
GET_FILE = Endpoint("get_file", "GET", "/chatfiles/{uuid}", Right.ANYONE)
HEAD_FILE = Endpoint("head_file", "HEAD", "/chatfiles/{uuid}", Right.ANYONE)

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
FILES = (UPLOAD_FILE, GET_FILE, HEAD_FILE)
ENDPOINTS = (TOKEN, *USERS, USERS_BROADCAST, *FILES)

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
PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType({LIST_USERS.name: ("limit", "cursor")})
