"""Messages by requests that are answered: R5."""

import asyncio
import json

import pytest

from gateway_rig import APP, EPOCH, GatewayRig, until
from laba.adapters.gateway.pulling import Asked, Pull, Pulls, read
from laba.dialects.native.writing import refuse
from laba.model.closing import Closing
from laba.model.http import RequestHead
from laba.model.refusal import Code, Refusal
from laba.model.stream import Position, Stream
from laba.ports import StoreBusyError

pytestmark = pytest.mark.anyio


def head(token="ann", **query):
    headers = {} if token is None else {"authorization": f"Bearer {token}" if token else "Basic x"}
    return RequestHead("GET", "/connection/pull", {name: str(value) for name, value in query.items()}, headers)


class PullRig(GatewayRig):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.pulls = Pulls(self.gateway, self.clients, refuse, self.meter)

    async def pull(self, token="ann", **query):
        """Ask once; gives the status and what was answered."""
        response = await self.pulls.answer(head(token, **query), b"")
        return response.status, json.loads(response.body)

    def waiting(self, token="ann", **query):
        return asyncio.create_task(self.pull(token, **query))

    async def keep(self, *numbers):
        """Put messages into the app's log, as if they were sent before."""
        window = await self.fanout.open(Stream(APP.uuid, "app"))
        for number in numbers:
            window.add(self.kept(b'{"id":"%d"},' % number))

    def send(self, number):
        return self.deliver(b'{"id":"%d"},' % number)


def ids(answer):
    status, body = answer
    assert status == 200, body
    return [int(message["id"]) for message in body["messages"]]


async def test_a_first_pull_has_a_cursor_and_the_next_has_what_came_since():
    """Each message once; without news the cursor stays."""
    async with PullRig().running() as rig:
        status, body = await rig.pull()
        assert (status, body) == (200, {"messages": [], "cursor": f"{EPOCH}.0"})
        await rig.keep(1, 2)
        second = await rig.pull(cursor=body["cursor"])
        assert ids(second) == [1, 2]
        await rig.keep(3)
        third = await rig.pull(cursor=second[1]["cursor"])
        assert ids(third) == [3]
        assert await rig.pull(cursor=third[1]["cursor"]) == (200, {"messages": [], "cursor": f"{EPOCH}.3"})
        assert not len(rig.roster)


async def test_a_pull_that_waits_is_answered_with_the_first_that_comes():
    """And with what comes in the same moment."""
    async with PullRig().running() as rig:
        pull = rig.waiting(wait=60)
        await until(lambda: len(rig.roster))
        await asyncio.sleep(0)
        assert (len(rig.gateway), pull.done()) == (1, False)
        first, second = rig.send(1), rig.send(2)
        answer = await pull
        assert ids(answer) == [1, 2]
        assert answer[1]["cursor"] == f"{EPOCH}.2"
        assert (first.handed_to, second.handed_to, first.reasons) == (1, 1, [])
        assert (len(rig.gateway), len(rig.roster)) == (0, 0)
        # What comes later is the next one's.
        assert rig.send(3).handed_to == 0


async def test_a_pull_that_waits_in_vain_is_answered_empty():
    """After the time it asked for."""
    async with PullRig().running() as rig:
        began = asyncio.get_running_loop().time()
        assert await rig.pull(wait=1) == (200, {"messages": [], "cursor": f"{EPOCH}.0"})
        assert 0.9 < asyncio.get_running_loop().time() - began < 5


async def test_what_is_too_much_for_one_answer_is_the_next_ones():
    """In order, and nothing is left out."""
    async with PullRig(limits={"outbox_bytes": 100}).running() as rig:
        await rig.keep(*range(1, 31))
        found, cursor, answers = [], f"{EPOCH}.0", 0
        while len(found) < 30:
            answer = await rig.pull(cursor=cursor)
            assert 0 < len(ids(answer)) < 15
            found, cursor, answers = found + ids(answer), answer[1]["cursor"], answers + 1
        assert found == list(range(1, 31))
        assert answers > 2


async def test_what_is_delivered_beyond_the_bound_is_the_next_ones():
    """Said so to whoever counts, and the cursor stands before it."""
    async with PullRig(limits={"outbox_bytes": 20}).running() as rig:
        pull = rig.waiting(wait=60)
        await until(lambda: len(rig.roster))
        await asyncio.sleep(0)
        sent = [rig.send(number) for number in range(1, 6)]
        answer = await pull
        count = len(ids(answer))
        assert 0 < count < 5
        assert answer[1]["cursor"] == f"{EPOCH}.{count}"
        assert [one.handed_to for one in sent] == [1] * count + [0] * (5 - count)
        assert [one.reasons for one in sent] == [[]] * count + [["closed"]] * (5 - count)


