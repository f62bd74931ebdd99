"""What a message does to a client's conversation list, its unread count, and those who are away (R8, P10)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flags:
    """A type's properties, which travel with the message.

    `stored`: it enters the conversation list; `counted`: it is unread until it is read; `offline`: it waits for who
    is offline, where its audience lets it; `pushed`: it may start a provider push; `updates_last`: it becomes the
    conversation's last message.
    """

    stored: bool
    counted: bool
    pushed: bool
    updates_last: bool
    offline: bool = False
