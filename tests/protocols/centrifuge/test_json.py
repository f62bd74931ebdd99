import json

import pytest
from centrifuge.codecs import _JsonCodec
from centrifuge.protocol import client_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import given
from hypothesis import strategies as st

from laba.model.closing import Closing
from laba.model.session import (
    DEFAULT_DEVICE,
    Ask,
    Denial,
    Denied,
    Event,
    Login,
    Malformed,
    Ping,
    Pong,
    Subscription,
    Told,
    Unsupported,
    Welcome,
)
from laba.model.stream import Position
from laba.protocols.centrifuge.json import farewell, push, read, read_bytes, write


def reply(written):
    """Read one reply by the protocol's own schema, which refuses a field it does not know."""
    return MessageToDict(ParseDict(json.loads(written), client_pb2.Reply()), preserving_proto_field_name=True)


# --- what a client sends --------------------------------------------------------------------------------------------


def test_a_login_is_read_with_all_it_may_say():
    """Token, device and the positions of the channels it wants to resume."""
    # S4
    connect = {
        "token": "t",
        "name": "js",
        "version": "1.0",
        "headers": {"x": "y"},
        "data": {"device_id": "d1", "platform": "ios", "package": "com.example", "tags": ["a", "b"], "theme": 1},
        "subs": {
            "app": {"recover": True, "epoch": "e1", "offset": 7},
            "user": {"recover": True},
            "events": {"epoch": "e2", "offset": 9},
        },
    }
    connect["data"]["join_leave"] = True
    assert read(json.dumps({"id": 1, "connect": connect})) == [
        Login(
            request_id=1,
            token="t",
            device="d1",
            platform="ios",
            package="com.example",
            tags=("a", "b"),
            positions={"app": Position("e1", 7), "user": Position("", 0)},
            moves=True,
        )
    ]


@pytest.mark.parametrize(
    "connect",
    [
        {},
        {"data": None, "subs": None},
        {"data": {}},
        {"data": {"device_id": None, "platform": None, "package": None, "tags": None}},
        {"data": {"device_id": "", "tags": []}},
    ],
)
def test_everything_in_a_login_is_optional(connect):
    """What is absent, null or empty is the default device without anything said of it."""
    # S4
    assert read(json.dumps({"id": 3, "connect": connect})) == [Login(3, "", DEFAULT_DEVICE)]


def test_the_python_sdks_own_commands_are_read():
    """Encoded by the SDK's codec: several commands in one text, a newline between them."""
    # S4
    commands = [{"id": 1, "connect": {"token": "t"}}, {}, {"send": {"data": {}}}, {"id": 2, "rpc": {"method": "m"}}]
    assert read(_JsonCodec.encode_commands(commands)) == [Login(1, "t"), Pong(), Ask(2, "m")]


def test_every_request_of_the_schema_is_known():
    """What laba does not serve is answered, and the session goes on."""
    # S4
    requests = [field.name for field in client_pb2.Command.DESCRIPTOR.fields if field.name != "id"]
    for name in set(requests) - {"connect", "send", "rpc"}:
        assert read(json.dumps({"id": 4, name: {"channel": "app"}})) == [Unsupported(4, name, "app")]
    assert "send" in requests
    assert read('{"send":{"data":{"a":1}}}') == []
    assert read('{"id":4294967295,"refresh":{"token":"t"}}') == [Unsupported(4294967295, "refresh", "")]


@pytest.mark.parametrize("data", ['{"limit": 20, "x":[1e400]}', "null", "[]", '"喇\\u53ed"', "0", "false"])
def test_an_rpc_is_read_with_its_data_as_it_came(data):
    """Any JSON; nothing is decoded that its method does not ask for."""
    # S4
    assert read(f'{{"id":7,"rpc":{{"data": {data} ,"method":"history"}}}}') == [Ask(7, "history", data.encode())]
    assert read('{"id":7,"rpc":{"method":"history"}}') == [Ask(7, "history", b"")]


def test_an_rpc_without_a_method_is_answered_and_asks_nothing():
    """The session goes on."""
    # S4
    assert read('{"id":7,"rpc":{"data":{}}}') == [Unsupported(7, "rpc")]


