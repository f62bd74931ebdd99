"""A caller's fault on its way from where it is seen to where it is answered."""

from laba.model.refusal import Refusal


class Unacceptable(Exception):  # noqa: N818 - a caller's fault on its way to being a Refusal, never seen outside
    """Carries a Refusal out of the reading of a body, up to the dialect's `read`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal
