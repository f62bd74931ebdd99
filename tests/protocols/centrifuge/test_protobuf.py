import json as stdlib_json
from base64 import b64encode

import pytest
from centrifuge.codecs import _ProtobufCodec
from centrifuge.protocol import client_pb2
from google.protobuf.json_format import ParseDict
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
from laba.protocols.centrifuge import json
from laba.protocols.centrifuge.protobuf import farewell, push, read, write
from laba.protocols.centrifuge.wire import block, number, prefixed, text


def encoded(command):
    """A command as the Python SDK writes it; `data` is JSON in bytes, as every SDK hands it over."""
    return _ProtobufCodec.encode_commands([_with_data_as_bytes(command)])


def _with_data_as_bytes(command):
    return {
        name: {**request, "data": b64encode(stdlib_json.dumps(request["data"]).encode()).decode()}
        if isinstance(request, dict) and "data" in request
        else request
        for name, request in command.items()
    }


def replies(written):
    """Read replies by the protocol's own schema."""
    found = []
    while written:
        length, written = written[0], written[1:]
        if length > 0x7F:
            length, written = length & 0x7F | written[0] << 7, written[1:]
        found.append(client_pb2.Reply.FromString(written[:length]))
        written = written[length:]
    return found


# --- what a client sends -------------------------------------------------------------------------------------------


def test_a_login_is_read_with_all_it_may_say():
    """Token, device and the positions of the channels it wants to resume."""
    # S4
    connect = {
        "token": "t",
        "name": "swift",
        "version": "1.0",
        "headers": {"x": "y"},
        "flag": -1,
        "data": {"device_id": "d1", "platform": "ios", "package": "com.example", "tags": ["a", "b"], "theme": 1},
        "subs": {
            "app": {"recover": True, "epoch": "e1", "offset": 7},
            "user": {"recover": True},
            "events": {"epoch": "e2", "offset": 9},
        },
    }
    assert read(encoded({"id": 1, "connect": connect})) == [
        Login(
            request_id=1,
            token="t",
            device="d1",
            platform="ios",
            package="com.example",
            tags=("a", "b"),
            positions={"app": Position("e1", 7), "user": Position("", 0)},
        )
    ]


@pytest.mark.parametrize("data", [b"", b"null", b"{}", b' {"device_id":null,"tags":[]} '])
def test_everything_in_a_login_is_optional(data):
    """What is absent, null or empty is the default device without anything said of it."""
    # S4
    login = prefixed(number(1, 3) + block(4, block(2, data) + block(3, text(1, "app"))))
    assert read(login) == [Login(3, "", DEFAULT_DEVICE)]
    assert read(prefixed(number(1, 3) + block(4, b""))) == [Login(3, "", DEFAULT_DEVICE)]


def test_the_javascript_sdks_own_commands_are_read():
    """Bytes of its unmodified Protobuf build: a login that resumes `app`, a pong and an rpc in one frame."""
    # S4
    frame = (
        b'\x30\x08\x01\x22\x2c\x0a\x01t\x12\x12{"device_id":"d1"}\x1a\x0f\x0a\x03app\x12\x08\x18\x01\x32\x02e1\x38\x29'
        b"\x22\x02js\x00\x0b\x08\x02\x6a\x07\x0a\x02{}\x12\x01m"
    )
    assert read(frame) == [
        Login(1, "t", "d1", positions={"app": Position("e1", 41)}),
        Pong(),
        Ask(2, "m", b"{}"),
    ]


def test_the_python_sdks_own_commands_are_read():
    """Encoded by the SDK's codec: several commands in one frame, each behind its length."""
    # S4
    commands = [{"id": 1, "connect": {"token": "t" * 200}}, {}, {"send": {"data": "e30="}}, {"id": 2, "refresh": {}}]
    assert read(_ProtobufCodec.encode_commands(commands)) == [Login(1, "t" * 200), Pong(), Unsupported(2, "refresh")]


