"""Hooks, dead letters and words, as laba's own callers write and read them (N5, S6, S7)."""

from collections.abc import Set as AbstractSet
from typing import Any, Final

from laba.dialects.native.conversations import after, cursor, limit
from laba.dialects.native.members import Members, invalid, named
from laba.model.hook import Hook, Source
from laba.model.hookcalls import (
    DeadLettersListed,
    DeadLettersResent,
    HookAnswer,
    HookRemoved,
    HooksShown,
    ListDeadLetters,
    PutHook,
    PutWords,
    ResendDeadLetters,
    WordsShown,
)
from laba.model.letter import DeadLetter, Mailbox
from laba.model.moderation import WORD_MAX_CHARS, WORDS_MAX, Verdict

SECRET_MAX: Final = 256
ENV_MAX: Final = 128
NUMBERS_MAX: Final = 1000
_NUMBER_MAX: Final = 2**63 - 1

# --- what is asked -------------------------------------------------------------------------------------------------


def put(members: Members, name: str, forms: AbstractSet[str]) -> PutHook:
    """Read a hook; `forms` are those in which laba can tell."""
    form = members.optional_text("form") or "native"
    if form not in forms:
        raise invalid("form", f"must be one of {', '.join(sorted(forms))}")
    given = (members.text("url"), form, _bounded(members, "secret", SECRET_MAX) or "", _env(members))
    try:
        return PutHook(Hook(name, *given, _sources(members)))
    except ValueError as error:
        raise invalid("url" if "URL" in str(error) else "name", f"will not do: {error}") from error


def dead(members: Members, name: str) -> ListDeadLetters:
    return ListDeadLetters(name, limit(members), after(members))


def resend(members: Members, name: str) -> ResendDeadLetters:
    """Read which dead letters are to be sent again: without `numbers`, all."""
    if "numbers" not in members:
        return ResendDeadLetters(name)
    numbers = members.value("numbers")
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= NUMBERS_MAX:
        raise invalid("numbers", f"must be a list of 1 to {NUMBERS_MAX} numbers of dead letters")
    for at, number in enumerate(numbers):
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= _NUMBER_MAX:
            raise invalid(f"numbers[{at}]", "must be the number of a dead letter")
    return ResendDeadLetters(name, frozenset(numbers))


def words(members: Members) -> PutWords:
    listed = members.required("words")
    if not isinstance(listed, list) or len(listed) > WORDS_MAX:
        raise invalid("words", f"must be a list of at most {WORDS_MAX} words")
    for at, word in enumerate(listed):
        if not isinstance(word, str) or not word.strip() or len(word) > WORD_MAX_CHARS:
            raise invalid(f"words[{at}]", f"must be a word of 1 to {WORD_MAX_CHARS} characters")
    return PutWords(tuple(dict.fromkeys(listed)))


def _env(members: Members) -> str | None:
    return _bounded(members, "env", ENV_MAX)


def _bounded(members: Members, name: str, most: int) -> str | None:
    text = members.optional_text(name)
    if text is not None and len(text) > most:
        raise invalid(name, f"may have at most {most} characters")
    return text


def _sources(members: Members) -> frozenset[Source]:
    if "sources" not in members:
        return frozenset(Source)
    listed = members.value("sources")
    if not isinstance(listed, list) or not listed:
        raise invalid("sources", f"must be a list of some of {', '.join(Source)}")
    return frozenset(named(Source, each, f"sources[{at}]") for at, each in enumerate(listed))


# --- what is answered ----------------------------------------------------------------------------------------------


def told(answer: HookAnswer) -> dict[str, Any]:
    match answer:
        case HooksShown(hooks, mailboxes):
            return {"callbacks": [_hook(hook, mailboxes.get(hook.name, Mailbox())) for hook in hooks]}
        case HookRemoved(name):
            return {"name": name}
        case DeadLettersListed(letters, following):
            return {"letters": [_dead(letter) for letter in letters], "cursor": cursor(following)}
        case DeadLettersResent(count):
            return {"resent": count}
        case WordsShown(listed):
            return {"words": list(listed)}


def shown_verdict(verdict: Verdict | None) -> dict[str, Any]:
    """Give what anti-spam found, where it found anything (N7)."""
    if verdict is None:
        return {}
    return {"verdict": {"decision": verdict.decision, "judge": verdict.judge, "label": verdict.label}}


def _hook(hook: Hook, mailbox: Mailbox) -> dict[str, Any]:
    return {
        "name": hook.name,
        "url": hook.url,
        "form": hook.form,
        "secret": hook.secret,
        "env": hook.env,
        "sources": sorted(hook.sources),
        "waiting": mailbox.waiting,
        "dead": mailbox.dead,
    }


def _dead(dead_letter: DeadLetter) -> dict[str, Any]:
    letter = dead_letter.letter
    message = letter.message
    return {
        "number": letter.number,
        "id": letter.id,
        "message_id": str(message.id),
        "conversation": {"type": message.conversation.type, "id": message.conversation.id},
        "from": message.dispatch.sender,
        "kind": message.dispatch.content.kind,
        "sent_at": message.dispatch.accepted_at_ms,
        "attempts": letter.attempts,
        "fault": letter.fault,
        "died_at": dead_letter.died_at_ms,
    }
