"""Files over a real server: taken in and given out as streams, and nothing left of what did not come whole (E12)."""

import asyncio
import hashlib
import io
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from process_server import BROADCAST, HOST, Answer, call, eventually, metric, serving

pytestmark = pytest.mark.anyio

BOUNDARY = "----of-the-tests"
MEGABYTE = 1_000_000


def part(content=b"hello", name="file", filename="hello.txt"):
    said = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{said}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def form(*parts):
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def multipart(boundary=BOUNDARY):
    return f"multipart/form-data; boundary={boundary}"


async def upload(app, content=b"hello", filename="hello.txt", *, prefix="app-id", body=None, query="", **headers):
    """Hand a file in; gives the answer."""
    sent = {"Content-Type": multipart(), "Authorization": f"Bearer {app.app_token}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in sent.items() if value is not None}
    path = f"{app.prefixes[prefix]}/chatfiles{query}"
    return await call(app.server.port, "POST", path, body or form(part(content, filename=filename)), sent)


async def kept(app, *arguments, **options):
    """Hand a file in that is taken; gives the answer's one entity."""
    answer = await upload(app, *arguments, **options)
    assert answer.status == 200, answer
    [entity] = answer.json["entities"]
    return entity


async def fetch(app, uuid, *, prefix="app-id", method="GET", query="", **headers):
    """Fetch a file without any token."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"{app.prefixes[prefix]}/chatfiles/{uuid}{query}"
    if method == "HEAD":
        return await head_of(app.server.port, path, sent)
    return await call(app.server.port, method, path, headers=sent)


async def head_of(port, path, headers):
    """Ask for a head alone: no body follows, whatever length it says."""
    reader, writer = await asyncio.open_connection(HOST, port)
    lines = [f"HEAD {path} HTTP/1.1", "Host: h", "Connection: close", *(f"{k}: {v}" for k, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    first, *said = head.decode().split("\r\n")
    return Answer(int(first.split()[1]), {k.lower(): v for k, v in (one.split(": ", 1) for one in said)}, body)


def on_disk(server):
    """Give every file below the folder of files."""
    return sorted(path.name for path in (server.data / "files").rglob("*") if path.is_file())


def image(width=800, height=400, form="PNG", **options):
    """Draw noise, which no format makes small."""
    drawn = io.BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(width * height * 3)).save(drawn, form, **options)
    return drawn.getvalue()


# --- handing in and fetching ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["app-id", "org/app"])
async def test_a_file_is_fetched_as_it_was_handed_in(app, prefix):  # E12, S11
    """Under both forms of the path, with the vendor's answer and an address that leads to the file."""
    content = os.urandom(300_000)
    answer = await upload(app, content, prefix=prefix)
    assert answer.status == 200
    said = answer.json
    assert (said["action"], said["path"], said["applicationName"]) == ("post", "/chatfiles", app.keys["app_name"])
    assert said["uri"] == f"http://{HOST}:{app.server.port}/{app.name}/chatfiles"
    [entity] = said["entities"]
    assert set(entity) == {"uuid", "type", "share-secret"}
    assert entity["type"] == "chatfile"
    found = await call(app.server.port, "GET", f"/{app.name}/chatfiles/{entity['uuid']}")
    assert (found.status, found.body) == (200, content)
    assert (await fetch(app, entity["uuid"], prefix=prefix)).body == content
    assert entity["uuid"] in on_disk(app.server)


async def test_any_user_of_the_app_may_hand_in(app):  # E12
    assert (await upload(app, Authorization=f"Bearer {app.user_token('ann')}")).status == 200


async def test_who_is_nobody_hands_in_nothing(app, server):  # E12, A10
    """Without a token, with another app's, with a user's whose password changed since: nothing is read or kept."""
    other = server.new_app("other/app" + app.name.partition("app")[2])
    token = app.user_token("ann")
    assert (await app.call("PUT", "/users/ann/password", {"newpassword": "x"})).status == 200
    before = on_disk(server)
    answers = [
        await upload(app, Authorization=proof)
        for proof in (None, "Bearer nonsense", f"Bearer {other.app_token}", f"Bearer {token}")
    ]
    assert [answer.status for answer in answers] == [401] * 4
    assert on_disk(server) == before


async def test_a_file_is_of_its_app_alone(app, server):  # E12
    """Another app does not have it, whatever secret is shown."""
    other = server.new_app("foreign/app" + app.name.partition("app")[2])
    entity = await kept(app)
    answer = await fetch(other, entity["uuid"], share_secret=entity["share-secret"])
    assert (answer.status, answer.json["error"]) == (404, "entity_not_found")


@pytest.mark.parametrize("asked", [{"restrict_access": "true"}, {"query": "?restrict-access=true"}])
async def test_a_restricted_file_needs_its_secret(app, asked):  # E12
    """As a header or in the query; wrong or missing it is refused, with whatever token."""
    entity = await kept(app, b"for few", **asked)
    uuid, secret = entity["uuid"], entity["share-secret"]
    for headers in (
        {},
        {"share_secret": "wrong"},
        {"share_secret": ""},
        {"Authorization": f"Bearer {app.app_token}"},
    ):
        answer = await fetch(app, uuid, **headers)
        assert (answer.status, answer.json["error"]) == (403, "forbidden_op"), headers
        assert b"for few" not in answer.body
        assert secret.encode() not in answer.body
    assert (await fetch(app, uuid, query="?share-secret=wrong")).status == 403
    assert (await fetch(app, uuid, query="?share-secret=wrong", method="HEAD")).status == 403
    assert (await fetch(app, uuid, share_secret=secret)).body == b"for few"
    assert (await fetch(app, uuid, query=f"?share-secret={secret}")).body == b"for few"


async def test_a_file_is_given_in_part(app):  # E12, RFC 9110 section 14
    entity = await kept(app, b"0123456789")
    for wanted, expected in {
        "bytes=2-4": (206, b"234", "bytes 2-4/10"),
        "bytes=7-": (206, b"789", "bytes 7-9/10"),
        "bytes=-2": (206, b"89", "bytes 8-9/10"),
        "bytes=0-99": (206, b"0123456789", "bytes 0-9/10"),
        "bytes=0-1,3-4": (200, b"0123456789", None),
        "lines=1-2": (200, b"0123456789", None),
    }.items():
        answer = await fetch(app, entity["uuid"], Range=wanted)
        assert (answer.status, answer.body, answer.headers.get("content-range")) == expected
    answer = await fetch(app, entity["uuid"], Range="bytes=10-")
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */10")


async def test_a_head_says_what_a_get_would(app):  # E12
    entity = await kept(app, b"0123456789")
    get, head = await fetch(app, entity["uuid"]), await fetch(app, entity["uuid"], method="HEAD")
    assert (head.status, head.body) == (200, b"")
    varying = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in get.headers.items() if k not in varying
    }


