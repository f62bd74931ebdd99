"""Fakes of the services that push to devices: Apple's, Google's and a browser's.

As a program of its own it is Apple's, for the bench: see `python tests/push_services.py apns --help`. When it listens
it has written the credentials file and prints its name. It answers GET /stats at the `stats_url` in that file, and
prints the same counts as JSON when it is told to end.
"""

import argparse
import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from fake_apns import CountingApns, FakeApns
from fake_fcm import FakeFcm
from fake_webpush import FakeWebPush
from fast_http2 import fast_http2_serving
from http1_server import http1_serving


@asynccontextmanager
async def _running(fake, serving):
    async with serving as server:
        fake.server, fake.url, fake.ca_file = server, server.url, server.ca_file
        yield fake


def _served(handle, http, port):
    return (fast_http2_serving if http == "2" else http1_serving)(handle, port)


@asynccontextmanager
async def apns_serving(*, port=0, through=fast_http2_serving, **how):
    """Run an APNs; `how` are its fields. `through` is the server, called with the handler and the port."""
    fake = FakeApns(**how)
    async with _running(fake, through(fake.handle, port)):
        yield fake


@asynccontextmanager
async def fcm_serving(*, http="2", port=0, **how):
    """Run an FCM over HTTP "2" or "1.1"; `how` are its fields."""
    fake = FakeFcm(**how)
    async with _running(fake, _served(fake.handle, http, port)):
        yield fake


@asynccontextmanager
async def web_push_serving(*, http="2", port=0, **how):
    """Run a browser's push service over HTTP "2" or "1.1"; `how` are its fields."""
    fake = FakeWebPush(**how)
    async with _running(fake, _served(fake.handle, http, port)):
        yield fake


def _write_credentials(file, apns, stats_url):
    """Write them whole or not at all: who waits for the file may read it when it is there."""
    credentials = {
        "url": apns.url,
        "ca_file": apns.ca_file,
        "team_id": apns.team_id,
        "key_id": apns.key_id,
        "key": apns.key,
        "topic": apns.topic,
        "stats_url": stats_url,
    }
    passing = file.with_suffix(".part")
    passing.write_text(json.dumps(credentials, indent=2))
    passing.replace(file)


class Kept(FakeApns):
    """One that keeps every push, and counts them by token when it is asked."""

    def stats(self):
        ids = {}
        for push in self.pushes:
            ids.setdefault(push.token, []).append(push.headers.get("apns-collapse-id", ""))
        repeats = [[token, len(each), len(set(each))] for token, each in ids.items() if len(each) > 1]
        counts = {"pushes": len(self.pushes), "per_token_repeats": repeats, "accepted_tokens": len(ids)}
        return counts | {"connections": self.connections, "requests": len(self.attempts)}


async def _run(asked, file):
    moods = {"dead_every": asked.dead_every, "busy_every": asked.busy_every, "busy_offset": asked.busy_offset}
    apns = (CountingApns if asked.fast else Kept)(
        topics=(asked.topic,), updates_allowed=asked.updates_allowed, **(moods if asked.fast else {})
    )

    def tell(method, path, headers, body):
        if (method, path) != ("GET", "/stats"):
            return 404, {}, b""
        return 200, {"Content-Type": "application/json"}, json.dumps(apns.stats()).encode()

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    serving = fast_http2_serving(apns.handle, asked.port, folder=file.parent)
    async with _running(apns, serving), http1_serving(tell, asked.stats_port, tls=False) as telling:
        _write_credentials(file, apns, f"{telling.url}/stats")
        sys.stdout.write(f"{file}\n")
        sys.stdout.flush()
        await ended.wait()
        sys.stdout.write(json.dumps(apns.stats()) + "\n")


def _asked():
    parser = argparse.ArgumentParser(description="An APNs for the bench.")
    parser.add_argument("service", choices=["apns"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stats-port", type=int, default=0, help="of plain HTTP, for GET /stats")
    parser.add_argument("--credentials-file", required=True, help="is written; ca.pem and server.pem lie beside it")
    parser.add_argument("--topic", default="com.example.app")
    parser.add_argument("--updates-allowed", type=int, default=1, help="JWTs that may come within 20 minutes")
    parser.add_argument("--fast", action="store_true", help="keep counts only")
    parser.add_argument("--dead-every", type=int, default=0)
    parser.add_argument("--busy-every", type=int, default=0)
    parser.add_argument("--busy-offset", type=int, default=1)
    asked = parser.parse_args()
    if not asked.fast and (asked.dead_every or asked.busy_every):
        parser.error("--dead-every and --busy-every are of --fast")
    return asked


if __name__ == "__main__":
    import uvloop

    given = _asked()
    uvloop.run(_run(given, Path(given.credentials_file).absolute()))
