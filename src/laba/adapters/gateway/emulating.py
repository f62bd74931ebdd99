"""What clients of one-way streams say, each time by a request of its own."""

from collections.abc import Callable

from laba.adapters.gateway.gateway import Gateway
from laba.model.http import HttpResponse, RequestHead
from laba.model.refusal import Code, Refusal
from laba.protocols.centrifuge import emulation

# Events of one client that wait behind its login or its question.
_WAITING_EVENTS = 64


class Emulation:
    """Finds the session by its handle, which nobody else knows, and lets it hear what was said."""

    def __init__(self, gateway: Gateway, refuse: Callable[[Refusal], HttpResponse]) -> None:
        self._gateway = gateway
        self._refuse = refuse

    @property
    def body_bytes(self) -> int:
        # In JSON a command stands as text within text: each of its quotes takes two bytes.
        return 2 * self._gateway.limits.message_bytes + 1024

    async def answer(self, head: RequestHead, body: bytes) -> HttpResponse:
        """Answer 204 as soon as the commands are taken; their replies come over the stream.

        404 where the session has ended or never was: its client's SDK then comes back anew.
        """
        read = emulation.read_protobuf if head.media_type == "application/octet-stream" else emulation.read_json
        said = read(body)
        if isinstance(said, str):
            return self._refuse(Refusal(Code.BODY_BROKEN, said))
        if len(said.data) > self._gateway.limits.message_bytes:
            return self._refuse(Refusal(Code.BODY_TOO_LARGE, "the commands are too large", field="data"))
        connection = self._gateway.with_handle(said.node, said.session)
        if connection is None or connection.wire.read is None:
            return self._refuse(Refusal(Code.ENDPOINT_UNKNOWN, "there is no such session", field="session"))
        if connection.waiting_events >= _WAITING_EVENTS:
            reason = "too many commands wait for their answers"
            return self._refuse(Refusal(Code.QUOTA_EXHAUSTED, reason, retry_after_seconds=1))
        connection.hear(connection.wire.read(said.data))
        return HttpResponse(204)
