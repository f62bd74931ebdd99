"""What clients say of rooms and what they are told: the same in JSON and in Protobuf, by the SDK's own codecs."""

import json as stdlib_json
from base64 import b64encode

import pytest
from centrifuge.codecs import _JsonCodec, _ProtobufCodec
from centrifuge.protocol import client_pb2
from google.protobuf.json_format import MessageToDict, ParseDict

from laba.model.session import (
    Came,
    Count,
    Counted,
    Denial,
    Ending,
    Join,
    Joined,
    Leave,
    Left,
    Look,
    Member,
    PutIn,
    PutOut,
    Review,
    Reviewed,
    Said,
    Say,
    Seen,
    Subscription,
    Unsupported,
    Went,
)
from laba.model.stream import Position
from laba.protocols.centrifuge import json, protobuf, requests, unidirectional

FORMS = ["json", "protobuf"]


def heard(form, name, **said):
    """Read one command as the Python SDK writes it; `data` is JSON, in Protobuf as bytes."""
    if form == "json":
        return json.read(_JsonCodec.encode_commands([{"id": 4, name: said}]))
    if "data" in said:
        said["data"] = b64encode(stdlib_json.dumps(said["data"]).encode()).decode()
    return protobuf.read(_ProtobufCodec.encode_commands([{"id": 4, name: said}]))


def told(form, command):
    """Read one reply or push by the protocol's own schema, `data` and `chan_info` as the JSON they are."""
    if form == "json":
        said = stdlib_json.loads(json.write(command))
        read = ParseDict(_as_bytes(said), client_pb2.Reply())
    else:
        written = protobuf.write(command)
        assert written[0] == len(written) - 1
        read = client_pb2.Reply.FromString(written[1:])
    return MessageToDict(read, preserving_proto_field_name=True)


def _as_bytes(said):
    """Give JSON with its `data` as the schema has them."""
    if isinstance(said, dict):
        return {
            key: b64encode(stdlib_json.dumps(value, separators=(",", ":")).encode()).decode()
            if key in {"data", "chan_info"}
            else _as_bytes(value)
            for key, value in said.items()
        }
    return [_as_bytes(each) for each in said] if isinstance(said, list) else said


def encoded(value):
    return b64encode(stdlib_json.dumps(value, separators=(",", ":")).encode()).decode()


# --- what a client says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_to_subscribe_to_a_rooms_channel_is_to_join_it(form):
    """With where the client was in it, what kind of member it is, and whether it wants to know of the others."""
    # S3, S4
    assert heard(form, "subscribe", channel="room:1") == [Join(4, "1")]
    assert heard(
        form,
        "subscribe",
        channel="room:a:b",
        recover=True,
        epoch="e1",
        offset=7,
        data={"tags": ["host", "de"], "theme": 1},
        join_leave=True,
    ) == [Join(4, "a:b", Position("e1", 7), ("host", "de"), moves=True)]
    # A position that the client does not ask from is none.
    assert heard(form, "subscribe", channel="room:1", epoch="e1", offset=7, data=None) == [Join(4, "1")]


@pytest.mark.parametrize("form", FORMS)
def test_every_other_command_about_a_room_is_known(form):
    """Leaving, speaking, looking round, counting and asking for what was said."""
    # S3, S4
    assert heard(form, "unsubscribe", channel="room:1") == [Leave(4, "1")]
    assert heard(form, "presence", channel="room:1") == [Look(4, "1")]
    assert heard(form, "presence_stats", channel="room:1") == [Count(4, "1")]
    (say,) = heard(form, "publish", channel="room:1", data={"kind": "txt"})
    assert (say.request_id, say.room_id, stdlib_json.loads(say.data)) == (4, "1", {"kind": "txt"})
    assert heard(form, "publish", channel="room:1") == [Say(4, "1", b"")]


@pytest.mark.parametrize("form", FORMS)
def test_history_is_asked_for_from_either_end(form):
    """`limit` 0 asks for the position alone, a negative one for all there is."""
    # S4
    assert heard(form, "history", channel="room:1") == [Review(4, "1", 0)]
    assert heard(form, "history", channel="room:1", limit=-1) == [Review(4, "1", None)]
    since = {"offset": 9, "epoch": "e1"}
    assert heard(form, "history", channel="room:1", limit=2**31 - 1, since=since, reverse=True) == [
        Review(4, "1", 2**31 - 1, Position("e1", 9), newest_first=True)
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history"])
@pytest.mark.parametrize("channel", ["app", "user", "events", "room:", "rooms:1", "room", ""])
def test_no_other_channel_is_a_room(form, name, channel):
    """Nobody subscribes to, or publishes on, what the server subscribes its clients to."""
    # S4
    assert heard(form, name, channel=channel) == [Unsupported(4, name, channel)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"tags": ["t"] * 11}, "subscribe.data.tags: expected `array` of length <= 10"),
        ({"tags": ["t" * 33]}, "subscribe.data.tags[0]: expected `str` of length <= 32"),
        ({"tags": "host"}, "subscribe.data.tags: expected array | null, got str"),
        ([], "subscribe.data: expected object | null, got array"),
    ],
)
def test_wrong_tags_are_refused_with_the_field_and_the_session_goes_on(form, data, reason):
    """Whoever wrote the client can find the mistake (G4)."""
    # S3
    (refused,) = heard(form, "subscribe", channel="room:1", data=data)
    assert refused == Unsupported(4, "subscribe", "room:1", reason.replace("`", ""))
    assert requests.denial(refused) is Denial.BAD_REQUEST


