"""The canonical message, as every native client receives it (design.md section 4)."""

from typing import Any

import msgspec

from laba.model.content import Original
from laba.model.dispatch import BROADCASTS, ConversationType, Dispatch, Message

# A read-only mapping is encoded as the dict it stands for.
_JSON = msgspec.json.Encoder(enc_hook=dict)


class Sealed:
    """A dispatch written once, for copies that differ in their id and their conversation only (design.md 6.1)."""

    __slots__ = ("_head", "_tail")

    def __init__(self, dispatch: Dispatch, conversation: ConversationType = ConversationType.ROOM) -> None:
        said = _JSON.encode(
            {"kind": dispatch.content.kind, "content": dispatch.content.fields, "from": dispatch.sender}
        )
        rest = _JSON.encode(
            {
                "level": dispatch.level,
                "ext": dispatch.ext,
                "sent_at": dispatch.accepted_at_ms,
                "broadcast": dispatch.audience in BROADCASTS,
                "flags": {
                    "stored": dispatch.flags.stored,
                    "counted": dispatch.flags.counted,
                    "pushed": dispatch.flags.pushed,
                    "updates_last": dispatch.flags.updates_last,
                    "offline": dispatch.flags.offline,
                },
                "client_id": dispatch.client_id,
                "original": None if dispatch.original is None else _original(dispatch.original),
            }
        )
        self._head = b'",%b,"conversation":{"type":"%b","id":' % (said[1:-1], conversation.value.encode())
        self._tail = b"},%b" % rest[1:]

    def copy(self, message_id: int, conversation_id: str) -> bytes:
        """Give the copy for one conversation, as `envelope` writes it."""
        return b'{"id":"%d%b%b%b' % (message_id, self._head, _JSON.encode(conversation_id), self._tail)


def envelope(message: Message) -> bytes:
    """Write a message as one line of compact JSON in UTF-8: always the same keys, in the same order.

    Ids are decimal strings (G3); what is absent is null. `broadcast` says that it went to the whole app, or to all of
    its rooms. Nothing that belongs to one connection enters it, so the same bytes serve everyone.
    """
    conversation = message.conversation
    return Sealed(message.dispatch, conversation.type).copy(message.id, conversation.id)


class Envelopes:
    """Writes messages as `envelope` does, and of a dispatch whose copies follow each other its body once."""

    __slots__ = ("_dispatch", "_sealed", "_type")

    def __init__(self) -> None:
        self._dispatch: Dispatch | None = None
        self._type: ConversationType | None = None
        self._sealed: Sealed | None = None

    def __call__(self, message: Message) -> bytes:
        dispatch, conversation = message.dispatch, message.conversation
        if self._sealed is None or dispatch is not self._dispatch or conversation.type is not self._type:
            self._dispatch, self._type = dispatch, conversation.type
            self._sealed = Sealed(dispatch, conversation.type)
        return self._sealed.copy(message.id, conversation.id)


def _original(original: Original) -> dict[str, Any]:
    return {"dialect": original.dialect, "type": original.type, "content": original.content}
