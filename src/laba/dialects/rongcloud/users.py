"""Users as callers write them: tokens, profiles, presence and tags (S11, vendor-apis.md 3.2)."""

from typing import Final

from laba.dialects.rongcloud.faults import missing
from laba.dialects.rongcloud.forms import form
from laba.dialects.rongcloud.members import Members, members
from laba.model.app import App
from laba.model.calls import Grant, TokenRequest
from laba.model.user import USERNAME_MAX_BYTES
from laba.model.usercalls import ChangeProfile, GetStatuses, GetTags, GetUser, SetTags

# vendor-apis.md 3.2
TAGS_MAX: Final = 20
TAG_MAX_BYTES: Final = 40
TAGGED_MAX: Final = 1000
TAGS_OF_MAX: Final = 50
# From memory of the vendor's pages, unverified.
NAME_MAX_BYTES: Final = 128
PORTRAIT_MAX_BYTES: Final = 1024
NEVER_SECONDS: Final = 0


def get_token(body: bytes, _app: App) -> TokenRequest:
    """Read for whom a token is asked; it never expires, and its user is registered by it."""
    fields = form(body)
    return TokenRequest(
        Grant.DIRECT,
        username=fields.text("userId", USERNAME_MAX_BYTES),
        ttl_seconds=NEVER_SECONDS,
        register=True,
        nickname=fields.optional("name", NAME_MAX_BYTES),
        portrait=fields.optional("portraitUri", PORTRAIT_MAX_BYTES),
    )


def refresh(body: bytes, _app: App) -> ChangeProfile:
    fields = form(body)
    return ChangeProfile(
        fields.text("userId", USERNAME_MAX_BYTES),
        fields.optional("name", NAME_MAX_BYTES),
        fields.optional("portraitUri", PORTRAIT_MAX_BYTES),
    )


def info(body: bytes, _app: App) -> GetUser:
    return GetUser(form(body).text("userId", USERNAME_MAX_BYTES))


def check_online(body: bytes, _app: App) -> GetStatuses:
    """Read whom it is about; who is nobody is not online."""
    return GetStatuses((form(body).text("userId", USERNAME_MAX_BYTES),))


def set_tags(body: bytes, _app: App) -> SetTags:
    """Read one user's tags, in place of all that it had; an empty array leaves it none."""
    asked = members(body)
    user = asked.text("userId", USERNAME_MAX_BYTES)
    return SetTags((user,), _tags(asked))


def set_tags_of_many(body: bytes, _app: App) -> SetTags:
    asked = members(body)
    users = asked.required_texts("userIds", TAGGED_MAX, USERNAME_MAX_BYTES)
    return SetTags(users, _tags(asked))


def get_tags(body: bytes, _app: App) -> GetTags:
    return GetTags(form(body).texts("userIds", TAGS_OF_MAX, USERNAME_MAX_BYTES))


def _tags(asked: Members) -> tuple[str, ...]:
    """Take the tags, which must be there: who forgets them does not mean to take all away."""
    if asked.value("tags") is None:
        raise missing("tags")
    return asked.texts("tags", TAGS_MAX, TAG_MAX_BYTES)