def test_ten_tags_of_32_characters_are_the_most():
    """The bounds are the last values that pass."""
    # S3
    tags = ("喇" * 32,) * 10
    assert heard("json", "subscribe", channel="room:1", data={"tags": list(tags)}) == [Join(4, "1", tags=tags)]


def test_data_in_protobuf_that_is_no_json_is_refused():
    """Bytes that no SDK makes of JSON."""
    # S4
    frame = _ProtobufCodec.encode_commands([{"id": 4, "subscribe": {"channel": "room:1", "data": "/w=="}}])
    assert protobuf.read(frame) == [Unsupported(4, "subscribe", "room:1", "subscribe.data: expected JSON")]


# --- what it is told -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_subscribe_reply_says_from_where_on_the_client_is_in(form):
    """With the position, and whether all that it missed follows."""
    # S3, S4
    subscription = Subscription("room:1", Position("e1", 41), recovering=True, recovered=True)
    assert told(form, Joined(4, subscription, b"frames")) == {
        "id": 4,
        "subscribe": {
            "recoverable": True,
            "positioned": True,
            "epoch": "e1",
            "offset": "41",
            "recovered": True,
            "was_recovering": True,
        },
    }


@pytest.mark.parametrize("form", FORMS)
def test_each_command_about_a_room_has_its_own_reply(form):
    """Under the command's id."""
    # S4
    assert told(form, Left(4)) == {"id": 4, "unsubscribe": {}}
    assert told(form, Said(4)) == {"id": 4, "publish": {}}
    assert told(form, Counted(4, devices=3, users=2)) == {
        "id": 4,
        "presence_stats": {"num_clients": 3, "num_users": 2},
    }
    assert told(form, Seen(4, (Member("ann"), Member("喇叭", ("host",))))) == {
        "id": 4,
        "presence": {
            "presence": {
                "ann": {"user": "ann", "client": "ann"},
                "喇叭": {"user": "喇叭", "client": "喇叭", "chan_info": encoded({"tags": ["host"]})},
            }
        },
    }


@pytest.mark.parametrize("form", FORMS)
def test_history_is_told_with_its_offsets_and_the_streams_end(form):
    """Each message as it stands in the log."""
    # S4
    reviewed = Reviewed(4, Position("e1", 9), ((7, b'{"id":"1"}'), (9, b'{"id":"2"}')))
    assert told(form, reviewed) == {
        "id": 4,
        "history": {
            "publications": [
                {"data": encoded({"id": "1"}), "offset": "7"},
                {"data": encoded({"id": "2"}), "offset": "9"},
            ],
            "epoch": "e1",
            "offset": "9",
        },
    }


@pytest.mark.parametrize("form", FORMS)
def test_who_comes_and_goes_and_where_the_app_puts_a_client_come_as_pushes(form):
    """Nobody asked for them by a command."""
    # S3
    ann = {"user": "ann", "client": "ann"}
    assert told(form, Came("room:1", Member("ann"))) == {"push": {"channel": "room:1", "join": {"info": ann}}}
    assert told(form, Went("room:1", Member("ann"))) == {"push": {"channel": "room:1", "leave": {"info": ann}}}
    assert told(form, PutIn("room:1", Position("e1", 5))) == {
        "push": {
            "channel": "room:1",
            "subscribe": {"recoverable": True, "positioned": True, "epoch": "e1", "offset": "5"},
        }
    }
    assert told(form, PutOut("room:1", Ending.REMOVED)) == {
        "push": {"channel": "room:1", "unsubscribe": {"code": 2400, "reason": "removed from the room"}}
    }


def test_who_only_listens_is_told_the_same_unwrapped():
    """centrifugal.dev, "Unidirectional client protocol": what is sent are pushes alone."""
    # S4
    for push in (
        Came("room:1", Member("ann")),
        Went("room:1", Member("ann")),
        PutIn("room:1", Position("e1", 5)),
        PutOut("room:1", Ending.DESTROYED),
    ):
        assert {"push": stdlib_json.loads(unidirectional.write(push))} == stdlib_json.loads(json.write(push))
        assert unidirectional.position(push) is None