async def test_who_has_it_already_gets_no_bytes(app):  # RFC 9110 section 13.1.2
    entity = await kept(app)
    tag = (await fetch(app, entity["uuid"])).headers["etag"]
    reader, writer = await asyncio.open_connection(HOST, app.server.port)
    path = f"{app.prefixes['app-id']}/chatfiles/{entity['uuid']}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\nIf-None-Match: {tag}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 304 ")
    assert answer.endswith(b"\r\n\r\n")


# --- what is served as what ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script>",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"<svg onload=alert(1)>",
        b"%PDF-1.7\n",
        b"\x00\x01\x02",
    ],
)
async def test_nothing_that_can_run_is_served_as_such(app, content):  # E12
    """Whatever the caller says of its type and its name: it is bytes to be saved."""
    body = form(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x.html"\r\n'
        f"Content-Type: text/html\r\n\r\n".encode()
        + content
        + b"\r\n"
    )
    entity = await kept(app, body=body)
    answer = await fetch(app, entity["uuid"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.body == content


async def test_an_image_is_shown(app):  # E12
    entity = await kept(app, image(), filename="x.txt")
    answer = await fetch(app, entity["uuid"])
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("inline")


# --- thumbnails ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_an_image_has_a_thumbnail(app, kind):  # E12
    """170 pixels at most where nothing is asked for, in its own proportions."""
    entity = await kept(app, image(form=kind))
    answer = await fetch(app, entity["uuid"], thumbnail="true")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.body)) as thumbnail:
        assert thumbnail.size == (170, 85)


