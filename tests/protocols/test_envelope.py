import json
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import said
from laba.model.app import QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Audience, Conversation, ConversationType, Dispatch, Flags, Level, Message
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
    """Keys, their order and their types are those of design.md section 4."""
    # S4, G3
    assert envelope(message(ext={"k": "v"})) == (
        b'{"id":"1173998498812376874","kind":"txt","content":{"text":"hello"},"from":"admin",'
        b'"conversation":{"type":"app","id":"admin"},"level":"normal","ext":{"k":"v"},"sent_at":1699944653964,'
        b'"broadcast":true,"flags":{"stored":true,"counted":true,"pushed":true,"updates_last":true},'
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
def test_of_what_is_not_for_all_rooms_only_an_app_wide_message_is_a_broadcast(conversation):
    """`broadcast` follows from the conversation, but for what went to every room."""
    # S4
    read = json.loads(envelope(message(conversation)))
    assert read["conversation"] == {"type": conversation.value, "id": "admin"}
    assert read["broadcast"] is (conversation is ConversationType.APP)


def test_a_copy_of_what_goes_to_all_rooms_is_a_broadcast():
    """As the vendor's clients mark it; a message to rooms that were named is none."""
    # A8, vendor-apis.md 4
    said = [
        json.loads(envelope(message(ConversationType.ROOM, audience=audience)))["broadcast"]
        for audience in (Audience.ACTIVE_ROOMS, Audience.ROOMS)
    ]
    assert said == [True, False]


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
    flags = {"stored": True, "counted": True, "pushed": True, "updates_last": True}
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
            "broadcast": conversation is ConversationType.APP or audience is Audience.ACTIVE_ROOMS,
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


def test_flags_level_and_client_id_are_the_dispatchs():
    """Nothing is assumed about them."""
    # S4
    flags = Flags(stored=False, counted=True, pushed=False, updates_last=True)
    read = json.loads(envelope(message(flags=flags, level=Level.HIGH, client_id="c-1")))
    assert read["flags"] == {"stored": False, "counted": True, "pushed": False, "updates_last": True}
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
