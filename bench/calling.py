"""How many calls are accepted in a second, asked by `wrk`."""

import json
import re
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from measuring import cpu_ns
from processes import CLIENT_CORE, HOST, BenchError
from rooms import created, joined, joining, members, register_owner, say
from servers import NO_PINGS, Laba, create_app, serving

CONNECTIONS = 32
MEMBERS = 10
_SCRIPT = """
wrk.method = "POST"
wrk.body = [[{body}]]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "{authorization}"
done = function(summary, latency)
  local failed = summary.errors
  io.write(string.format("told %d %d %d %d %d\\n", summary.requests, summary.duration,
    failed.status + failed.read + failed.write + failed.timeout + failed.connect,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """Calls that were accepted, over so many connections; `us` is CPU of the server for each."""

    what: str
    per_second: float
    us: float
    p50_ms: float
    p99_ms: float


def answers(folder: Path, seconds: float, console: Console) -> tuple[Answers, ...]:
    """Send to a room without members, and to one with ten; nothing where wrk is not installed."""
    if shutil.which("wrk") is None:
        console.print("wrk is not installed here: calls are left out.")
        return ()
    console.print("Calls by wrk ...")
    folder.mkdir()
    data = folder / "data"
    with ExitStack() as stack:
        server = stack.enter_context(serving(data, create_app(data), NO_PINGS))
        register_owner(server)
        empty, small = created(server, "empty"), created(server, "small")
        sayings = [part for at in range(MEMBERS) for part in joining(server, f"member-{at}", (small,))]
        stack.enter_context(members(server, sayings, [say(server, (small,), 1, MEMBERS)], joined(1), folder))
        return tuple(
            _asked(server, room_id, what, seconds, folder)
            for room_id, what in ((empty, "a room without members"), (small, f"a room of {MEMBERS}"))
        )


def _asked(server: Laba, room_id: str, what: str, seconds: float, folder: Path) -> Answers:
    script = folder / "calls.lua"
    body = json.dumps({"from": "admin", "to": [room_id], "type": "txt", "body": {"msg": "Hello"}})
    script.write_text(_SCRIPT.format(body=body, authorization=server.headers["Authorization"]))
    url = f"http://{HOST}:{server.port}{server.path('/messages/chatrooms')}"
    command = ["taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
    spent = cpu_ns(server.pid)
    said = subprocess.run([*command, "-s", str(script), url], check=True, capture_output=True, text=True).stdout
    spent = cpu_ns(server.pid) - spent
    told = re.search(r"told (\d+) (\d+) (\d+) (\d+) (\d+)", said)
    if told is None or int(told[3]):
        raise BenchError(f"not every call was accepted:\n{said}")
    calls, took_us, _, p50_us, p99_us = map(int, told.groups())
    return Answers(what, calls / (took_us / 1e6), spent / 1000 / calls, p50_us / 1000, p99_us / 1000)
