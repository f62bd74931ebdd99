"""Listening sockets, and the server on them."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn

# Linux: linux/tcp.h. How many bytes may lie unsent in a socket before it stops taking more.
_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
# Linux: sizeof(sockaddr_un.sun_path), less the zero byte.
_UNIX_PATH_BYTES = 107
# How long requests under way may take once the server stops.
_SHUTDOWN_SECONDS = 5
# RFC 9110 section 5.6.7: a date has whole seconds.
_DATE_SECONDS = 1.0


def tcp_listener(host: str, port: int, backlog: int, unsent_limit_bytes: int) -> socket.socket:
    """Listen for everyone. Accepted connections inherit the bound on unsent bytes (design.md 6.5)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, unsent_limit_bytes)
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def operator_listener(path: Path) -> socket.socket:
    """Listen for the operator's own commands: a Unix socket that only this user can open."""
    if len(os.fsencode(path)) > _UNIX_PATH_BYTES:
        raise OSError(
            f"{path} is too long for a Unix socket ({_UNIX_PATH_BYTES} bytes): choose a shorter data folder"
        )
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen(64)
    return listener


class WebServer(uvicorn.Server):
    """uvicorn, told when to stop by us: the gateway lets its clients go first (design.md 6.7)."""

    def __init__(self, app: Any, http: Any, keep_alive_seconds: int) -> None:
        """Serve the ASGI `app`; `http` makes the protocol of each connection, and takes upgrades itself."""
        self._stopping = asyncio.Event()
        super().__init__(
            uvicorn.Config(
                app,
                http=http,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=keep_alive_seconds,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the assembly."""
        yield

    async def main_loop(self) -> None:
        """Keep the Date header right until told to stop. uvicorn's own loop wakes up ten times a second for that."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_DATE_SECONDS):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Let `serve` take no new connection, finish the requests under way, and return."""
        self.should_exit = True
        self._stopping.set()
