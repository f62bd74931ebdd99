"""The table of what is served under an app."""

from laba.model.calls import Endpoint, Right

JSON = ("application/json",)

TOKEN = Endpoint("token", "POST", "/token", Right.ANYONE, JSON)
REGISTER_USERS = Endpoint("register_users", "POST", "/users", Right.APP, JSON)
GET_USER = Endpoint("get_user", "GET", "/users/{username}", Right.APP)
DELETE_USER = Endpoint("delete_user", "DELETE", "/users/{username}", Right.APP)
USERS_BROADCAST = Endpoint("users_broadcast", "POST", "/messages/users/broadcast", Right.APP, JSON)

ENDPOINTS = (TOKEN, REGISTER_USERS, GET_USER, DELETE_USER, USERS_BROADCAST)
