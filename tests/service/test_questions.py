import json

import pytest

from builders import APP_UUID
from laba.core.session import Session
from laba.dialects.native.conversations import methods, tell
from laba.model.calls import GetApp
from laba.model.session import Ask, Denial, Denied, Told
from laba.service.questions import Questions

pytestmark = pytest.mark.anyio

METHODS = methods(frozenset({"webpush"}))
ADMIN = {"type": "app", "id": "admin"}


def questions(house, clients, known=METHODS):
    return Questions(known, tell, house.tenants, (house.reader, house.pushdesk), clients.sessions)


async def asked(house, clients, session, method, data=None):
    """Ask, and give what was told, or the denial with its sentence."""
    raw = b"" if data is None else json.dumps(data).encode()
    answer = await questions(house, clients).answer(session, Ask(9, method, raw))
    assert answer.request_id == 9
    return json.loads(answer.data) if isinstance(answer, Told) else (answer.denial, answer.message)


@pytest.fixture
async def ann(house, clients):
    return await clients.entered(house.user_token(await house.registered()))


async def test_a_session_sees_its_own_user_s_conversations(house, clients, ann):
    """No data names another user."""  # S5
    await clients.deliver(await house.placed(7))
    bob = await clients.entered(house.user_token(await house.registered("bob")))
    (one,) = await asked(house, clients, ann, "conversations", {"limit": 5, "user": "bob"})
    assert (one["id"], one["unread"], one["last_message"]["id"]) == ("admin", 1, "7")
    assert await asked(house, clients, bob, "conversations") == []


async def test_what_a_client_reads_is_read(house, clients, ann):
    # S5
    await house.placed(7)
    assert await asked(house, clients, ann, "read", ADMIN) == {}
    (one,) = await asked(house, clients, ann, "conversations")
    assert one["unread"] == 0


async def test_history_says_whether_the_app_keeps_any(house, clients, ann):
    """This one does not."""  # S5 G2
    await house.placed(7)
    told = await asked(house, clients, ann, "history", ADMIN)
    assert told == {"messages": [], "cursor": None, "roaming": False}


async def test_an_acknowledgement_confirms_what_was_written(house, clients, ann):
    """For the session that acknowledges."""  # X2
    await clients.deliver(await house.placed(7, 8))
    assert await asked(house, clients, ann, "ack", {"ids": ["7"]}) == {}
    assert ann.confirmed == 1


async def test_a_method_that_is_not_there_is_told_as_such(house, clients, ann):
    """The session goes on."""
    assert await asked(house, clients, ann, "fly") == (Denial.METHOD_NOT_FOUND, "method not found")


async def test_before_the_login_there_is_no_method(house, clients):
    """Nobody asks."""
    assert (await asked(house, clients, Session([], "json"), "conversations"))[0] is Denial.METHOD_NOT_FOUND


@pytest.mark.parametrize(
    ("method", "data", "words"),
    [
        ("conversations", {"limit": 0}, "limit must be a whole number from 1 to 100"),
        ("ack", {"ids": ["x"]}, "ids[0] must be a message's id, in decimal digits"),
        ("read", [], "the body must be a JSON object, at most 64 levels deep"),
    ],
)
async def test_a_fault_is_told_with_its_member(house, clients, ann, method, data, words):
    # G4
    assert await asked(house, clients, ann, method, data) == (Denial.BAD_REQUEST, words)


async def test_a_user_who_is_gone_is_denied(house, clients, ann):
    """Its session is about to be ended."""  # S1
    await house.store.remove_user(APP_UUID, "ann")
    assert await asked(house, clients, ann, "conversations") == (Denial.BAD_REQUEST, "there is no user ann")


async def test_a_store_that_fails_is_the_gateway_s_to_tell(house, clients, ann):
    """It is no fault of the caller's."""

    class Broken:
        async def list(self, call, app):
            raise OSError("disk")

    broken = Questions(METHODS, tell, house.tenants, (Broken(), house.pushdesk), clients.sessions)
    with pytest.raises(OSError, match="disk"):
        await broken.answer(ann, Ask(1, "conversations"))


async def test_a_method_that_leads_elsewhere_is_a_bug(house, clients, ann):
    """The table of methods would be wrong."""
    wrong = questions(house, clients, {"app": lambda data, user: GetApp()})
    with pytest.raises(TypeError, match="no rpc leads to GetApp"):
        await wrong.answer(ann, Ask(1, "app"))


async def test_a_denial_is_the_protocol_s_own(house, clients, ann):
    """With its code."""
    assert await questions(house, clients).answer(ann, Ask(4, "fly")) == Denied(4, Denial.METHOD_NOT_FOUND)
