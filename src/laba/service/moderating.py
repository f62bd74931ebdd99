"""Anti-spam before a message is taken: an app's own words first, then the checker (N7, S7)."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

from laba.core.wordfilter import WordFilter
from laba.model.app import App, Feature
from laba.model.content import Kind
from laba.model.dispatch import Submission
from laba.model.hookcalls import GetWords, PutWords, WordsShown
from laba.model.moderation import Decision, Judge, Matter, Verdict
from laba.model.notification import Notification
from laba.ports.moderation import Moderator, ModeratorError, Wordbook
from laba.service.ground import Ground

# What names a thing rather than saying something: nobody reads it.
_UNSPOKEN: Final = frozenset({"url", "secret", "thumbnail", "thumbnail_url", "thumbnail_secret"})


class Moderating:
    """Asks the filters that an app has switched on.

    Where the checker gives no verdict, a message is rejected if `reject_on_failure`, else it passes; that is counted.
    """

    def __init__(
        self, wordbook: Wordbook, checker: Moderator | None, ground: Ground, *, reject_on_failure: bool
    ) -> None:
        self._wordbook = wordbook
        self._checker = checker
        self._ground = ground
        self._reject_on_failure = reject_on_failure
        self._filters: dict[str, WordFilter] = {}
        self._replacing = asyncio.Lock()

    async def load(self) -> None:
        """Learn every app's words. To be called once."""
        for app_uuid, words in (await self._wordbook.all()).items():
            self._filters[app_uuid] = await asyncio.to_thread(WordFilter, words)

    async def words(self, call: GetWords | PutWords, app: App) -> WordsShown:
        """Show an app's words, or have others; they hold for what is sent from then on."""
        if isinstance(call, GetWords):
            return WordsShown(await self._wordbook.of_app(app.uuid))
        # Twenty thousand words take more than a tenth of a second: too long for the loop.
        made = await asyncio.to_thread(WordFilter, call.words)
        # One after the other, so that those that are kept last are those that hold.
        async with self._replacing:
            await self._wordbook.replace(app.uuid, call.words)
            self._filters[app.uuid] = made
        return WordsShown(call.words)

    async def verdict(self, submission: Submission, app: App) -> Verdict | None:
        """Say what is found in a message; None where nothing is, or nothing is asked."""
        checks = app.policy.has(Feature.TEXT_CHECK)
        if submission.screening.skip or not (checks or app.policy.has(Feature.WORD_FILTER)):
            return None
        # What a message says twice, in our words and in the vendor's, is looked at once.
        text = "\n".join(dict.fromkeys(said(submission)))
        if not text.strip():
            return None
        verdict = self._by_words(text, app)
        if verdict is None and checks:
            verdict = await self._by_checker(text, submission, app)
        if verdict is not None:
            self._ground.meter.count("laba_moderation_verdicts_total", decision=verdict.decision, judge=verdict.judge)
        return None if verdict is None or verdict.decision is Decision.PASSED else verdict

    def _by_words(self, text: str, app: App) -> Verdict | None:
        words = self._filters.get(app.uuid)
        if words is None or not app.policy.has(Feature.WORD_FILTER):
            return None
        found = words.find(text)
        return None if found is None else Verdict(Decision.REJECTED, Judge.WORDS, found)

    async def _by_checker(self, text: str, submission: Submission, app: App) -> Verdict | None:
        screening = submission.screening
        matter = Matter(
            self._ground.entropy(8).hex(),
            app.uuid,
            submission.sender,
            text,
            screening.business_id,
            screening.extras,
        )
        if self._checker is None:
            return self._failed("unconfigured")
        try:
            return await self._checker.judge(matter)
        except ModeratorError as error:
            return self._failed(str(error))

    def _failed(self, reason: str) -> Verdict | None:
        self._ground.meter.count("laba_moderation_failures_total", reason=reason)
        return Verdict(Decision.REJECTED, Judge.NOBODY, reason) if self._reject_on_failure else None


def said(submission: Submission) -> Iterator[str]:
    """Give what people would read of a message, or what is to be looked at in its place."""
    if submission.screening.text is not None:
        yield submission.screening.text
        return
    for name, value in submission.content.fields.items():
        if name not in _UNSPOKEN:
            yield from _spoken(value)
    # Of an app's own types only the vendor's form holds what is said.
    if submission.content.kind is Kind.CUSTOM and submission.original is not None:
        yield from _spoken(submission.original.content)
    if submission.notification is not None:
        yield from _pushed(submission.notification)


def _pushed(notification: Notification) -> Iterator[str]:
    """Give the texts that a push would show."""
    shown = (
        notification.title,
        notification.alert,
        *(shown for one in notification.platforms.values() for shown in (one.title, one.alert)),
    )
    yield from (text for text in shown if text)


def _spoken(value: Any) -> Iterator[str]:
    """Give the texts in a value, whatever its shape; dialects bound how deep it is."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _spoken(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _spoken(inner)
