import json
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import said
from laba.model.app import QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import BROADCASTS, Audience, Conversation, ConversationType, Dispatch, Level, Message
from laba.model.flags import Flags
from laba.protocols.envelope import Envelopes, Sealed, envelope


def message(conversation=ConversationType.APP, message_id=1173998498812376874, **changes):
    fields = {
        "id": 1173998498812376874,
        "app_uuid": "0f",
        "accepted_at_ms": 1699944653964,
        "sender": "admin",
        "content": Content(Kind.TXT, {"text": "hello"}),
        "flags": Flags(stored=True, counted=True, pushed=True, updates_last=True),
        "audience": Audience.ONLINE_USERS,
        "quota": QuotaName.ONLINE_BROADCAST,
    }
    return Message(message_id, Conversation(conversation, "admin"), Dispatch(**(fields | changes)))


def test_the_designs_own_example_is_written_byte_for_byte():
    """Keys, their order and their types are those of design.md section 4, and `offline` after its flags (R8)."""
    # S4, G3
    assert envelope(message(ext={"k": "v"})) == (
        b'{"id":"1173998498812376874","kind":"txt","content":{"text":"hello"},"from":"admin",'
        b'"conversation":{"type":"app","id":"admin"},"level":"normal","ext":{"k":"v"},"sent_at":1699944653964,'
        b'"broadcast":true,"flags":{"stored":true,"counted":true,"pushed":true,"updates_last":true,'
        b'"offline":false},'
        b'"client_id":null,"original":null}'
    )


def test_the_id_is_the_messages_and_a_string():
    """In JavaScript a number would lose its last digits; a room's copy has an id of its own."""
    # G3
    assert json.loads(envelope(message(message_id=2**63 - 1)))["id"] == "9223372036854775807"


def test_what_nobody_gave_is_null():
    """A client finds every key in every message."""
    # S4
    read = json.loads(envelope(message()))
    assert (read["ext"], read["client_id"], read["original"]) == (None, None, None)


@pytest.mark.parametrize("conversation", ConversationType)
def test_a_message_says_in_which_conversation_it_is(conversation):
    """By its type and its id."""
    # S4, R4
    read = json.loads(envelope(message(conversation)))
    assert read["conversation"] == {"type": conversation.value, "id": "admin"}


def test_what_goes_to_everybody_or_to_every_room_is_a_broadcast():
    """As the vendor's clients mark it; a message to rooms or users that were chosen is none."""
    # A8, R1, vendor-apis.md 4
    said = {
        audience: json.loads(envelope(message(ConversationType.SYSTEM, audience=audience)))["broadcast"]
        for audience in Audience
    }
    assert {audience for audience, is_broadcast in said.items() if is_broadcast} == BROADCASTS
    assert set(said) - BROADCASTS == {Audience.TARGETS, Audience.ROOMS, Audience.DEVICES}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    ids=st.tuples(st.integers(1, 2**63 - 1), st.text(min_size=1, max_size=20)),
    text=st.text(max_size=20),
    ext=st.none() | st.dictionaries(st.text(max_size=5), _JSON, max_size=3),
    audience=st.sampled_from(Audience),
    conversation=st.sampled_from(ConversationType),
    level=st.sampled_from(Level),
)
def test_a_sealed_copy_is_the_whole_message_byte_for_byte(ids, text, ext, audience, conversation, level):
    """Written once around what differs, it is what writing all of it in one piece gives."""
    # design.md 6.1, A8
    whole = message(content=Content(Kind.TXT, {"text": text}), ext=ext, audience=audience, level=level, sender=text)
    dispatch = whole.dispatch
    flags = {"stored": True, "counted": True, "pushed": True, "updates_last": True, "offline": False}
    expected = msgspec.json.encode(
        {
            "id": str(ids[0]),
            "kind": "txt",
            "content": {"text": text},
            "from": text,
            "conversation": {"type": conversation, "id": ids[1]},
            "level": level,
            "ext": ext,
            "sent_at": dispatch.accepted_at_ms,
            "broadcast": audience in BROADCASTS,
            "flags": flags,
            "client_id": None,
            "original": None,
        }
    )
    sealed = Sealed(dispatch, conversation)
    assert sealed.copy(ids[0] - 1, "another")
    assert sealed.copy(*ids) == expected
    assert envelope(Message(ids[0], Conversation(conversation, ids[1]), dispatch)) == expected


def test_the_vendors_own_body_travels_beside_ours():
    """Members that no kind of ours has reach those who look for them, in mappings of any sort."""
    # G5
    content = MappingProxyType({"type": "txt", "msg": "hi", "strange": [1, {"a": None}]})
    ext = MappingProxyType({"deep": MappingProxyType({"er": 2**60})})
    read = json.loads(envelope(message(original=Original("d", "txt", content), ext=ext)))
    assert read["original"] == {"dialect": "d", "type": "txt", "content": dict(content)}
    assert list(read["original"]) == ["dialect", "type", "content"]
    assert read["ext"] == {"deep": {"er": 2**60}}


def test_a_body_of_a_vendor_may_be_any_text():
    """A type that an app has defined itself passes through unread."""
    # R8
    read = json.loads(envelope(message(original=Original("d", "app:gift", '{"a": 1} or "not"'))))
    assert read["original"] == {"dialect": "d", "type": "app:gift", "content": '{"a": 1} or "not"'}


def test_flags_level_and_client_id_are_the_dispatchs():
    """Nothing is assumed about them."""
    # S4, R8
    flags = Flags(stored=False, counted=True, pushed=False, updates_last=True, offline=True)
    read = json.loads(envelope(message(flags=flags, level=Level.HIGH, client_id="c-1")))
    told = {"stored": False, "counted": True, "pushed": False, "updates_last": True, "offline": True}
    assert (read["flags"], list(read["flags"])) == (told, list(told))
    assert (read["level"], read["client_id"]) == ("high", "c-1")


def test_text_is_utf8_in_one_line():
    """Not ASCII-escaped, and never with a raw newline: newlines part the replies of one frame."""
    # S4
    written = envelope(message(content=Content(Kind.TXT, {"text": "喇叭\n📣"})))
    assert '"text":"喇叭\\n📣"'.encode() in written
    assert b"\n" not in written


def test_copies_of_a_dispatch_that_follow_each_other_are_written_as_any_other():
    """Design 6.1: whatever came before, the same bytes as `envelope` gives."""
    write = Envelopes()
    dispatch, other = said(1).dispatch, said(2, Level.HIGH).dispatch
    to_app = Conversation(ConversationType.APP, "admin")
    messages = [
        Message(10, Conversation(ConversationType.ROOM, "1"), dispatch),
        Message(11, Conversation(ConversationType.ROOM, '"2"'), dispatch),
        Message(12, Conversation(ConversationType.ROOM, "1"), other),
        Message(13, to_app, other),
        Message(14, Conversation(ConversationType.ROOM, "1"), dispatch),
    ]
    assert [write(each) for each in messages] == [envelope(each) for each in messages]
