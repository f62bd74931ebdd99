"""The four verbs of ports.Dialect for laba's own REST."""

from laba.dialects.native.claiming import claim
from laba.dialects.native.reading import Offers, read
from laba.dialects.native.writing import refuse, write
from laba.model.app import App
from laba.model.calls import Answer, Call, Claim, Exchange
from laba.model.filecalls import Upload
from laba.model.http import HttpRequest, HttpResponse, RequestHead
from laba.model.refusal import Refusal


class NativeDialect:
    """The dialect `native` (ports.Dialect). `forms` are those in which hooks can be told.

    `kinds` are those of push providers that can be spoken to.
    """

    __slots__ = ("_offers",)

    def __init__(
        self, forms: frozenset[str] = frozenset({"native"}), kinds: frozenset[str] = frozenset({"webpush"})
    ) -> None:
        self._offers = Offers(forms, kinds)

    @property
    def name(self) -> str:
        return "native"

    def claim(self, head: RequestHead) -> Claim | Refusal | None:
        """Claim whatever lies under /v1; None for any other path."""
        return claim(head)

    def read(self, claim: Claim, request: HttpRequest, app: App | None, now_ms: int) -> Call | Refusal:  # noqa: ARG002
        """Read query and body as the endpoint's call. Media type and length are the endpoint's row, judged before."""
        return read(claim, request, app, self._offers)

    def receive(self, claim: Claim, head: RequestHead, app: App | None, now_ms: int) -> Upload | Refusal:  # noqa: ARG002
        """Raise ValueError, a bug: no endpoint of this dialect takes a file."""
        raise ValueError(f"{claim.endpoint.name} takes no file")

    def write(self, exchange: Exchange, answer: Answer | Refusal) -> HttpResponse:  # noqa: ARG002
        """Write the answer. TypeError for an answer that no call of this dialect leads to."""
        return refuse(answer) if isinstance(answer, Refusal) else write(answer)

    def refuse(self, refusal: Refusal, now_ms: int) -> HttpResponse:  # noqa: ARG002
        return refuse(refusal)
