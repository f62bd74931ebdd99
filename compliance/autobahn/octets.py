"""What the converted cases call: names of Python 2's library, for text that stands for bytes (one character each)."""

import binascii

from autobahn.websocket import utf8validator

# Python 2's str was bytes; the cases' literals are read so that a character's number is its byte.
ENCODING = "latin-1"


def octets(text: str | bytes) -> bytes:
    return text.encode(ENCODING) if isinstance(text, str) else bytes(text)


def b2a_hex(text: str | bytes) -> str:
    return binascii.b2a_hex(octets(text)).decode()


class Utf8Validator(utf8validator.Utf8Validator):  # type: ignore[misc]
    def validate(self, text: str | bytes) -> tuple[bool, bool, int, int]:
        return super().validate(octets(text))  # type: ignore[no-any-return]
