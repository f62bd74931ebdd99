"""What clients of one-way streams say by other requests: S4."""

import json

import pytest

from gateway_rig import GatewayRig, until
from laba.adapters.gateway.emulating import Emulation
from laba.dialects.native.writing import refuse
from laba.model.http import RequestHead
from laba.model.session import Told

pytestmark = pytest.mark.anyio

BODY = b'{"id":1,"connect":{"token":"ann"}}'
REQUEST = b"POST /connection/http_stream HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class EmulationRig(GatewayRig):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.emulation = Emulation(self.gateway, refuse)

    async def listening(self):
        """Open a stream; gives the client, and the names by which it says more."""
        peer = await self.connect()
        await peer.send(REQUEST)
        await peer.read_through(b"\r\n\r\n")
        welcome = json.loads(await peer.read_through(b"\n"))["connect"]
        return peer, {"session": welcome["session"], "node": welcome["node"]}

    async def say(self, body, media_type="application/json"):
        """Post a body; gives the status and the code of the refusal."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = RequestHead("POST", "/emulation", {}, {"content-type": media_type})
        response = await self.emulation.answer(head, content)
        return response.status, json.loads(response.body)["error"]["code"] if response.body else None


def ask(number):
    return json.dumps({"id": number, "rpc": {"method": "m"}})


async def test_commands_are_taken_at_once_and_answered_on_the_stream():
    """204: there is nothing to read in the answer."""
    async with EmulationRig().running() as rig:
        client, names = await rig.listening()
        rig.questions.answers["m"] = Told(0, b"[]")
        assert await rig.say({**names, "data": f"{ask(2)}\n{ask(3)}"}) == (204, None)
        for number in (2, 3):
            assert json.loads(await client.read_through(b"\n"))["id"] == number


async def test_a_session_that_is_not_there_is_404():
    """Unknown, ended, another node's, named by what everybody may know: npm's client then comes back anew."""
    async with EmulationRig().running() as rig:
        client, names = await rig.listening()
        for wrong in (
            {**names, "session": "0" * 32},
            {**names, "session": ""},
            {**names, "node": "elsewhere"},
            {"session": names["session"]},
        ):
            assert await rig.say({**wrong, "data": ask(2)}) == (404, "endpoint_unknown")
        client.sock.close()
        await until(lambda: not len(rig.gateway))
        assert await rig.say({**names, "data": ask(2)}) == (404, "endpoint_unknown")
        assert rig.questions.asked == []


async def test_a_body_that_is_none_is_400_and_ends_no_session():
    """In either form."""
    async with EmulationRig().running() as rig:
        await rig.listening()
        for body in (b"", b"rubbish", b"[]", {"session": 7}):
            assert await rig.say(body) == (400, "body_broken")
        assert await rig.say(b"\xff", "application/octet-stream") == (400, "body_broken")
        assert len(rig.roster) == 1


async def test_commands_that_are_none_end_the_session_they_name():
    """As they would over WebSocket; nobody else's."""
    async with EmulationRig().running() as rig:
        client, names = await rig.listening()
        await rig.listening()
        assert await rig.say({**names, "data": "rubbish"}) == (204, None)
        told = json.loads(await client.read_through(b"\n"))
        assert told["push"]["disconnect"]["code"] == 3501
        assert len(rig.roster) == 1


async def test_commands_have_the_size_of_a_message():
    """One byte more is 413, and the session goes on."""
    async with EmulationRig(limits={"message_bytes": 2000}).running() as rig:
        _, names = await rig.listening()
        command = ask(2)
        assert await rig.say({**names, "data": command + " " * (2000 - len(command))}) == (204, None)
        assert await rig.say({**names, "data": command + " " * (2001 - len(command))}) == (413, "body_too_large")
        assert len(rig.roster) == 1
        # Written as text within text, the largest commands still fit the endpoint's own bound.
        assert len(json.dumps({**names, "data": '"' * 2000})) <= rig.emulation.body_bytes


async def test_what_waits_behind_a_question_is_bounded():
    """429, and the client may say it again later."""
    async with EmulationRig().running() as rig:
        client, names = await rig.listening()
        rig.questions.answers["m"] = Told(0, b"[]")
        rig.questions.open.clear()
        answers = [await rig.say({**names, "data": ask(number)}) for number in range(1, 80)]
        assert answers == [(204, None)] * 65 + [(429, "quota_exhausted")] * 14
        rig.questions.open.set()
        for number in range(1, 66):
            assert json.loads(await client.read_through(b"\n"))["id"] == number
        assert await rig.say({**names, "data": ask(99)}) == (204, None)