async def test_a_thumbnail_is_as_large_as_was_asked(app):  # E12
    entity = await kept(app, image(), thumbnail_height="40", thumbnail_width="300")
    with Image.open(io.BytesIO((await fetch(app, entity["uuid"], thumbnail="true")).body)) as thumbnail:
        assert thumbnail.size == (80, 40)


async def test_a_small_image_is_its_own_thumbnail(app):  # vendor-apis.md 3.1
    content = image(20, 20)
    assert len(content) <= 10_240
    entity = await kept(app, content)
    assert (await fetch(app, entity["uuid"], thumbnail="true")).body == content


async def test_a_restricted_image_s_thumbnail_needs_the_secret_too(app):  # E12
    entity = await kept(app, image(), restrict_access="true")
    assert (await fetch(app, entity["uuid"], thumbnail="true")).status == 403
    answer = await fetch(app, entity["uuid"], thumbnail="true", share_secret=entity["share-secret"])
    assert answer.status == 200


async def test_what_is_no_image_has_no_thumbnail(app):  # E12
    """Nor has what only begins like one."""
    for content in (b"text" * 5000, b"\x89PNG\r\n\x1a\n" + bytes(20_000)):
        entity = await kept(app, content)
        assert (await fetch(app, entity["uuid"])).body == content
        answer = await fetch(app, entity["uuid"], thumbnail="true")
        assert (answer.status, answer.json["error"]) == (404, "entity_not_found")


# --- tricks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "filename",
    [
        "../../../../tmp/laba-trick",
        "..\\..\\laba-trick",
        "/etc/laba-trick",
        "C:\\laba-trick",
        "%2e%2e%2flaba-trick",
        "laba-trick\0.png",
        "laba-trick\x1b[2J\u202egnp",
        "a" * 3000,
        "..",
        "",
        '"; rm -rf /; laba-trick"',
        "喇叭 laba-trick.txt",
    ],
)
async def test_a_file_s_name_leads_nowhere(app, filename):  # E12
    """On the disk there is nothing of it, and in the answer's header nothing that ends a line or names a folder."""
    before = on_disk(app.server)
    entity = await kept(app, filename=filename)
    assert sorted({*before, entity["uuid"]}) == on_disk(app.server)
    assert not list(app.server.data.parent.glob("**/*laba-trick*"))
    answer = await fetch(app, entity["uuid"])
    assert answer.body == b"hello"
    said = answer.headers["content-disposition"]
    assert not set(said.split(";", 1)[-1]) & set("/\\\0\x1b\r\n")
    assert len(said) < 2000


@pytest.mark.parametrize(
    "path",
    [
        "../laba.db",
        "..%2flaba.db",
        "%2e%2e%2f%2e%2e%2flaba.db",
        "%2e%2e/laba.db",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "..%5claba.db",
        "%00",
        "00000000-0000-4000-8000-000000000000%00",
        "00000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-00000000000g",
        "x" * 5000,
        "%ff%fe",
        "",
    ],
)
async def test_an_address_leads_to_files_alone(app, path):  # E12
    """What is no file's uuid is not there, and is said so in the dialect's words."""
    for prefix in app.prefixes.values():
        answer = await call(app.server.port, "GET", f"{prefix}/chatfiles/{path}")
        assert answer.status == 404
        assert answer.json["error"] in ("entity_not_found", "service_resource_not_found"), answer