def test_every_request_of_the_schema_is_known():
    """What laba does not serve is answered, with the channel that was meant."""
    # S4
    for field in client_pb2.Command.DESCRIPTOR.fields:
        if field.name in {"id", "connect", "send", "rpc"}:
            continue
        has_channel = "channel" in field.message_type.fields_by_name
        asked = {"id": 4, field.name: {"channel": "x"} if has_channel else {}}
        assert read(encoded(asked)) == [Unsupported(4, field.name, "x" if has_channel else "")]
    assert read(encoded({"send": {"data": 1}})) == []
    assert read(encoded({"id": 4294967295, "refresh": {"token": "t"}})) == [Unsupported(4294967295, "refresh")]


def test_an_rpc_is_read_with_its_data_as_it_came():
    """Its bytes are JSON; nothing is decoded that its method does not ask for."""
    # S4
    asked = {"id": 7, "rpc": {"method": "history", "data": {"limit": 20, "x": [1e300]}}}
    assert read(encoded(asked)) == [Ask(7, "history", b'{"limit": 20, "x": [1e+300]}')]
    assert read(encoded({"id": 7, "rpc": {"method": "history"}})) == [Ask(7, "history", b"")]
    assert read(encoded({"id": 7, "rpc": {}})) == [Unsupported(7, "rpc")]


def test_an_empty_command_is_a_pong():
    """The SDKs send a length of zero and nothing behind it."""
    # S4
    assert read(_ProtobufCodec.encode_commands([{}])) == [Pong()]
    assert read(b"\x00\x00") == [Pong(), Pong()]


DATA = {"device_id": "喇" * 64, "platform": "p" * 32, "package": "p" * 128, "tags": ["t" * 32] * 10}


@pytest.mark.parametrize(
    ("connect", "field"),
    [
        ({"data": "d"}, "connect.data"),
        ({"data": {"device_id": 1}}, "connect.data.device_id"),
        ({"data": {"device_id": "d" * 65}}, "connect.data.device_id"),
        ({"data": {"platform": "p" * 33}}, "connect.data.platform"),
        ({"data": {"package": "p" * 129}}, "connect.data.package"),
        ({"data": {"tags": ["t"] * 11}}, "connect.data.tags"),
        ({"data": {"tags": ["t" * 33]}}, "connect.data.tags[0]"),
        ({"subs": {"app": {"recover": True, "offset": 2**53}}}, "connect.subs[...].offset"),
    ],
)
def test_a_wrong_login_is_told_what_json_tells(connect, field):
    """The same bounds, in the same words, the field first."""
    # S4, S3
    command = {"id": 1, "connect": connect}
    (event,) = read(encoded(command))
    assert event.reason.startswith(field + ": expected ")
    assert [event] == json.read(stdlib_json.dumps(command))