def test_commands_of_a_body_are_read_like_those_of_a_frame():
    """Bytes that are no text are malformed."""
    # S4
    assert read_bytes(b'{"id":1,"connect":{"token":"t"}}\n{}') == [Login(1, "t"), Pong()]
    assert read_bytes(b"\xff") == [Malformed("commands are not UTF-8")]


@pytest.mark.parametrize("text", ["{}", " {} ", "{ }\n", "\n{}"])
def test_an_empty_command_is_a_pong(text):
    """The SDKs send exactly `{}`."""
    # S4
    assert read(text) == [Pong()]


@pytest.mark.parametrize(
    ("connect", "field"),
    [
        ({"token": 1}, "connect.token"),
        ({"data": "d"}, "connect.data"),
        ({"data": {"device_id": 1}}, "connect.data.device_id"),
        ({"data": {"device_id": "d" * 65}}, "connect.data.device_id"),
        ({"data": {"device_id": "d\x00"}}, "connect.data.device_id"),
        ({"data": {"device_id": "d\n"}}, "connect.data.device_id"),
        ({"data": {"platform": "p" * 33}}, "connect.data.platform"),
        ({"data": {"package": "p" * 129}}, "connect.data.package"),
        ({"data": {"tags": "a"}}, "connect.data.tags"),
        ({"data": {"tags": ["t"] * 11}}, "connect.data.tags"),
        ({"data": {"tags": ["t" * 33]}}, "connect.data.tags[0]"),
        ({"subs": []}, "connect.subs"),
        ({"subs": {"app": {"recover": "yes"}}}, "connect.subs[...].recover"),
        ({"subs": {"app": {"recover": True, "offset": -1}}}, "connect.subs[...].offset"),
        ({"subs": {"app": {"recover": True, "offset": 2**53}}}, "connect.subs[...].offset"),
    ],
)
def test_a_wrong_login_names_the_field(connect, field):
    """Whoever wrote the client can find the mistake."""
    # S4, S3
    (event,) = read(json.dumps({"id": 1, "connect": connect}))
    assert isinstance(event, Malformed)
    assert event.reason.startswith(field + ": expected ")


def test_the_longest_fields_are_accepted():
    """The bounds are the last values that pass."""
    # S4, S3
    data = {"device_id": "喇" * 64, "platform": "p" * 32, "package": "p" * 128, "tags": ["t" * 32] * 10}
    subs = {"app": {"recover": True, "offset": 2**53 - 1}}
    (event,) = read(json.dumps({"id": 1, "connect": {"data": data, "subs": subs}}))
    assert isinstance(event, Login)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a frame holds no command"),
        (" \n\n", "a frame holds no command"),
        ("{", "a command is not valid JSON"),
        ("{}{}", "a command is not valid JSON"),
        ('{"id":1,"connect":{"token":"\\ud800"}}', "a command is not valid JSON"),
        ("[]", "command: expected object, got array"),
        ('{"id":"1","connect":{}}', "id: expected int, got str"),
        ('{"id":-1,"connect":{}}', "id: expected int >= 0"),
        ('{"id":4294967296,"connect":{}}', "id: expected int <= 4294967295"),
        ('{"connect":{}}', "connect has no id"),
        ('{"rpc":{"method":"m"}}', "rpc has no id"),
        ('{"id":1}', "a command holds no request that laba knows"),
        ('{"id":1,"surprise":{}}', "a command holds no request that laba knows"),
        ('{"surprise":{}}', "a command holds no request that laba knows"),
        ('{"id":1,"connect":{},"rpc":{}}', "a command holds several requests: connect, rpc"),
        ('{"id":1,"rpc":{"method":7}}', "rpc.method: expected str, got int"),
        ('{"id":1,"publish":{"data":' + "[" * 5000 + "]" * 5000 + "}}", "a command is nested too deeply"),
    ],
)
def test_what_is_no_command_is_malformed(text, reason):
    """One sentence says why."""
    # S4
    assert read(text) == [Malformed(reason)]


def test_nothing_follows_a_malformed_command():
    """What came before it counts; the session ends at it."""
    # S4
    assert read('{}\n{"id":2,"rpc":{}}\nnonsense\n{}') == [
        Pong(),
        Unsupported(2, "rpc", ""),
        Malformed("a command is not valid JSON"),
    ]


