import json

import pytest

from laba.dialects.easemob.dialect import EasemobDialect
from laba.model.calls import Exchange
from laba.model.chatfile import StoredFile
from laba.model.filecalls import Box, Conditions, FileGiven, FileKept, FileUnchanged, GetFile, Span, Upload
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Code, Refusal

DIALECT = EasemobDialect()
UUID = "331d42e6-ad85-460f-b6b0-d1fb6fef9f12"


def received(query=None, **headers):
    """Read the head of an upload."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = RequestHead("POST", "/o/a/chatfiles", query or {}, named)
    return DIALECT.receive(DIALECT.claim(head), head, None, 0)


def asked(method="GET", query=None, **headers):
    """Read a fetch."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = RequestHead(method, f"/o/a/chatfiles/{UUID}", query or {}, named)
    return DIALECT.read(DIALECT.claim(head), HttpRequest(head), None, 0)


def answered(app, answer, method="GET", path=f"/chatfiles/{UUID}"):
    """Write an answer."""
    claim = DIALECT.claim(RequestHead(method, f"/app-id/{app.keys.app_id}{path}"))
    return DIALECT.write(Exchange(claim, app, "https://im.example.com", 100, 107), answer)


# E12, vendor-apis.md 3.1
def test_an_upload_says_in_its_head_what_it_is():
    """In headers or in the query, the headers first; nothing said is unrestricted, and 170 pixels."""
    assert received() == Upload("file", restricted=False, box=Box(170, 170))
    assert received(restrict_access="true").restricted
    assert received({"restrict-access": "true", "chat-type": "chat"}).restricted
    assert not received({"restrict-access": "true"}, restrict_access="false").restricted
    assert received(restrict_access=" TRUE ").restricted
    assert received(thumbnail_height="40", thumbnail_width="30").box == Box(30, 40)
    assert received({"thumbnail-height": "40"}).box == Box(170, 40)


@pytest.mark.parametrize("name", ["restrict_access", "thumbnail_height", "thumbnail_width"])
@pytest.mark.parametrize("value", ["yes", "0", "-1", "1e3", "2001", "１００", "9" * 1000])
def test_what_an_upload_cannot_be_is_refused(name, value):  # G4
    """By the name of what says it."""
    refusal = received(**{name: value})
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, name.replace("_", "-"))


# E12
def test_a_fetch_shows_its_secret_in_the_header_or_in_the_link():
    assert asked() == GetFile(UUID)
    assert asked(share_secret="s").secret == "s"
    assert asked(query={"share-secret": "s"}).secret == "s"
    assert asked(query={"share-secret": "link"}, share_secret="header").secret == "header"


def test_a_fetch_may_be_of_the_thumbnail_of_a_part_and_of_the_head_alone():  # E12
    assert asked(thumbnail="true").thumbnail
    assert not asked(thumbnail="false").thumbnail
    assert asked(thumbnail="maybe").field == "thumbnail"
    conditions = asked(range="bytes=0-1", if_none_match='"a"', if_range='"b"').conditions
    assert conditions == Conditions(none_match='"a"', bytes_wanted="bytes=0-1", if_range='"b"')
    assert [asked(method).content for method in ("GET", "HEAD")] == [True, False]


# E12, vendor-apis.md 3.1
@pytest.mark.parametrize("restricted", [True, False])
def test_a_kept_file_is_told_in_the_vendor_s_envelope(app, restricted):
    """`uri` and `uuid` together are its address; the secret is always there."""
    file = StoredFile(UUID, app.uuid, "a.txt", "image/png", 5, "hidden", restricted, 1)
    body = json.loads(answered(app, FileKept(file), "POST", "/chatfiles").body)
    assert body == {
        "path": "/chatfiles",
        "uri": "https://im.example.com/easemob-demo/wang/chatfiles",
        "timestamp": 107,
        "organization": "easemob-demo",
        "application": app.uuid,
        "applicationName": "wang",
        "action": "post",
        "duration": 7,
        "entities": [{"uuid": UUID, "type": "chatfile", "share-secret": "hidden"}],
    }


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", "inline"),
        ("audio/amr", "inline"),
        ("video/mp4", "inline"),
        ("application/octet-stream", "attachment"),
    ],
)
def test_nothing_can_run_from_what_is_given(app, media_type, kind):  # E12
    """What is shown is shown as nothing else; all else is saved."""
    response = answered(app, FileGiven("name", "a.html", media_type, 5))
    assert (response.status, response.media_type) == (200, media_type)
    headers = response.headers
    assert headers["Content-Disposition"].partition(";")[0] == kind
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (headers["Content-Length"], headers["ETag"]) == ("5", '"name"')


def test_a_part_says_which(app):  # RFC 9110 section 14.4
    response = answered(app, FileGiven("name", None, "image/png", 10, Span(2, 3)))
    assert response.status == 206
    assert (response.headers["Content-Range"], response.headers["Content-Length"]) == ("bytes 2-4/10", "3")
    refusal = Refusal(Code.RANGE_UNSATISFIABLE, "why", field="Range", subject="10")
    response = answered(app, refusal)
    assert (response.status, response.headers["Content-Range"]) == (416, "bytes */10")


def test_what_the_caller_has_is_not_told_again(app):  # RFC 9110 section 15.4.5
    response = answered(app, FileUnchanged("name"))
    assert (response.status, response.body, response.headers["ETag"]) == (304, b"", '"name"')


def test_a_caches_copy_is_asked_about_each_time(app):
    """It may have expired here; and it differs by the secret and by what is asked for."""
    for answer in (FileGiven("name", None, "image/png", 10), FileUnchanged("name")):
        headers = answered(app, answer).headers
        assert (headers["Cache-Control"], headers["Vary"]) == ("private, no-cache", "share-secret, thumbnail")
