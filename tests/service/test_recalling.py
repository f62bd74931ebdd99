"""Withdrawing what was sent: by whom, what, and what becomes of it."""

import pytest

from builders import OTHER_UUID, app, submission, to_all_users, to_recent_users, to_targets
from laba.model.dispatch import Audience
from laba.model.recordcalls import Recall, Recalled
from laba.model.refusal import Code
from laba.model.targets import Targets

pytestmark = pytest.mark.anyio

EVERY = frozenset(Audience)


async def sent(house, made=to_all_users, **how):
    accepted = await house.intake.accept(made(**how), house.app)
    await house.dispatcher.turn()
    return accepted.dispatch


async def recalled(house, dispatch_id, audiences=EVERY, sender=None, of=None):
    answer = await house.recalling.recall(Recall(dispatch_id, audiences, sender), of or house.app)
    return answer.code if not isinstance(answer, Recalled) else answer


@pytest.mark.parametrize(
    ("made", "how", "told"),
    [
        (submission, {}, Audience.ALL_USERS),  # who had it may be offline by now
        (to_recent_users, {}, Audience.ALL_USERS),
        (to_all_users, {"targets": Targets(platforms=frozenset({"ios"}))}, Audience.ALL_USERS),
        (to_targets, {"targets": Targets(tags=frozenset({"vip"}))}, Audience.TARGETS),
    ],
)
async def test_the_word_of_it_goes_to_all_who_may_have_it(house, made, how, told):  # X3
    dispatch = await sent(house, made, **how)
    assert await recalled(house, dispatch.id) == Recalled(dispatch.id)
    [word] = await house.store.waiting(10)
    assert (word.recalls, word.audience, word.targets) == (dispatch.id, told, dispatch.targets)
    assert (word.sender, word.conversation) == (dispatch.sender, dispatch.conversation)
    assert word.content.fields == {"operation": "recall", "data": {"id": str(dispatch.id)}}
    assert not word.flags.stored


async def test_a_second_recall_changes_nothing(house):
    dispatch = await sent(house)
    await recalled(house, dispatch.id)
    await house.dispatcher.turn()
    assert await recalled(house, dispatch.id) == Recalled(dispatch.id)
    assert await house.store.waiting(10) == ()


async def test_what_is_not_there_or_not_his_cannot_be_recalled(house):
    dispatch = await sent(house)
    assert await recalled(house, 1) is Code.BROADCAST_UNKNOWN
    assert await recalled(house, dispatch.id, sender="mallory") is Code.BROADCAST_UNKNOWN
    assert await recalled(house, dispatch.id, of=app(OTHER_UUID, "org/other")) is Code.BROADCAST_UNKNOWN
    assert await house.store.waiting(10) == ()


async def test_an_audience_that_may_not_be_recalled_so_is_refused(house):  # R9
    dispatch = await sent(house, to_recent_users)
    assert await recalled(house, dispatch.id, frozenset({Audience.ALL_USERS})) is Code.NOT_RECALLABLE


async def test_a_recall_cannot_be_recalled(house):
    dispatch = await sent(house)
    await recalled(house, dispatch.id)
    [word] = await house.store.waiting(10)
    assert await recalled(house, word.id) is Code.NOT_RECALLABLE
