"""The built-in word filter (S7): thousands of words, found in one pass over the text."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import ahocorasick
import re2

# Scripts that do not part words by spaces: what is written in them is found wherever it stands. Thai, Lao, Myanmar,
# Khmer, kana, Han, Hangul.
_UNPARTED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
# Controls that are no space, what Unicode calls format characters, and what it calls ignorable by default.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Marks of no one script, that strike letters through or heap something upon them. Vowels of scripts are none of them.
_HEAPED = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
# To order marks takes time that grows with the square of how many follow each other. No language has 31 of them
# (UAX 15, section 13, the stream-safe format); the two halfwidth ones become marks.
_HEAP = re2.compile(r"[\p{M}\x{ff9e}\x{ff9f}]{31,}")
# An automaton of so much is made in some hundredths of a second.
_PART_BYTES: Final = 200_000
# The longest character in UTF-8.
_CHAR_BYTES: Final = 4


def normalised(text: str) -> str:
    """Give a text without its width, its case, and what cannot be seen (UAX 15, UAX 44: NFKC_Casefold).

    `ＡＤ`, `Ad`, an `ad` with a zero-width space in it and one that is struck through by marks are the same. An `ä`
    is a letter of its own, however it is written.
    """
    seen = _UNSEEN.sub("", text)
    if seen.isascii():
        return seen.casefold()
    calm = _HEAP.sub("", seen.encode(errors="replace").decode())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", calm).casefold())
    return _HEAPED.sub("", folded)


class WordFilter:
    """Finds words in texts, in time that grows with the text and the words' bytes, not with how many they are.

    An end of a word that is a letter or digit of a script with spaces is found only where the word ends: `ass` is not
    in `class`, but `加微信` is in `请加微信聊`. Words of which nothing can be seen are left out.
    """

    __slots__ = ("_automata", "_count")

    def __init__(self, words: Iterable[str]) -> None:
        keys = {key: word for word in words if (key := normalised(word)).strip()}
        self._count = len(keys)
        self._automata = [_automaton(part) for part in _parts(keys)]

    def __len__(self) -> int:
        """How many words it looks for: those that look the same count once."""
        return self._count

    def find(self, text: str) -> str | None:
        """Give the word that ends first, as it was given, of several the longest; None where there is none."""
        said = _bytes_of(normalised(text))
        found = [one for automaton in self._automata if (one := _first(automaton, said))]
        return min(found)[2] if found else None


def _bytes_of(text: str) -> str:
    """Give UTF-8 as a text of its bytes: of these the automaton has few to choose from at each step.

    With whole characters there are thousands, and it looks at one after the other.
    """
    return text.encode().decode("latin-1")


def _parts(keys: Mapping[str, str]) -> Iterator[list[tuple[str, str]]]:
    """Part words so that no automaton is large: while one is made, nothing else has a turn."""
    part: list[tuple[str, str]] = []
    size = 0
    for key, word in keys.items():
        said = _bytes_of(key)
        if size + len(said) > _PART_BYTES:
            yield part
            part, size = [], 0
        part.append((said, word))
        size += len(said)
    if part:
        yield part


def _automaton(part: Iterable[tuple[str, str]]) -> Any:
    automaton = ahocorasick.Automaton()
    for said, word in part:
        automaton.add_word(said, (len(said), word))
    automaton.make_automaton()
    return automaton


def _first(automaton: Any, said: str) -> tuple[int, int, str] | None:
    """Give the word that ends first: where, minus how long it is, and itself."""
    for last, (length, word) in automaton.iter(said):
        if _stands_alone(said, last - length + 1, last + 1):
            return last, -length, word
    return None


def _stands_alone(said: str, first: int, end: int) -> bool:
    """Tell whether what stands there is no part of a longer word."""
    return not (_is_parted(_char_behind(said, first)) and _is_parted(_char_before(said, first))) and not (
        _is_parted(_char_before(said, end)) and _is_parted(_char_behind(said, end))
    )


def _char_before(said: str, at: int) -> str:
    """Give the character that ends there; "" at the beginning."""
    byte = said[at - 1 : at] if at else ""
    if byte < "\x80":
        return byte
    return said[max(0, at - _CHAR_BYTES) : at].encode("latin-1").decode(errors="ignore")[-1:]


def _char_behind(said: str, at: int) -> str:
    """Give the character that begins there; "" at the end."""
    byte = said[at : at + 1]
    if byte < "\x80":
        return byte
    return said[at : at + _CHAR_BYTES].encode("latin-1").decode(errors="ignore")[:1]


def _is_parted(char: str) -> bool:
    """Tell whether it is a letter or digit of a script that parts words by spaces."""
    return char.isalnum() and _UNPARTED.match(char) is None