async def test_a_caller_who_hangs_up_is_gone():
    """From the roster and from the count; what it had been given is lost."""
    async with PullRig().running() as rig:
        pull = rig.waiting(wait=60)
        await until(lambda: len(rig.roster))
        await asyncio.sleep(0)
        sent = rig.send(1)
        pull.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pull
        assert (len(rig.gateway), len(rig.roster)) == (0, 0)
        assert (sent.handed_to, sent.reasons) == (0, ["closed"])
        assert rig.departures == [("ann", False, False)]


@pytest.mark.parametrize("closing", [one for one in Closing if one.code > 4500])
async def test_who_may_not_come_back_is_told_while_it_waits(closing):
    """At once, and why."""
    async with PullRig().running() as rig:
        pull = rig.waiting(wait=60)
        await until(lambda: len(rig.roster))
        rig.of("ann").close(closing)
        status, body = await pull
        assert (status, body["error"]["code"], body["error"]["message"]) == (401, "token_unknown", closing.reason)


async def test_a_stopping_server_answers_who_waits():
    """Empty, with a cursor to come back with; and takes nobody on."""
    async with PullRig().running() as rig:
        pull = rig.waiting(wait=60)
        await until(lambda: len(rig.roster))
        rig.gateway.stop_waiting()
        assert await pull == (200, {"messages": [], "cursor": f"{EPOCH}.0"})
        assert rig.departures == [("ann", False, True)]
        status, body = await rig.pull()
        assert (status, body["error"]["code"]) == (503, "overloaded")


async def test_who_pulls_counts_like_everyone():
    """In the capacity and among those without a login."""
    async with PullRig(capacity={"connections": 1}).running() as rig:
        pull = rig.waiting(wait=60)
        await until(lambda: len(rig.roster))
        response = await rig.pulls.answer(head("bob"), b"")
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        pull.cancel()
    async with PullRig(capacity={"handshakes": 1}).running() as rig:
        rig.people.open.clear()
        stranger = rig.waiting()
        await until(lambda: len(rig.gateway))
        assert (await rig.pull("bob"))[0] == 503
        rig.people.open.set()
        assert ids(await stranger) == []
        assert ids(await rig.pull("bob")) == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Refusal(Code.TOKEN_CORRUPT, "x"), 401, "token_unknown"),
        (Refusal(Code.TOKEN_EXPIRED, "x"), 401, "token_expired"),
        (StoreBusyError(), 503, "overloaded"),
        (OSError(), 503, "overloaded"),
    ],
)
async def test_a_login_that_fails_is_refused(fault, status, code):
    """In laba's own words, and it counts no more."""
    async with PullRig(capacity={"handshakes": 1}).running() as rig:
        rig.people.answers["ann"] = fault
        for _ in range(2):
            answered, body = await rig.pull()
            assert (answered, body["error"]["code"]) == (status, code)
        assert rig.counted("laba_store_failures_total") == 2 * (status == 503)
        assert len(rig.gateway) == 0


async def test_a_pull_is_an_outbox_that_is_never_written_directly():
    """As the writing loop expects of a link without a socket."""
    pull = Pull(100)
    assert pull.fd == -1
    assert pull.outbox is not None


# --- what is asked -------------------------------------------------------------------------------------------------


def test_a_request_is_read_with_all_it_may_say():
    """Everything but the token is optional."""
    assert read(head()) == Asked("ann", "", None, 0)
    assert read(head(cursor="", wait="")) == Asked("ann", "", None, 0)
    asked = read(head(cursor="e1.7", wait=60, device_id="d1"))
    assert asked == Asked("ann", "d1", Position("e1", 7), 60)
    assert "ann" not in repr(asked)


@pytest.mark.parametrize(
    ("request_head", "code", "field"),
    [
        (head(None), Code.TOKEN_MISSING, None),
        (head(""), Code.TOKEN_CORRUPT, None),
        (head(cursor="nonsense"), Code.FIELD_INVALID, "cursor"),
        (head(cursor="e1.9007199254740992"), Code.FIELD_INVALID, "cursor"),
        (head(wait=61), Code.FIELD_INVALID, "wait"),
        (head(wait=-1), Code.FIELD_INVALID, "wait"),
        (head(wait="1.5"), Code.FIELD_INVALID, "wait"),
        (head(wait="²"), Code.FIELD_INVALID, "wait"),
        (head(wait="9" * 5000), Code.FIELD_INVALID, "wait"),
        (head(device_id="x" * 65), Code.FIELD_INVALID, "device_id"),
        (head(device_id="x\n"), Code.FIELD_INVALID, "device_id"),
    ],
)
def test_a_request_at_fault_names_the_parameter(request_head, code, field):
    """Who it is comes first (A10)."""
    refusal = read(request_head)
    assert (refusal.code, refusal.field) == (code, field)
