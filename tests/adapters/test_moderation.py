"""The checker of texts, against one that speaks its protocol over a real socket (S7, vendor-apis.md 3.4)."""

import asyncio

import pytest

from builders import NOW_MS, ground
from laba.adapters.courier import HttpCourier
from laba.adapters.moderation import CheckingModerator
from laba.model.http import HttpReply
from laba.model.moderation import Decision, Judge, Matter, Verdict
from laba.ports.letters import CourierError
from laba.ports.moderation import ModeratorError
from laba.providers.yidun import Account
from yidun import BUSINESS, SECRET_ID, SECRET_KEY, checking

pytestmark = pytest.mark.anyio


@pytest.fixture
async def yidun():
    async with checking() as yidun:
        yield yidun


@pytest.fixture
async def moderator(yidun):
    async with HttpCourier.open() as courier:
        yield moderator_of(courier, yidun)


def moderator_of(courier, yidun, key=SECRET_KEY, timeout_ms=2000, max_checks=8):
    account = Account(yidun.url, SECRET_ID, key, BUSINESS)
    return CheckingModerator(courier, account, ground(), timeout_ms, max_checks)


def matter(text, **rest):
    return Matter("m1", "app-1", "ann", text, **rest)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("hello 你好 & = +", Verdict(Decision.PASSED, Judge.CHECKER)),
        ("a suspect thing", Verdict(Decision.SUSPECT, Judge.CHECKER, "600 abuse")),
        ("block this", Verdict(Decision.REJECTED, Judge.CHECKER, "200 ad")),
    ],
)
async def test_a_text_passes_is_suspect_or_is_rejected(moderator, yidun, text, verdict):
    """The checker recomputes the signature by code of its own; it saw the text as it is."""
    assert await moderator.judge(matter(text)) == verdict
    yidun.old = True
    assert await moderator.judge(matter(text)) == verdict
    assert [form["content"] for form in yidun.forms] == [text, text]
    assert {form["timestamp"] for form in yidun.forms} == {str(NOW_MS)}
    assert len({form["nonce"] for form in yidun.forms}) == 2


async def test_a_wrong_key_is_no_verdict(yidun):
    async with HttpCourier.open() as courier:
        with pytest.raises(ModeratorError, match="unreadable"):
            await moderator_of(courier, yidun, key="another").judge(matter("hello"))


async def test_what_a_message_brings_goes_along(moderator, yidun):  # N7: bid, yidun_anti_cheating
    await moderator.judge(matter("hello", business_id="b2", extras={"deviceId": "d1"}))
    (form,) = yidun.forms
    assert (form["businessId"], form["deviceId"], form["account"]) == ("b2", "d1", "ann")


async def test_a_long_text_is_judged_as_a_whole_by_its_worst_part(moderator, yidun):
    assert (
        await moderator.judge(matter("x" * 5000 + "suspect" + "x" * 5000 + "block"))
    ).decision is Decision.REJECTED
    assert sorted(len(form["content"]) for form in yidun.forms) == [12, 5000, 5000]
    assert {form["dataId"] for form in yidun.forms} == {"m1", "m11", "m12"}


async def test_what_one_part_is_rejected_for_holds_without_an_answer_about_another(moderator, yidun):
    yidun.moods.append(500)
    text = "block" + "x" * 4995
    assert (await moderator.judge(matter(text + text))).decision is Decision.REJECTED
    yidun.moods.append(500)
    with pytest.raises(ModeratorError, match="unreadable"):
        await moderator.judge(matter("x" * 10_000))


class Halting:
    """A courier whose first call fails at once, and whose others are answered when it is told to."""

    def __init__(self):
        self.calls = 0
        self.going = asyncio.Event()

    async def send(self, _call, _timeout_ms):
        self.calls += 1
        if self.calls == 1:
            raise CourierError("no answer")
        await self.going.wait()
        return HttpReply(200, b'{"code":200,"result":{"antispam":{"suggestion":0}}}')


async def test_parts_count_until_each_has_come_to_its_end():
    """One part has failed at once, the other still waits: what would be one too many has no turn yet."""
    courier = Halting()
    moderator = CheckingModerator(courier, Account("http://checker", "", ""), ground(), 2000, 2)
    waiting = asyncio.create_task(moderator.judge(matter("x" * 10_000)))
    await asyncio.wait([waiting], timeout=0.05)
    assert (courier.calls, waiting.done()) == (2, False)
    with pytest.raises(ModeratorError, match="busy"):
        await moderator.judge(matter("hello"))
    courier.going.set()
    with pytest.raises(ModeratorError, match="unreachable"):
        await waiting
    assert (await moderator.judge(matter("hello"))).decision is Decision.PASSED


async def test_nothing_needs_no_check(moderator, yidun):
    assert (await moderator.judge(matter(""))).decision is Decision.PASSED
    assert yidun.forms == []


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("close", "unreachable"),
        ("half", "unreachable"),
        (500, "unreadable"),
        (b"<html>", "unreadable"),
        (b'{"code":503,"msg":"busy"}', "unreadable"),
    ],
)
async def test_without_a_verdict_in_its_own_words_there_is_none(moderator, yidun, mood, reason):
    yidun.moods.append(mood)
    with pytest.raises(ModeratorError, match=reason):
        await moderator.judge(matter("hello"))
    assert (await moderator.judge(matter("hello"))).decision is Decision.PASSED


async def test_a_checker_that_hangs_is_waited_for_as_long_as_is_configured(yidun):
    """Not a moment less, and no longer than it must be seen to be so."""
    async with HttpCourier.open() as courier:
        yidun.moods.append("hang")
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ModeratorError, match="unreachable"):
            await moderator_of(courier, yidun, timeout_ms=150).judge(matter("hello"))
        assert 0.15 <= loop.time() - began < 2


async def test_so_many_texts_are_judged_at_once_and_no_more(yidun):
    async with HttpCourier.open() as courier:
        moderator = moderator_of(courier, yidun, max_checks=2)
        yidun.moods.extend(["hang", "hang"])
        waiting = [asyncio.create_task(moderator.judge(matter("hello"))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ModeratorError, match="busy"):
            await moderator.judge(matter("hello"))
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        yidun.moods.clear()
        assert (await moderator.judge(matter("hello"))).decision is Decision.PASSED
