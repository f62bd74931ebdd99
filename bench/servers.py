"""The servers that are measured: laba, and nginx with nchan where it is installed."""

import http.client
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laba.assembly import WEBSOCKET_PATH
from laba.dialects import offline
from laba.protocols.websocket import client_text_frame, upgrade_request
from processes import HOST, SERVER_CORE, BenchError, Caller, asked, free_port, places_for, server, wait_until

START_SECONDS = 60
# laba's shortest frame around a message is longer than the 204 bytes of design.md section 6.
TEXT = "Hello"
# The base64 form of 16 bytes; their value matters to nobody here.
KEY = "bGFiYSBpcyBhIGhvcm4hIQ=="
# No ping may fall into a measurement of anything else.
NO_PINGS = {"LABA_GATEWAY__PING_SECONDS": "3600"}
_COMMAND = [sys.executable, "-m", "laba"]


class Laba:
    """A running server with one app."""

    def __init__(self, port: int, pid: int, app: Mapping[str, Any]) -> None:
        self.port = port
        self.pid = pid
        self.app = app
        self._app_id: str = app["app_id"]
        self._certificate: str = app["app_certificate"]
        token = offline.app_token(self._app_id, self._certificate, issued_at=int(time.time()), salt=1)
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self._caller = Caller(port)

    def path(self, under: str) -> str:
        """Give the path of an endpoint under the app."""
        return f"/app-id/{self._app_id}{under}"

    def called(self, method: str, under: str, body: Mapping[str, Any]) -> Any:
        """Make a call on a connection of its own, as any thread may, and give its answer."""
        status, answer = asked(self.port, method, self.path(under), json.dumps(body), self.headers)
        if status != http.client.OK:
            raise BenchError(f"{method} {under} was answered {status}: {answer.decode()}")
        return json.loads(answer)

    def request(self, method: str, under: str, body: Mapping[str, Any]) -> bytes:
        """Give the bytes of a call."""
        content = json.dumps(body)
        headers = {"Host": f"{HOST}:{self.port}", "Content-Length": str(len(content)), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {self.path(under)} HTTP/1.1\r\n{lines}\r\n{content}".encode()

    def metric(self, name: str) -> float:
        """Give what a metric stands at; 0 where it has not been counted yet. Labels belong to its name."""
        _, answer = asked(self.port, "GET", "/metrics")
        lines = (line.rpartition(" ") for line in answer.decode().splitlines())
        return next((float(value) for found, _, value in lines if found == name), 0.0)

    def broadcast(self, sender: str = "admin") -> None:
        body = json.dumps({"from": sender, "msg": {"type": "txt", "msg": TEXT}})
        path = self.path("/messages/users/broadcast")
        status, answer = self._caller.asked("POST", path, body, self.headers)
        if status != http.client.OK:
            raise BenchError(f"the broadcast was answered {status}: {answer.decode()}")

    def logins(self) -> int:
        return int(self.metric("laba_logins_total"))

    def client(self, user: str) -> bytes:
        """Give all that a client says to log in, in one go."""
        token = offline.user_token(self._app_id, self._certificate, user, issued_at=int(time.time()), salt=1)
        login = json.dumps({"id": 1, "connect": {"token": token}}).encode()
        return opening(self.port, WEBSOCKET_PATH) + framed(login)


def framed(said: bytes) -> bytes:
    """Give what a client says as a frame."""
    frame: bytes = client_text_frame(said, b"laba")
    return frame


def opening(port: int, path: str) -> bytes:
    """Give a client's request for WebSocket."""
    request: bytes = upgrade_request(f"{HOST}:{port}", path, KEY)
    return request


def create_app(data: Path) -> dict[str, Any]:
    """Create the bench's app, in a data directory with or without a server on it."""
    create = ["app", "create", "bench/live", "--enable", "users_broadcast", "--unlimited", "--json"]
    created = subprocess.run([*_COMMAND, *create, "--data", str(data)], check=True, capture_output=True)
    app: dict[str, Any] = json.loads(created.stdout)
    return app


def let_push(data: Path) -> None:
    """Switch pushes on for the bench's app."""
    command = [*_COMMAND, "app", "set", "bench/live", "push=on", "--data", str(data)]
    changed = subprocess.run(command, check=False, capture_output=True, text=True)
    if changed.returncode:
        raise BenchError(f"pushes could not be switched on: {changed.stderr}")


@contextmanager
def serving(data: Path, app: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Laba]:
    """Start laba on a data directory that has this app; beside it lies what it logs."""
    port, log = free_port(), data.with_suffix(".log")
    command = [*_COMMAND, "serve", "--host", HOST, "--port", str(port), "--data", str(data)]
    with server(command, log, {"LABA_SERVER__DRAIN_SECONDS": "0", **environment}) as process:
        wait_until(lambda: _is_ready(port) or process.poll() is not None, START_SECONDS, "laba did not start")
        if process.poll() is not None:
            raise BenchError(f"laba ended at its start:\n{log.read_text()}")
        yield Laba(port, process.pid, app)


def _is_ready(port: int) -> bool:
    try:
        return asked(port, "GET", "/ready")[0] == http.client.OK
    except OSError:
        return False


# --- nchan ---------------------------------------------------------------------------------------------------------

_NCHAN = """
load_module {module};
daemon off;
pid nginx.pid;
worker_processes 1;
worker_cpu_affinity {mask:b};
worker_rlimit_nofile {places};
events {{ worker_connections {places}; }}
http {{
    access_log off;
    server {{
        listen {host}:{port} backlog=4096;
        location = /publish {{ nchan_publisher http; nchan_channel_id all; nchan_store_messages off; }}
        location = /subscribe {{ nchan_subscriber websocket; nchan_channel_id all; nchan_websocket_ping_interval 0; }}
        location = /status {{ nchan_stub_status; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nchan:
    """nginx with nchan: one worker, one channel, nothing stored."""

    port: int
    pid: int
    version: str
    caller: Caller

    def publish(self, length: int) -> None:
        """Have every subscriber sent a frame of this length: of 126 bytes and more, 4 are its head."""
        status, answer = self.caller.asked("POST", "/publish", "x" * (length - 4))
        if status not in (http.client.OK, http.client.CREATED, http.client.ACCEPTED):
            raise BenchError(f"nchan answered {status}: {answer.decode()}")


def _nginx() -> str:
    # Not everybody's PATH has the folder where it usually lies.
    return shutil.which("nginx") or "/usr/sbin/nginx"


def nchan_module() -> Path | None:
    """Find the module of an nginx that is installed; None where there is none."""
    if shutil.which(_nginx()) is None:
        return None
    built = subprocess.run([_nginx(), "-V"], check=True, capture_output=True, text=True).stderr
    folder = re.search(r"--modules-path=(\S+)", built)
    module = Path(folder[1]) / "ngx_nchan_module.so" if folder else None
    return module if module is not None and module.exists() else None


@contextmanager
def nchan_serving(folder: Path, module: Path, connections: int) -> Iterator[Nchan]:
    """Start nginx of its own in `folder`, ready for so many clients."""
    folder.mkdir()
    port, config = free_port(), folder / "nginx.conf"
    config.write_text(
        _NCHAN.format(module=module, mask=1 << SERVER_CORE, places=places_for(connections), host=HOST, port=port)
    )
    command = [_nginx(), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    with server(command, folder / "output.log", {}) as master:
        wait_until(lambda: _status(port) != "" or master.poll() is not None, START_SECONDS, "nginx did not start")
        if master.poll() is not None:
            raise BenchError(f"nginx ended at its start:\n{(folder / 'error.log').read_text()}")
        worker = Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()[0]
        version = re.search(r"nchan version: (\S+)", _status(port))
        yield Nchan(port, int(worker), version[1] if version else "unknown", Caller(port))


def _status(port: int) -> str:
    try:
        return asked(port, "GET", "/status")[1].decode()
    except OSError:
        return ""