def test_the_longest_fields_are_accepted():
    """The bounds are the last values that pass."""
    # S4, S3
    connect = {"data": DATA, "subs": {"app": {"recover": True, "offset": 2**53 - 1}}}
    (event,) = read(encoded({"id": 1, "connect": connect}))
    assert event.positions == {"app": Position("", 2**53 - 1)}
    assert (event.device, event.tags) == (DATA["device_id"], tuple(DATA["tags"]))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (number(1, 2**32) + block(4, b""), "id: expected int <= 4294967295"),
        (block(1, b"1") + block(4, b""), "id: expected a varint"),
        (block(4, b""), "connect has no id"),
        (block(13, text(2, "m")), "rpc has no id"),
        (number(1, 1), "a command holds no request that laba knows"),
        (b"\x08\x00", "a command holds no request that laba knows"),
        (number(1, 1) + block(99, b""), "a command holds no request that laba knows"),
        (number(1, 1) + block(13, b"") + block(4, b""), "a command holds several requests: connect, rpc"),
        (number(1, 1) + number(4, 1), "connect: expected a block"),
        (number(1, 1) + block(4, number(1, 1)), "connect.token: expected a block"),
        (number(1, 1) + block(4, block(1, b"\xff")), "connect.token: expected UTF-8"),
        (number(1, 1) + block(4, block(2, b"\xff")), "connect.data: expected UTF-8"),
        (number(1, 1) + block(4, block(2, b"device")), "connect.data: expected JSON"),
        (number(1, 1) + block(4, block(2, b'{"x":' + b"[" * 5000)), "connect.data: nested too deeply"),
        (number(1, 1) + block(4, block(3, block(1, b"\xff"))), "connect.subs[...]: expected UTF-8"),
        (number(1, 1) + block(4, block(3, number(2, 1))), "connect.subs[...]: expected a block"),
        (number(1, 1) + block(4, block(3, block(2, block(3, b"")))), "connect.subs[...].recover: expected a varint"),
        (number(1, 1) + block(4, b"\x0a"), "connect: a varint is cut off or exceeds 64 bits"),
        (number(1, 1) + block(13, number(2, 1)), "rpc.method: expected a block"),
        (number(1, 1) + block(13, block(1, b"{") + text(2, "m")), "rpc.data: expected JSON"),
        (number(1, 1) + block(13, block(1, b"\x01\x02") + text(2, "m")), "rpc.data: expected JSON"),
        (number(1, 1) + block(13, block(1, b'"\xff"') + text(2, "m")), "rpc.data: expected UTF-8"),
        (number(1, 1) + block(13, block(1, b"[" * 5000) + text(2, "m")), "rpc.data: nested too deeply"),
        (b"\x0b", "command: a field has the wire type 3"),
    ],
)
def test_what_is_no_command_is_malformed(message, reason):
    """One sentence says why."""
    # S4
    assert read(prefixed(message)) == [Malformed(reason)]


def test_nothing_follows_a_malformed_command():
    """What came before it counts; the session ends at it, be it wrong or not whole."""
    # S4
    assert read(b"\x00\x01\xff\x00") == [Pong(), Malformed("command: a varint is cut off or exceeds 64 bits")]
    assert read(b"\x00\x05abc") == [Pong(), Malformed("a command does not end within its frame")]
    assert read(b"\x00\x01\xff\x05abc") == [Pong(), Malformed("command: a varint is cut off or exceeds 64 bits")]
    assert read(b"") == [Malformed("a frame holds no command")]


def test_commands_in_one_frame_are_bounded():
    """At the bound all of it is refused, before any of it is done."""
    # S4
    assert read(b"\x00" * 64) == [Pong()] * 64
    assert read(b"\x00" * 65) == [Malformed("a frame holds more than 64 commands")]
    assert read(b"\x00" * 2, max_commands=2) == [Pong()] * 2
    assert read(b"\x00\x01\xff\x00", max_commands=2) == [Malformed("a frame holds more than 2 commands")]


def test_fields_in_one_frame_are_bounded():
    """Over all its commands, because tiny fields are cheap to send and dear to read."""
    # S4
    frame = prefixed(number(1, 1) + block(13, text(2, "m"))) * 2
    assert read(frame, max_fields=6) == [Ask(1, "m")] * 2
    assert read(frame, max_fields=5) == [Ask(1, "m"), Malformed("rpc: too many fields in one frame")]
    (event,) = read(prefixed(number(1, 1) + block(4, number(99, 1) * 8191)))
    assert event == Malformed("connect: too many fields in one frame")


def test_a_thousand_channels_can_be_resumed():
    """The bound on fields leaves room for a user of many rooms."""
    # S4
    subs = {f"room:{n}": {"recover": True, "epoch": "e", "offset": 1 + n} for n in range(1000)}
    (event,) = read(encoded({"id": 1, "connect": {"subs": subs}}))
    assert event.positions["room:999"] == Position("e", 1000)


# --- twins: JSON and Protobuf say the same --------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
data = json_values | st.fixed_dictionaries(
    {},
    optional={
        "device_id": st.text(max_size=70) | st.none(),
        "platform": st.text(max_size=40) | json_values,
        "package": st.text(max_size=130),
        "tags": st.lists(st.text(max_size=40), max_size=11) | json_values,
    },
)
offsets = st.integers(0, 2**53 - 1)
resumes = st.fixed_dictionaries({}, optional={"recover": st.booleans(), "epoch": st.text(), "offset": offsets})
members = {
    "token": st.text(),
    "data": data,
    "subs": st.dictionaries(st.text(), resumes, max_size=3),
    "name": st.text(),
    "flag": st.integers(-(2**63), 2**63 - 1),
    "channel": st.text(),
    "method": st.text(),
    "recover": st.booleans(),
    "limit": st.integers(-(2**31), 2**31 - 1),
}


