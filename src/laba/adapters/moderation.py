"""The checker of texts: what is too long is asked about in pieces, all at once, and the worst verdict holds."""

import asyncio
from collections.abc import Sequence
from typing import Final

from laba.model.moderation import Decision, Judge, Matter, Verdict
from laba.ports.letters import Courier, CourierError
from laba.ports.moderation import ModeratorError
from laba.providers import yidun
from laba.service.ground import Ground

_WORST_FIRST: Final = (Decision.REJECTED, Decision.SUSPECT, Decision.PASSED)


class CheckingModerator:
    """`ports.moderation.Moderator`. Bound: `max_checks` pieces at once; one more raises ModeratorError."""

    def __init__(
        self, courier: Courier, account: yidun.Account, ground: Ground, timeout_ms: int, max_checks: int
    ) -> None:
        self._courier = courier
        self._account = account
        self._ground = ground
        self._timeout_ms = timeout_ms
        self._max_checks = max_checks
        self._checking = 0

    async def judge(self, matter: Matter) -> Verdict:
        texts = list(yidun.pieces(matter.text))
        if self._checking + len(texts) > self._max_checks:
            raise ModeratorError("busy")
        self._checking += len(texts)
        try:
            # All of them come to their end, or they would go on where they are not counted any more.
            found = await asyncio.gather(
                *(self._checked(matter, number, text) for number, text in enumerate(texts)), return_exceptions=True
            )
        finally:
            self._checking -= len(texts)
        return _worst(found)

    async def _checked(self, matter: Matter, number: int, text: str) -> Verdict:
        piece = Matter(
            f"{matter.id}{number or ''}", matter.app_uuid, matter.sender, text, matter.business_id, matter.extras
        )
        nonce = int.from_bytes(self._ground.entropy(4))
        call = yidun.build(piece, self._account, self._ground.clock(), nonce)
        try:
            return yidun.read(await self._courier.send(call, self._timeout_ms))
        except CourierError as error:
            raise ModeratorError("unreachable") from error
        except ValueError as error:
            raise ModeratorError("unreadable") from error


def _worst(found: Sequence[Verdict | BaseException]) -> Verdict:
    """Give the worst verdict. What one piece is rejected for holds, whatever became of the others."""
    verdicts = [one for one in found if isinstance(one, Verdict)]
    worst = min(
        verdicts,
        key=lambda verdict: _WORST_FIRST.index(verdict.decision),
        default=Verdict(Decision.PASSED, Judge.CHECKER),
    )
    failure = next((one for one in found if isinstance(one, BaseException)), None)
    if failure is not None and not worst.rejects:
        raise failure
    return worst
