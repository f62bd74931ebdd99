"""The built-in word filter (S7): thousands of words, found in one pass over the text."""

import re
import unicodedata
from collections.abc import Iterable

import ahocorasick

# Scripts that do not part words by spaces: what is written in them is found wherever it stands. Thai, Lao, Myanmar,
# Khmer, kana, Han, Hangul.
_UNPARTED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)


def normalised(text: str) -> str:
    """Give a text without its width, its case, and what cannot be seen (UAX 15, NFKC_Casefold).

    `ＡＤ`, `Ad` and an `ad` with a zero-width space in it are the same.
    """
    seen = "".join(
        char
        for char in unicodedata.normalize("NFKC", text)
        if unicodedata.category(char) != "Cf" and not "\ufe00" <= char <= "\ufe0f"
    )
    return unicodedata.normalize("NFKC", seen.casefold())


class WordFilter:
    """Finds words in texts, in time that grows with the text alone, however many words there are.

    An end of a word that is a letter or digit of a script with spaces is found only where the word ends: `ass` is not
    in `class`, but `加微信` is in `请加微信聊`. Words of which nothing can be seen are left out.
    """

    __slots__ = ("_words",)

    def __init__(self, words: Iterable[str]) -> None:
        self._words = ahocorasick.Automaton()
        for word in words:
            key = normalised(word)
            if key.strip():
                self._words.add_word(key, (len(key), word))
        if len(self._words):
            self._words.make_automaton()

    def __len__(self) -> int:
        """How many words it looks for: those that look the same count once."""
        return len(self._words)

    def find(self, text: str) -> str | None:
        """Give the word that is found first, as it was given; None where there is none."""
        if not len(self._words):
            return None
        said = normalised(text)
        for last, (length, word) in self._words.iter(said):
            if _stands_alone(said, last - length + 1, last):
                found: str = word
                return found
        return None


def _stands_alone(text: str, first: int, last: int) -> bool:
    """Tell whether what stands there is no part of a longer word."""
    before = text[first - 1] if first else " "
    behind = text[last + 1] if last + 1 < len(text) else " "
    return not (_is_parted(text[first]) and _is_parted(before)) and not (
        _is_parted(text[last]) and _is_parted(behind)
    )


def _is_parted(char: str) -> bool:
    """Tell whether it is a letter or digit of a script that parts words by spaces."""
    return char.isalnum() and _UNPARTED.match(char) is None
