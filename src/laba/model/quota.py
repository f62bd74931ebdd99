"""How often an app may do something: a list of spans that slide (G1)."""

import re
from dataclasses import dataclass

UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

_SPAN = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,4})?(second|minute|hour|day)s?")


@dataclass(frozen=True, slots=True)
class Span:
    """At most `limit` within any stretch of `seconds`; a day is 24 hours."""

    limit: int
    seconds: int

    def __post_init__(self) -> None:
        if self.limit < 1 or self.seconds < 1:
            raise ValueError("a span needs a limit and a length of at least 1")

    def __str__(self) -> str:
        unit, length = max(
            ((unit, length) for unit, length in UNIT_SECONDS.items() if self.seconds % length == 0),
            key=lambda pair: pair[1],
        )
        times = self.seconds // length
        return f"{self.limit}/{unit}" if times == 1 else f"{self.limit}/{times}{unit}s"


@dataclass(frozen=True, slots=True)
class Quota:
    """Spans that all hold at once; with none of them the quota is unlimited."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Quota":
        """Read `unlimited` or spans joined by commas, as in `1/minute,50/day` or `40/2seconds`.

        Raises ValueError with a sentence that says what is expected.
        """
        if text.strip() == "unlimited":
            return UNLIMITED
        spans = []
        for part in text.split(","):
            match = _SPAN.fullmatch(part.strip())
            if match is None:
                raise ValueError(
                    f"{part.strip()!r} is no span: write COUNT/UNIT with the unit second, minute, hour or day, "
                    "several joined by commas, or 'unlimited'"
                )
            count, times, unit = match.groups()
            spans.append(Span(int(count), int(times or 1) * UNIT_SECONDS[unit]))
        return cls(tuple(spans))

    def __str__(self) -> str:
        return ",".join(map(str, self.spans)) if self.spans else "unlimited"


UNLIMITED = Quota()