def _request(field):
    known = {name: member for name, member in members.items() if name in field.message_type.fields_by_name}
    return st.fixed_dictionaries({}, optional=known)


requests = {field.name: _request(field) for field in client_pb2.Command.DESCRIPTOR.fields if field.message_type}
commands = st.one_of(
    st.fixed_dictionaries({"id": st.integers(1, 2**32 - 1), "connect": requests["connect"]}),
    *(
        st.fixed_dictionaries({name: request}, optional={"id": st.integers(1, 9)})
        for name, request in requests.items()
    ),
    st.fixed_dictionaries({}, optional={"id": st.integers(1, 9), **requests}),
)


@given(commands)
def test_every_command_means_what_it_means_in_json(command):
    """Encoded by the official schema; also where it is refused, though of several faults either may be told."""
    # S4
    ours, twins = read(encoded(command)), json.read(stdlib_json.dumps(command))
    assert ours == twins or [type(event) for event in (*ours, *twins)] == [Malformed, Malformed]


@given(requests["connect"], requests["connect"])
def test_a_login_in_two_parts_is_what_the_official_decoder_makes_of_it(one, two):
    """The encoding lets a message come in parts."""
    # S4
    parts = b"".join(
        ParseDict(_with_data_as_bytes({"id": 1, "connect": part}), client_pb2.Command()).SerializeToString()
        for part in (one, two)
    )
    merged = client_pb2.Command.FromString(parts).SerializeToString()
    assert read(prefixed(parts)) == read(prefixed(merged))


texts = st.text(max_size=20)
positions = st.builds(Position, texts, offsets)
subscriptions = st.builds(Subscription, texts, st.none() | positions, st.booleans(), st.booleans())
written_commands = st.one_of(
    st.builds(
        Welcome,
        request_id=st.integers(1, 2**32 - 1),
        session_id=texts,
        subscriptions=st.lists(subscriptions, max_size=4, unique_by=lambda subscription: subscription.channel).map(
            tuple
        ),
        ping_seconds=st.integers(1, 3600),
    ),
    st.builds(Denied, st.integers(1, 2**32 - 1), st.sampled_from(Denial)),
    st.just(Ping()),
)


@given(written_commands)
def test_every_reply_says_what_it_says_in_json(command):
    """Read by the official schema from either form."""
    # S4
    assert replies(write(command)) == [ParseDict(stdlib_json.loads(json.write(command)), client_pb2.Reply())]


# --- what no frame may do -------------------------------------------------------------------------------------------

blocks = st.deferred(lambda: messages | st.binary(max_size=20) | texts.map(str.encode))
messages = st.lists(
    st.one_of(
        st.builds(number, st.integers(1, 15), st.integers(0, 2**64 - 1)),
        st.builds(block, st.integers(1, 15), blocks),
        st.binary(max_size=4),
    ),
    max_size=5,
).map(b"".join)


@given(st.one_of(st.binary(), st.lists(messages.map(prefixed), max_size=4).map(b"".join)))
def test_no_frame_ever_raises(frame):
    """Whatever comes, it is a list of events."""
    # S4
    assert all(isinstance(event, Event) for event in read(frame))


@given(commands.map(encoded), st.data())
def test_no_frame_cut_short_is_a_whole_one(frame, draw):
    """A cut frame ends malformed, or before a command began."""
    # S4
    cut = frame[: draw.draw(st.integers(0, len(frame) - 1))]
    assert isinstance(read(cut)[-1], Malformed)


# --- what the server sends -----------------------------------------------------------------------------------------


