"""How a command reaches laba: through the server that runs on the data directory, or else by itself.

Either way it speaks the native dialect, as the operator: nobody has a private door (design.md section 9).
"""

import asyncio
import http.client
import socket
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import click
import msgspec

from laba.cli.parts import assembly
from laba.config import Settings
from laba.model.http import HttpResponse, RequestHead

SOCKET_NAME: Final = "laba.sock"
ANSWER_SECONDS: Final = 30
# A server that starts holds the directory a little before it answers on the socket.
START_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.1


def asked(
    settings: Settings,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
) -> Any:
    """Ask for something and give the answer's JSON; a refusal ends the command with its sentence."""
    return _understood(call(settings, _head(settings, method, path, query), _encoded(body)))


def looked_up(settings: Settings, path: str, query: Mapping[str, str]) -> Any:
    """Ask as `asked` does, with a query."""
    head = replace(_head(settings, "GET", path), query=query)
    return _understood(call(settings, head, b""))


def asked_of_server(settings: Settings, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask what only a running server can do."""
    response = call_server(settings, _head(settings, method, path), _encoded(body))
    if response is None:
        data = settings.server.data_dir
        raise click.ClickException(f"no laba runs on {data}; start one with: laba serve --data {data}")
    return _understood(response)


def app_path(name: str) -> str:
    return f"/v1/apps/{name}"


def call(settings: Settings, head: RequestHead, body: bytes, start_seconds: float = START_SECONDS) -> HttpResponse:
    """Give laba's answer. A directory whose holder does not answer is tried for `start_seconds`."""
    give_up_at = time.monotonic() + start_seconds
    while True:
        response = call_server(settings, head, body)
        if response is not None:
            return response
        try:
            return asyncio.run(_answered_here(settings, head, body))
        except assembly().DataDirLockedError as error:
            if time.monotonic() >= give_up_at:
                raise click.ClickException(
                    f"another process holds {settings.server.data_dir} and does not answer there; try again"
                ) from error
        except assembly().UnusableSettingError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"cannot use {settings.server.data_dir}: {error}") from error
        time.sleep(_PAUSE_SECONDS)


def call_server(settings: Settings, head: RequestHead, body: bytes) -> HttpResponse | None:
    """Give the running server's answer; None where none runs on the data directory."""
    with closing(_OfficeConnection(settings.server.data_dir / SOCKET_NAME)) as connection:
        try:
            connection.connect()
        except PermissionError as error:
            raise click.ClickException(
                f"the laba on {settings.server.data_dir} runs as another user; run this command as that user"
            ) from error
        except OSError:
            return None
        return _exchanged(connection, head, body)


class _OfficeConnection(http.client.HTTPConnection):
    """HTTP/1.1 over the operator's socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(str(self._path))


def _exchanged(connection: http.client.HTTPConnection, head: RequestHead, body: bytes) -> HttpResponse:
    target = quote(head.path) + (f"?{urlencode(head.query)}" if head.query else "")
    try:
        connection.request(head.method, target, body or None, dict(head.headers))
        response = connection.getresponse()
        content = response.read()
    except TimeoutError as error:
        raise click.ClickException(f"laba did not answer within {ANSWER_SECONDS} s; it may still do it") from error
    except (OSError, http.client.HTTPException) as error:
        raise click.ClickException(f"laba went away before it answered; it may have done it: {error!r}") from error
    headers = {name.lower(): value for name, value in response.getheaders()}
    return HttpResponse(response.status, content, headers.get("content-type", ""), headers)


async def _answered_here(settings: Settings, head: RequestHead, body: bytes) -> HttpResponse:
    async with assembly().office(settings) as answer:
        response: HttpResponse = await answer(head, body)
    return response


def _head(settings: Settings, method: str, path: str, query: Mapping[str, str] | None = None) -> RequestHead:
    base_url = settings.server.public_url or "http://localhost"
    headers = {"content-type": "application/json"}
    return RequestHead(method, path, query or {}, headers, base_url=base_url, operator=True)


def _encoded(body: dict[str, Any] | None) -> bytes:
    return b"" if body is None else msgspec.json.encode(body)


def _understood(response: HttpResponse) -> Any:
    """Read the answer; one that is no JSON of the native dialect comes from something that is not laba."""
    try:
        answer = msgspec.json.decode(response.body)
        if response.status < 400:
            return answer
        message = answer["error"]["message"]
    except (ValueError, TypeError, KeyError) as error:
        raise click.ClickException(f"an answer with status {response.status} that is not laba's") from error
    raise click.ClickException(message)