# --- bad bodies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (form(part(name="other")), {}, (400, "illegal_argument", "file must be provided.")),
        (form(), {}, (400, "illegal_argument", "file must be provided.")),
        (form(part(b"")), {}, (400, "illegal_argument", "file must be provided.")),
        (form(part(), part()), {}, (400, "illegal_argument", "file must be there once")),
        (
            form(part()),
            {"Content-Type": multipart("another")},
            (400, "illegal_argument", "this is an invalid request."),
        ),
        (
            form(part()),
            {"Content-Type": multipart("x" * 300)},
            (400, "illegal_argument", "this is an invalid request."),
        ),
        (
            form(part()),
            {"Content-Type": "multipart/form-data"},
            (400, "illegal_argument", "this is an invalid request."),
        ),
        (part(), {}, (400, "illegal_argument", "this is an invalid request.")),
        (b"nonsense", {}, (400, "illegal_argument", "this is an invalid request.")),
        (
            form(*[part(name=f"p{n}") for n in range(40)]),
            {},
            (400, "illegal_argument", "this is an invalid request."),
        ),
        (form(part(b"x" * 70_000, "other"), part()), {}, (400, "illegal_argument", "this is an invalid request.")),
        (form(part(filename="a" * 10_000)), {}, (400, "illegal_argument", "this is an invalid request.")),
        (form(part()), {"Content-Type": "application/json"}, (415, "web_application", "Unsupported Media Type")),
        (
            form(part()),
            {"restrict_access": "maybe"},
            (400, "illegal_argument", "restrict-access must be true or false"),
        ),
        (
            form(part()),
            {"thumbnail_width": "0"},
            (400, "illegal_argument", "thumbnail-width must be a number of pixels, 1 to 2000"),
        ),
    ],
)
async def test_a_bad_upload_is_refused_and_leaves_nothing(app, body, headers, expected):  # E12, G4
    before = on_disk(app.server)
    headers = {name.replace("-", "_"): value for name, value in headers.items()}
    answer = await upload(app, body=body, **headers)
    assert (answer.status, answer.json["error"], answer.json["error_description"]) == expected
    assert on_disk(app.server) == before


async def test_the_name_may_come_in_a_part_of_its_own(app):  # vendor-apis.md 3.1: the vendor's SDK
    """Before the file or after it; what stands with the file goes first."""
    for parts, expected in (
        ((part(b"a.txt", "filename", None), part(filename=None)), "a.txt"),
        ((part(filename=None), part(b"b.txt", "filename", None)), "b.txt"),
        ((part(b"a.txt", "filename", None), part(filename="c.txt")), "c.txt"),
    ):
        entity = await kept(app, body=form(*parts))
        answer = await fetch(app, entity["uuid"])
        assert f'filename="{expected}"' in answer.headers["content-disposition"]
        assert answer.body == b"hello"


# --- size ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server for files of at most 100,000 bytes, 250,000 in all, that gives a body a second to go on."""
    settings = {
        "LABA_FILES__LIMIT_BYTES": "100000",
        "LABA_FILES__TOTAL_LIMIT_BYTES": "250000",
        "LABA_FILES__MAX_UPLOADS": "2",
        "LABA_SERVER__BODY_SECONDS": "1",
    }
    with serving(tmp_path_factory.mktemp("small"), **settings) as server:
        yield server.new_app()


async def opened_upload(app, length, *more):
    """Begin an upload of so many bytes, and leave it open after what is said."""
    reader, writer = await asyncio.open_connection(HOST, app.server.port)
    head = (
        f"POST {app.prefixes['app-id']}/chatfiles HTTP/1.1",
        "Host: h",
        f"Authorization: Bearer {app.app_token}",
        f"Content-Type: {multipart()}",
        f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked",
    )
    writer.write("\r\n".join([*head, "", ""]).encode() + b"".join(more))
    return reader, writer


async def answered(reader):
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        return int(head.split()[1]), json.loads(await reader.readexactly(length))