def test_a_welcome_is_what_the_schema_writes():
    """Byte for byte what the official encoder makes of the same reply."""
    # S4
    written = write(
        Welcome(
            request_id=1,
            session_id="s-1",
            subscriptions=(
                Subscription("app", Position("e1", 41), recovering=True, recovered=True),
                Subscription("events"),
                Subscription("user", Position("e2", 2**53 - 1), recovering=True),
            ),
            ping_seconds=300,
        )
    )
    subs = {
        "app": client_pb2.SubscribeResult(
            recoverable=True, positioned=True, epoch="e1", offset=41, recovered=True, was_recovering=True
        ),
        "events": client_pb2.SubscribeResult(),
        "user": client_pb2.SubscribeResult(
            recoverable=True, positioned=True, epoch="e2", offset=2**53 - 1, was_recovering=True
        ),
    }
    connect = client_pb2.ConnectResult(client="s-1", version="laba", subs=subs, ping=300, pong=True)
    assert written == prefixed(client_pb2.Reply(id=1, connect=connect).SerializeToString(deterministic=True))


def test_a_refused_command_is_answered_with_the_protocols_error():
    """Code and message under the command's id."""
    # S4
    assert write(Denied(7, Denial.TOKEN_EXPIRED)) == b"\x15\x08\x07\x12\x11\x08\x6d\x12\x0dtoken expired"


def test_what_an_rpc_is_told_is_what_the_schema_writes():
    """Byte for byte what the official encoder makes of the same reply; also of an empty answer."""
    # S4
    for data in (b'{"unread":"3"}', b""):
        result = client_pb2.RPCResult(data=data)
        expected = client_pb2.Reply(id=7, rpc=result)
        assert replies(write(Told(7, data))) == [expected]


def test_a_session_whose_client_speaks_elsewhere_is_told_its_handle():
    """centrifugal.dev, bidirectional emulation: `session` and `node` of the connect reply come back with commands."""
    # S4
    (reply,) = replies(write(Welcome(1, "s-1", (), 45, handle="secret", node="n-1")))
    assert (reply.connect.session, reply.connect.node) == ("secret", "n-1")


@pytest.mark.parametrize("closing", Closing)
def test_an_end_is_told_by_the_protocols_own_push(closing):
    """Where the transport has no close code of its own."""
    # S4
    code, reason, reconnect = closing.code, closing.reason, closing.may_reconnect
    disconnect = client_pb2.Disconnect(code=code, reason=reason, reconnect=reconnect)
    reply = client_pb2.Reply(push=client_pb2.Push(disconnect=disconnect))
    assert farewell(closing) == prefixed(reply.SerializeToString())


def test_a_ping_is_an_empty_reply():
    """Both SDKs take a reply without id and push for a ping."""
    # S4
    assert write(Ping()) == b"\x00"
    assert _ProtobufCodec.decode_replies(write(Ping())) == [{}]


def test_a_push_carries_the_data_as_it_is():
    """The bytes of JSON's push; several pushes join into what the SDK splits again."""
    # S4, G3
    one, two = push("app", 8, b'{"id":"1"}'), push("room:喇", 2**53 - 1, b'"' + b"5" * 200 + b'"')
    assert one == b'\x17\x22\x15\x12\x03app\x22\x0e\x22\x0a{"id":"1"}\x30\x08'
    assert [(reply.push.channel, reply.push.pub.data, reply.push.pub.offset) for reply in replies(one + two)] == [
        ("app", b'{"id":"1"}', 8),
        ("room:喇", b'"' + b"5" * 200 + b'"', 2**53 - 1),
    ]
    assert [reply["push"]["channel"] for reply in _ProtobufCodec.decode_replies(one + two)] == ["app", "room:喇"]


@given(texts, offsets, st.binary(min_size=1, max_size=300))
def test_a_push_is_what_the_schema_writes(channel, offset, content):
    """Byte for byte what the official encoder makes of the same publication."""
    # S4
    publication = client_pb2.Publication(data=content, offset=offset)
    reply = client_pb2.Reply(push=client_pb2.Push(channel=channel, pub=publication))
    assert push(channel, offset, content) == prefixed(reply.SerializeToString())
