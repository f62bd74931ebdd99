"""The canonical message, as every native client receives it (design.md section 4)."""

from typing import Any

import msgspec

from laba.model.content import Original
from laba.model.dispatch import ConversationType, Message

# A read-only mapping is encoded as the dict it stands for.
_JSON = msgspec.json.Encoder(enc_hook=dict)


def envelope(message: Message) -> bytes:
    """Write a message as one line of compact JSON in UTF-8: always the same keys, in the same order.

    Ids are decimal strings (G3); what is absent is null. Nothing that belongs to one connection enters it, so the
    same bytes serve everyone.
    """
    dispatch = message.dispatch
    conversation = message.conversation
    return _JSON.encode(
        {
            "id": str(message.id),
            "kind": dispatch.content.kind,
            "content": dispatch.content.fields,
            "from": dispatch.sender,
            "conversation": {"type": conversation.type, "id": conversation.id},
            "level": dispatch.level,
            "ext": dispatch.ext,
            "sent_at": dispatch.accepted_at_ms,
            "broadcast": conversation.type is ConversationType.APP,
            "flags": {
                "stored": dispatch.flags.stored,
                "counted": dispatch.flags.counted,
                "pushed": dispatch.flags.pushed,
                "updates_last": dispatch.flags.updates_last,
            },
            "client_id": dispatch.client_id,
            "original": None if dispatch.original is None else _original(dispatch.original),
        }
    )


def _original(original: Original) -> dict[str, Any]:
    return {"dialect": original.dialect, "type": original.type, "content": original.content}