async def test_a_file_of_the_limit_passes_and_one_byte_more_does_not(small):  # E12
    for size, status in ((100_000, 200), (100_001, 413)):
        answer = await upload(small, bytes(size))
        assert answer.status == status
    assert answer.json["error_description"] == "file exceeding maximum limit"
    assert len(on_disk(small.server)) == 1


async def test_what_says_that_it_is_too_large_is_refused_unread(small):  # E12, G4
    reader, writer = await opened_upload(small, 10**12)
    assert (await answered(reader))[0] == 413
    writer.close()


async def test_what_turns_out_to_be_too_large_is_refused(small):  # E12, G4
    """A chunked body says no length beforehand."""
    reader, writer = await opened_upload(small, None)
    body = form(part(bytes(200_000)))
    with suppress(ConnectionError):
        for start in range(0, len(body), 50_000):
            piece = body[start : start + 50_000]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
    assert (await answered(reader))[0] == 413
    writer.close()


async def test_a_chunked_upload_is_one_like_any_other(small):  # E12
    body = form(part(b"in chunks"))
    chunks = b"".join(b"1\r\n%b\r\n" % body[at : at + 1] for at in range(len(body)))
    reader, writer = await opened_upload(small, None, chunks, b"0\r\n\r\n")
    status, said = await answered(reader)
    assert status == 200
    assert (await fetch(small, said["entities"][0]["uuid"])).body == b"in chunks"
    writer.close()


