"""Anti-spam. Part of the page that `laba.ports` is."""

from typing import Protocol

from laba.model.moderation import Matter, Verdict


class ModeratorError(Exception):
    """A checker gave no verdict: it did not answer in time, not in its own words, or was asked too often at once."""


class Moderator(Protocol):
    """Judges texts."""

    async def judge(self, matter: Matter) -> Verdict:
        """Say what is found in a text. Raises ModeratorError where nothing can be said."""


class Wordbook(Protocol):
    """The words that apps do not want, as they were given. Raises what Store raises."""

    async def all(self) -> dict[str, tuple[str, ...]]:
        """Give the words of every app that has any, by app uuid."""

    async def of_app(self, app_uuid: str) -> tuple[str, ...]:
        """Give one app's words."""

    async def replace(self, app_uuid: str, words: tuple[str, ...]) -> None:
        """Keep these words in place of those before."""