def test_commands_in_one_text_are_bounded():
    """At the bound all of it is refused, before any of it is done."""
    # S4
    assert read("\n".join(["{}"] * 64)) == [Pong()] * 64
    assert read("\n".join(["{}"] * 65)) == [Malformed("a frame holds more than 64 lines")]
    assert read("{}\n\n{}", max_commands=3) == [Pong()] * 2
    assert read("{}\n\n{}", max_commands=2) == [Malformed("a frame holds more than 2 lines")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([field.name for field in client_pb2.Command.DESCRIPTOR.fields])
members = st.dictionaries(
    st.sampled_from(["token", "data", "subs", "channel", "method", "device_id", "tags"]), json_values
)


@given(
    st.one_of(
        st.text(),
        json_values.map(json.dumps),
        st.dictionaries(names, json_values | members, max_size=3).map(json.dumps),
    )
)
def test_no_text_ever_raises(text):
    """Whatever comes, it is a list of events."""
    # S4
    assert all(isinstance(event, Event) for event in read(text))


# --- what the server sends ------------------------------------------------------------------------------------------


def test_a_welcome_is_what_the_schema_and_the_sdks_read():
    """Channels that can be resumed carry their position; the others say nothing of one."""
    # S4
    welcome = Welcome(
        request_id=1,
        session_id="s-1",
        subscriptions=(
            Subscription("app", Position("e1", 41), recovering=True, recovered=True),
            Subscription("user", Position("e2", 5), recovering=True),
            Subscription("events"),
        ),
        ping_seconds=45,
    )
    written = write(welcome)
    assert written == (
        b'{"id":1,"connect":{"client":"s-1","version":"laba","subs":{'
        b'"app":{"recoverable":true,"positioned":true,"epoch":"e1","offset":41,"recovered":true,"was_recovering":true},'
        b'"user":{"recoverable":true,"positioned":true,"epoch":"e2","offset":5,"recovered":false,"was_recovering":true},'
        b'"events":{"recovered":false,"was_recovering":false}},"ping":45,"pong":true}}'
    )
    assert reply(written)["connect"]["subs"]["app"]["offset"] == "41"


def test_a_refused_command_is_answered_with_the_protocols_error():
    """Code and message under the command's id."""
    # S4
    written = write(Denied(7, Denial.TOKEN_EXPIRED))
    assert written == b'{"id":7,"error":{"code":109,"message":"token expired"}}'
    assert reply(written) == {"id": 7, "error": {"code": 109, "message": "token expired"}}


def test_what_an_rpc_is_told_stands_in_its_reply_as_it_is():
    """Under the command's id."""
    # S4
    written = write(Told(7, b'{"unread":"3"}'))
    assert written == b'{"id":7,"rpc":{"data":{"unread":"3"}}}'


def test_a_session_whose_client_speaks_elsewhere_is_told_its_handle():
    """centrifugal.dev, bidirectional emulation: `session` and `node` of the connect reply come back with commands."""
    # S4
    written = write(Welcome(1, "s-1", (), 45, handle="secret", node="n-1"))
    assert reply(written)["connect"]["session"] == "secret"
    assert reply(written)["connect"]["node"] == "n-1"


def test_an_end_is_told_by_the_protocols_own_push():
    """Where the transport has no close code of its own."""
    # S4
    written = farewell(Closing.SHUTDOWN)
    assert written == b'{"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}'
    assert reply(written) == {"push": {"disconnect": {"code": 3001, "reason": "shutdown"}}}


def test_a_ping_is_an_empty_reply():
    """Both SDKs take a reply without id and push for a ping."""
    # S4
    assert write(Ping()) == b"{}"


def test_a_push_wraps_the_data_as_it_is():
    """Nothing is encoded again; several pushes join with newlines into what the SDK splits again."""
    # S4, G3
    one, two = push("app", 8, b'{"id":"1"}'), push('room:"x"', 2**53 - 1, b'"5ZaH"')
    assert one == b'{"push":{"channel":"app","pub":{"data":{"id":"1"},"offset":8}}}'
    assert _JsonCodec.decode_replies((one + b"\n" + two).decode()) == [json.loads(one), json.loads(two)]
    assert reply(two) == {"push": {"channel": 'room:"x"', "pub": {"data": "5ZaH", "offset": str(2**53 - 1)}}}