async def test_a_body_that_stands_still_is_ended(small):  # E12, G4
    """Where something comes of it again and again it may take longer than that in all."""
    body = form(part(bytes(1000)))
    reader, writer = await opened_upload(small, len(body), body[:200])
    assert (await answered(reader))[0] == 408
    writer.close()
    assert not list((small.server.data / "files" / "arriving").iterdir())
    reader, writer = await opened_upload(small, len(body))
    for start in range(0, len(body), len(body) // 5 + 1):
        writer.write(body[start : start + len(body) // 5 + 1])
        # The time between the pieces is what is shown here: three seconds in all, where one is allowed without any.
        await asyncio.sleep(0.6)
    assert (await answered(reader))[0] == 200
    writer.close()


async def test_more_at_once_than_may_be_is_said(small):  # E12
    body = form(part(bytes(1000)))
    waiting = [await opened_upload(small, len(body), body[:200]) for _ in range(2)]
    arriving = small.server.data / "files" / "arriving"

    async def both_have_begun():
        return len(list(arriving.iterdir())) == 2

    await eventually(both_have_begun)
    answer = await upload(small)
    assert (answer.status, answer.json["error"]) == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"
    for reader, writer in waiting:
        writer.write(body[200:])
        assert (await answered(reader))[0] == 200
        writer.close()


async def test_all_files_together_are_bounded(small):  # E12
    """Nothing is left of what found no room, and the space it took is free again."""
    for _ in range(3):
        answer = await upload(small, bytes(90_000))
        if answer.status != 200:
            break
    assert (answer.status, answer.json["error"]) == (429, "resource_limited")
    held = await metric(small.server, "laba_files_bytes")
    assert held <= 250_000
    assert held == sum(path.stat().st_size for path in (small.server.data / "files").rglob("*") if path.is_file())


# --- ends of connections and of processes --------------------------------------------------------------------------


async def test_a_caller_that_goes_in_the_middle_leaves_nothing(app):  # E12
    before = on_disk(app.server)
    body = form(part(bytes(MEGABYTE)))
    _, writer = await opened_upload(app, len(body), body[: MEGABYTE // 2])

    async def has_begun():
        return on_disk(app.server) != before

    await eventually(has_begun)
    writer.transport.abort()

    async def is_gone():
        return on_disk(app.server) == before

    await eventually(is_gone)


async def test_a_server_killed_amid_an_upload_leaves_nothing(tmp_path):  # E12
    """And what was answered before is there, also after a stop in order."""
    data = tmp_path / "data"
    with serving(data) as server:
        app = server.new_app()
        entity = await kept(app, b"answered")
        body = form(part(bytes(MEGABYTE)))
        _, writer = await opened_upload(app, len(body), body[: MEGABYTE // 2])

        async def has_begun():
            return len(on_disk(server)) == 2

        await eventually(has_begun)
        server.kill()
        writer.close()
    assert len(on_disk(server)) == 2
    stray = data / "files" / "kept" / "00" / "00000000-0000-4000-8000-000000000000"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"kept, and not known: killed before the record was written")
    with serving(data) as server:

        async def only_what_was_answered():
            return on_disk(server) == [entity["uuid"]]

        await eventually(only_what_was_answered)
        assert (await fetch(app.on(server), entity["uuid"])).body == b"answered"


async def test_uploads_at_the_same_time_do_not_mix(app):  # E12
    contents = [os.urandom(200_000 + number) for number in range(20)]
    entities = await asyncio.gather(*(kept(app, content) for content in contents))
    answers = await asyncio.gather(*(fetch(app, entity["uuid"]) for entity in entities))
    assert [answer.body for answer in answers] == contents


# --- what messages say of files ------------------------------------------------------------------------------------


async def test_a_message_with_a_restricted_file_has_its_secret(app):  # E7
    """Of this app, that is; and the refusal names the member as the caller writes it."""
    entity = await kept(app, image(), restrict_access="true")
    url = f"http://{HOST}:{app.server.port}/{app.name}/chatfiles/{entity['uuid']}"
    for lacks, said in (
        ("msg.secret", {"type": "img", "url": url}),
        ("msg.thumb_secret", {"type": "video", "url": "http://cdn.example.com/a.mp4", "thumb": url}),
    ):
        answer = await app.call("POST", BROADCAST, {"msg": said})
        assert (answer.status, answer.json["error"], answer.json["field"]) == (400, "invalid_request_body", lacks)
    secret = entity["share-secret"]
    for said in (
        {"type": "img", "url": url, "secret": secret},
        {"type": "img", "url": f"http://cdn.example.com/chatfiles/{'0' * 8}-0000-4000-8000-000000000000"},
    ):
        assert (await app.call("POST", BROADCAST, {"msg": said})).status == 200


# --- memory --------------------------------------------------------------------------------------------------------

LARGE = 100 * MEGABYTE


def memory(server, line="VmHWM"):
    """Give a line of the process's status in bytes: VmHWM is the most it ever had in memory, VmRSS what it has."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition(f"{line}:")[2].split()[0]) * 1024


async def test_a_hundred_megabytes_go_in_and_out_in_sixteen_of_memory(tmp_path):  # E12
    """At most: what the process ever held, against what it held before."""
    with serving(tmp_path / "data", LABA_FILES__LIMIT_BYTES=str(LARGE)) as server:
        app = server.new_app()
        entity = await kept(app)
        await fetch(app, entity["uuid"])
        before = memory(server, "VmRSS")
        piece = os.urandom(MEGABYTE)
        head, tail = form(part(b"|")).split(b"|")
        reader, writer = await opened_upload(app, len(head) + LARGE + len(tail), head)
        for _ in range(LARGE // MEGABYTE):
            writer.write(piece)
            await writer.drain()
        writer.write(tail)
        status, said = await answered(reader)
        writer.close()
        assert status == 200
        digest = await downloaded(app, said["entities"][0]["uuid"])
        assert digest == hashlib.sha256(piece * (LARGE // MEGABYTE)).hexdigest()
        assert memory(server) - before < 16 << 20


async def downloaded(app, uuid):
    """Fetch a file, and give the digest of its bytes."""
    reader, writer = await asyncio.open_connection(HOST, app.server.port)
    writer.write(
        f"GET {app.prefixes['app-id']}/chatfiles/{uuid} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    digest = hashlib.sha256()
    while piece := await reader.read(1 << 18):
        digest.update(piece)
    writer.close()
    return digest.hexdigest()
