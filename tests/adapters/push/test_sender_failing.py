"""Services that speak no HTTP/2, and those to which there is no connection, each with its sentence (S8)."""

import asyncio
import ssl

import pytest

from http1_server import http1_serving
from laba.adapters.push.sender import _reason, trusting
from laba.model.http import HttpCall
from laba.ports.letters import CourierError
from push_ends import LONG_MS, callers, met, outcome, sending
from scripted_peer import peering

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet_loop")]

# --- where there is no HTTP/2 --------------------------------------------------------------------------------------


def echo(_method, path, headers, body):
    return 201, {"X-Path": path, "X-Name": headers.get("x-name", "")}, body


@pytest.mark.parametrize("tls", [True, False])
async def test_a_service_that_speaks_http_1_is_spoken_to_so(tls):
    async with http1_serving(echo, tls=tls) as server, sending(server.ca_file) as sender:
        call = HttpCall(f"{server.url}/a?b=c", b"hello", {"X-Name": "x"})
        replies = await asyncio.gather(*(sender.send(call, LONG_MS) for _ in range(5)))
        for reply in replies:
            assert (reply.status, reply.body) == (201, b"hello")
            assert (reply.headers["x-path"], reply.headers["x-name"]) == ("/a?b=c", "x")


async def test_having_spoken_http_1_to_one_service_it_speaks_http_2_to_others_as_before():
    async with http1_serving(echo) as old, peering() as peer, sending(old.ca_file, peer.ca_file) as sender:
        assert (await sender.send(HttpCall(f"{old.url}/a", b""), LONG_MS)).status == 201
        await met(sender, peer)


@pytest.mark.parametrize("target", ["?a=b", "/a b", "/é", "/a#fragment"])
async def test_a_url_that_cannot_be_sent_as_it_is_written_goes_the_other_way(target):
    async with http1_serving(echo) as server, sending(server.ca_file) as sender:
        reply = await sender.send(HttpCall(server.url + target, b""), LONG_MS)
        assert reply.status == 201
        assert "#" not in reply.headers["x-path"]
        assert sender._origins == {}


# --- why there is no connection ------------------------------------------------------------------------------------


async def sentence(sender, url):
    with pytest.raises(CourierError) as told_:
        await sender.send(HttpCall(url + "?secret=x", b""), LONG_MS)
    assert "secret" not in str(told_.value)
    return str(told_.value)


async def test_a_certificate_of_an_unknown_authority_is_not_trusted():
    async with peering() as peer, sending(None) as sender:
        said = await sentence(sender, f"https://{peer.host}/")
        assert said == "no answer: its certificate is not trusted: unable to get local issuer certificate"


async def test_a_certificate_that_has_ended_is_not_trusted():
    async with peering(days=-1) as peer, sending(peer.ca_file) as sender:
        said = await sentence(sender, f"https://{peer.host}/")
        assert said == "no answer: its certificate is not trusted: certificate has expired"


async def test_a_certificate_of_another_host_is_not_trusted():
    async with peering(address="127.0.0.2") as peer, sending(peer.ca_file) as sender:
        said = await sentence(sender, f"https://{peer.host}/")
        reason = "IP address mismatch, certificate is not valid for '127.0.0.1'."
        assert said == f"no answer: its certificate is not trusted: {reason}"


async def test_who_does_not_speak_tls_gives_no_secure_connection():
    async def serve(reader, writer):
        await reader.readexactly(1)
        writer.write(b"HTTP/1.1 400 No\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, sending(None) as sender:
        said = await sentence(sender, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert said == "no answer: no secure connection came about"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_where_nobody_listens_that_is_said_of_one_address_or_of_several(host):
    async with peering() as gone:
        pass
    async with sending(None) as sender:
        assert await sentence(sender, f"https://{host}:{gone.port}/") == "no answer: nobody listens there"


async def test_a_host_without_an_address_is_named_as_such():
    async with sending(None) as sender:
        assert await sentence(sender, "https://nothing.invalid/") == "no answer: its host has no address"


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:99999/", "https://[::1/", "https:///", "https://", "ftp://a/", ""]
)
async def test_a_url_that_cannot_be_called_has_no_answer(url):
    async with sending(None) as sender:
        assert await sentence(sender, url) == "no answer: the URL is none that can be called"


async def test_a_failure_is_told_to_all_who_wait_and_to_nobody_after():
    async with peering(days=-1) as peer, sending(peer.ca_file) as sender:
        async with callers(sender, peer, 5) as calling:
            assert len({await outcome(one) for one in calling}) == 1
        async with callers(sender, peer) as (calling,):
            assert "certificate has expired" in await outcome(calling)


def test_a_file_of_authorities_is_trusted_besides_the_systems(tmp_path):
    with pytest.raises(FileNotFoundError):
        trusting(tmp_path / "none.pem")
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ssl.SSLError):
        trusting(tmp_path / "empty.pem")
    assert trusting(None).verify_mode == ssl.CERT_REQUIRED
    assert trusting(None).check_hostname


def test_of_several_addresses_none_of_which_took_the_connection_the_same_is_said():
    """So both loops put what each address gave into one error without a number."""
    assert _reason(OSError("Multiple exceptions: [Errno 111] ..., [Errno 99] ...")) == "nobody listens there"
    assert _reason(OSError(101, "Network is unreachable")) == "Network is unreachable"
