"""Whatever comes over the wire: an answer in the vendor's shape, never a 5xx, and the server goes on (G4)."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest

from process_clients import line_to, python
from process_server import BROADCAST, HOST, exchange, serving, steady_port

pytestmark = pytest.mark.anyio

INVALID_BODY = "invalid_request_body"
SHAPE = {"error", "exception", "timestamp", "duration", "error_description"}


def text(members=b""):
    """Give a good broadcast with more members, written as they stand."""
    return b'{"msg":{"type":"txt","msg":"hello"}%b}' % (members and b"," + members)


def ext(value):
    return text(b'"ext":{"k":%b}' % value)


# Refused as 400 invalid_request_body (A7), because not every client could read it, or none.
BROKEN = {
    "nothing": b"",
    "blank": b" \n",
    "half": b'{"msg":{"type":"txt"',
    "two documents": text() + text(),
    "rubbish": b"\x00\x01\x02\x03",
    "invalid UTF-8": ext(b'"\xff\xfe"'),
    "UTF-8 of a surrogate": ext(b'"\xed\xa0\x80"'),
    "byte order mark": b"\xef\xbb\xbf" + text(),
    "UTF-16": text().decode().encode("utf-16"),
    "raw NUL": ext(b'"a\x00b"'),
    "raw newline": ext(b'"a\nb"'),
    "lone high surrogate": ext(b'"\\ud800"'),
    "lone low surrogate": ext(b'"\\udc00"'),
    "surrogates reversed": ext(b'"\\udc00\\ud800"'),
    "surrogate as a name": text(b'"ext":{"\\ud800":1}'),
    "surrogate as the sender": text(b'"from":"\\ud800"'),
    "NaN": ext(b"NaN"),
    "Infinity": ext(b"-Infinity"),
    "1e400": ext(b"1e400"),
    "-1e400": ext(b"-1e400"),
    "5000 digits": ext(b"9" * 5000),
    "leading zero": ext(b"01"),
    "hexadecimal": ext(b"0x1f"),
    "a member twice": text(b'"from":"ann","from":"bob"'),
    "the message twice": text(b'"msg":{"type":"cmd","action":"a"}'),
    "nested 30k deep": ext(b"[" * 30_000 + b"]" * 30_000),
    "nested 65 deep": ext(b"[" * 65 + b"]" * 65),
    "opened 60k times": b'{"a":' * 10_000 + b"[" * 10_000,
    "an array": b"[]",
    "null": b"null",
    "true": b"true",
    "text": b'"hello"',
    "a number": b"7",
    "comment": b'/* */{"msg":{"type":"txt","msg":"a"}}',
    "single quotes": b"{'msg':{'type':'txt','msg':'a'}}",
    "trailing comma": b'{"msg":{"type":"txt","msg":"a"},}',
    "a form": b"msg=hello&from=ann",
    "no msg": b"{}",
    "msg null": b'{"msg":null}',
    "msg a list": b'{"msg":[]}',
    "no type": b'{"msg":{"msg":"a"}}',
    "unknown type": b'{"msg":{"type":"RC:TxtMsg","msg":"a"}}',
    "type null": b'{"msg":{"type":null,"msg":"a"}}',
    "type an object": b'{"msg":{"type":{},"msg":"a"}}',
    "no text": b'{"msg":{"type":"txt"}}',
    "text a number": b'{"msg":{"type":"txt","msg":1}}',
    "from a number": text(b'"from":1'),
    "from null": text(b'"from":null'),
    "from 10k": text(b'"from":"%b"' % (b"a" * 10_000)),
    "size negative": b'{"msg":{"type":"img","url":"u","size":{"width":-1}}}',
    "size a list": b'{"msg":{"type":"img","url":"u","size":[]}}',
    "length true": b'{"msg":{"type":"audio","url":"u","length":true}}',
    "lat no number": b'{"msg":{"type":"loc","lat":"nan","lng":"1","addr":"a"}}',
    "lat 1e999": b'{"msg":{"type":"loc","lat":"1e999","lng":"1","addr":"a"}}',
    "event too long": b'{"msg":{"type":"custom","customEvent":"%b"}}' % (b"a" * 33),
    "exts not text": b'{"msg":{"type":"custom","customEvent":"a","customExts":{"k":1}}}',
}

# Accepted, however odd: it must reach the clients as it was sent.
ODD = {
    "escaped NUL": b'"\\u0000"',
    "escaped NUL as a name": b'{"\\u0000":1}',
    "line separators": b'"\\u2028\\u2029\\u0085"',
    "escaped newlines": b'"\\r\\n\\n"',
    "astral": b'"\\ud83d\\ude00"',
    "noncharacters": b'"\\uffff\\ufffe\\ufdd0"',
    "every control character": json.dumps("".join(map(chr, range(32)))).encode(),
    "markup": b'"</script><!--\\"\'"',
    "2^53+1": b"9007199254740993",
    "2^64": b"18446744073709551616",
    "-2^63-1": b"-9223372036854775809",
    "300 digits": b"9" * 300,
    "largest double": b"1.7976931348623157e308",
    "smallest double": b"5e-324",
    "underflow": b"1e-400",
    "empty name": b'{"":{"":[]}}',
    "proto": b'{"__proto__":{"a":1},"constructor":null}',
    "nested 60 deep": b"[" * 60 + b"]" * 60,
    "600 members": b"{%b}" % b",".join(b'"%d":0' % number for number in range(600)),
}


async def post(app, body, **headers):
    return await app.call("POST", BROADCAST, body, **headers)


def is_refusal(answer, status, error):
    body = answer.json
    assert (answer.status, body["error"]) == (status, error)
    assert body.keys() >= SHAPE
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_a_broken_body_is_refused_in_the_vendors_shape(app, body):  # A4, A7, G4
    is_refusal(await post(app, body), 400, INVALID_BODY)


@pytest.mark.parametrize("value", [b"null", b"[]", b'"a"', b"1", b"false"])
async def test_an_ext_that_is_no_object_is_refused(app, value):  # A4, G4
    answer = await post(app, text(b'"ext":' + value))
    is_refusal(answer, 400, "illegal_argument")
    assert answer.json["error_description"] == "ext must be JSONObject"


async def test_an_empty_sender_is_refused(app):  # A4
    answer = await post(app, text(b'"from":""'))
    is_refusal(answer, 400, "illegal_argument")
    assert answer.json["error_description"] == "from can't be empty"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
async def test_another_content_type_is_415(app, media_type):  # A10
    answer = await post(app, text(), Content_Type=media_type)
    is_refusal(answer, 415, "web_application")
    assert answer.json["error_description"] == "Unsupported Media Type"


async def test_parameters_of_the_content_type_do_no_harm(app):  # A10
    assert (await post(app, text(), Content_Type="Application/JSON; charset=utf-8")).status == 200


async def test_a_compressed_body_is_415(app):  # G4
    is_refusal(await post(app, text(), Content_Encoding="gzip"), 415, "web_application")


@pytest.mark.parametrize("size", [65_537, 1_000_000])
async def test_a_body_over_64_kib_is_413(app, size):  # G4
    is_refusal(await post(app, text().ljust(size)), 413, "request_entity_too_large")


async def test_a_chunked_body_over_64_kib_is_413(app):  # G4
    """It says nothing of its length, and goes on for as long as it is listened to."""
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    answer = await exchange(app.server.port, request(app, b"Transfer-Encoding: chunked", chunk * 8))
    is_refusal(answer, 413, "request_entity_too_large")


async def test_who_does_not_stop_sending_is_cut_off(app):  # G4
    """The refusal was there for the reading; nobody needs to hear the rest."""
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    _, writer = await asyncio.open_connection(HOST, app.server.port)
    writer.write(request(app, b"Transfer-Encoding: chunked", b""))

    async def talk():
        for _ in range(4096):
            writer.write(chunk)
            await writer.drain()

    with pytest.raises(ConnectionError):
        await talk()
    writer.transport.abort()
    await app.broadcast("good")


async def test_a_body_of_64_kib_is_read(app):  # G4
    assert (await post(app, text().ljust(65_536))).status == 200


async def test_a_message_over_5120_bytes_is_refused(app):  # E2
    fits = b'"' + b"a" * (5120 - len(b'{"type":"txt","msg":"hello"}') - len(b'{"k":""}')) + b'"'
    assert (await post(app, ext(fits))).status == 200
    answer = await post(app, ext(fits[:-1] + b'a"'))
    is_refusal(answer, 400, "message_send_error")
    assert answer.json["error_description"] == "message is too large"


def request(app, header, body, path=b"/messages/users/broadcast", method=b"POST"):
    """Write a request by hand."""
    head = (
        b"%b %b%b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nAuthorization: Bearer %b\r\n"
        b"Connection: close\r\n%b\r\n\r\n"
    )
    prefix, token = app.prefixes["org/app"].encode(), app.app_token.encode()
    return head % (method, prefix, path, HOST.encode(), token, header) + body


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: -1",
        b"Content-Length: 0x10",
        b"Content-Length: 1e3",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 99999999999999999999999",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip",
        b"no colon",
        b": no name",
        b"a\x00b: c",
        b"Expect: 200-ok\r\nContent-Length: 0",
    ],
    ids=repr,
)
async def test_a_broken_head_gets_a_4xx(app, header):  # G4
    assert 400 <= (await exchange(app.server.port, request(app, header, b"12345"))).status < 500


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/messages/users/broadcast/", 404),
        (b"/messages/users", 404),
        (b"/messages/users/%00", 404),
        (b"/users/%ff%fe", 404),
        (b"/users/%ED%A0%80", 404),
        (b"/users/%00", 404),
        (b"/users/%2e%2e%2f", 404),
        (b"/users/" + b"a" * 10_000, 404),
        (b"/users/\xff", 400),
        (b"/users/%zz", 404),
    ],
    ids=repr,
)
async def test_a_path_that_names_nothing_is_answered_404(app, path, status):  # G4
    answer = await exchange(app.server.port, request(app, b"Content-Length: 0", b"", path, b"GET"))
    assert answer.status == status


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_405_and_says_which(app, method):  # G4
    answer = await app.call(method, BROADCAST)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"grant_type":"password","username":"\\ud800","password":"a"}',
        b'{"grant_type":"password","username":"\\u0000","password":"\\u0000"}',
        b'{"grant_type":"password","username":"%b","password":"%b"}' % (b"a" * 9000, b"b" * 9000),
        b'{"grant_type":"client_credentials","client_id":"\\u0100","client_secret":"\\u0100"}',
        b'{"grant_type":"client_credentials","client_id":1,"client_secret":1}',
        b'{"grant_type":"inherit","username":"a/b","autoCreateUser":true}',
        b'{"grant_type":"inherit","username":"ann","autoCreateUser":true,"ttl":99999999999999999999}',
        b'{"grant_type":"agora","ttl":"-1"}',
        b'{"grant_type":{}}',
    ],
    ids=lambda body: body[:60].decode(),
)
async def test_a_nasty_request_for_a_token_gets_a_4xx(app, body):  # G4, S1
    answer = await app.call("POST", "/token", body)
    assert 400 <= answer.status < 500
    assert answer.json.keys() >= SHAPE


async def send_odd(app):
    for name, value in ODD.items():
        answer = await post(app, ext(value))
        assert answer.status == 200, (name, answer.body)


async def test_what_is_odd_reaches_both_clients_and_what_is_good_after_it(app, sdk):  # A5, G4
    async with sdk(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        await send_odd(app)
        await ann.until_heard(await app.broadcast("good"))
        assert len(ann.messages) == len(ODD) + 1


async def test_what_is_odd_is_exact_live_and_out_of_the_ledger(tmp_path):  # A1, A5, G4
    """To Python's JSON a number has no bound, so that nothing hides what laba did to it."""
    data = tmp_path / "data"
    async with AsyncExitStack() as stack:
        with serving(data, steady_port()) as server:
            app = server.new_app()
            line, url = await stack.enter_async_context(line_to(app))
            [live] = await stack.enter_async_context(python(app.websocket, app.user_token("live")))
            [away] = await stack.enter_async_context(python(url, app.user_token("away")))
            await live.until_login()
            await away.until_login()
            line.cut()
            await send_odd(app)
            server.kill()
        with serving(data, server.port) as server:
            line.mend()
            last = await app.on(server).broadcast("good")
            for listener in (live, away):
                await listener.until_heard(last)
                *odd, good = [message["ext"] for message in listener.messages]
                assert [repr(each["k"]) for each in odd] == [repr(json.loads(value)) for value in ODD.values()]
                assert good is None
