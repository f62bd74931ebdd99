"""Write docs/reference/ from the code: run by `make docs`; tests/test_docs.py fails where a page is not what this gives."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import click

from laba import config
from laba.adapters.gateway.wires import HTTP_STREAM_PATH, SSE_PATH, UNI_SSE_PATH, WEBSOCKET_PATH
from laba.adapters.telemetry import COUNTERS, GAUGES
from laba.assembly import EMULATION_PATH, PULL_PATH
from laba.cli import main
from laba.dialects.easemob import endpoints as easemob
from laba.dialects.easemob.errors import DAY_FULL, MESSAGES_FULL, OF_ENDPOINT, WORDS
from laba.dialects.native import claiming as native
from laba.dialects.native.writing import STATUS
from laba.dialects.neroom import endpoints as neroom
from laba.dialects.neroom import errors as neroom_errors
from laba.dialects.rongcloud import endpoints as rongcloud
from laba.dialects.rongcloud import errors as rongcloud_errors
from laba.dialects.rongcloud.types import BUILT_IN, DOCUMENTED
from laba.model.app import DEFAULT_FEATURES, DEFAULT_QUOTAS, Feature, QuotaName
from laba.model.calls import Endpoint
from laba.model.closing import Closing
from laba.model.flags import Flags
from laba.model.refusal import Code
from laba.model.session import Denial, Ending

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py from the code; change the code, then run `make docs`. -->\n"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(head), ["---"] * len(list(head)), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def endpoints() -> str:
    def rows(table_: Iterable[Endpoint], prefixes: str) -> Iterable[tuple[str, ...]]:
        for row in table_:
            body = ", ".join(row.media_types) or "none"
            limit = f"{row.body_limit_bytes:,}" if row.media_types else ""
            limit = "`files.limit_bytes`" if row.streamed else limit
            yield row.method, f"`{row.pattern}`", row.right.value, body, limit, prefixes

    head = ("method", "path", "who may call", "body", "at most bytes")
    return (
        "# Endpoints\n\n"
        "One port serves all of them. A body over its limit is refused without being read whole.\n\n"
        "## Easemob and Agora Chat\n\n"
        "Each path stands under `/app-id/{app_id}` and under `/{org_name}/{app_name}`.\n\n"
        + table(head, (row[:5] for row in rows(easemob.ENDPOINTS, "")))
        + "\n`/chatfiles` takes `multipart/form-data` with one part `file`; the headers `restrict-access`, `thumbnail-width` and\n"
        "`thumbnail-height`, or the query's, say more. `/chatfiles/{uuid}` takes `share-secret` and `thumbnail` likewise, and\n"
        "`Range`, `If-Range` and `If-None-Match`.\n" + "\n## RongCloud\n\n"
        "Signed by the app's `app_key` and `app_secret`: the headers `App-Key`, `Nonce`, `Timestamp` and `Signature`, or the same\n"
        "names behind `RC-`. [Moving from RongCloud](../moving-rongcloud.md) says what each call does.\n\n"
        + table(
            ("method", "path", "body", "at most bytes"),
            ((row[0], row[1], row[3], row[4]) for row in rows(rongcloud.ENDPOINTS, "")),
        )
        + "\n## NetEase NERoom and IM\n\n"
        "Signed by the app's `app_key` and `app_secret`: the headers `AppKey`, `Nonce`, `CurTime` and `CheckSum`. Every answer has the\n"
        "HTTP status 200, under `/neroom/`, `/nimserver/` and `/im/v2` also where nothing is served. [Moving from NetEase](../moving-netease.md)\n"
        "says what each call does.\n\n"
        + table(
            ("method", "path", "body", "at most bytes"),
            ((row[0], row[1], row[3], row[4]) for row in rows(neroom.ENDPOINTS, "")),
        )
        + "\n## laba's own\n\n"
        "*operator*: only through the socket in the data directory, which `laba`'s own commands use.\n\n"
        + table(head, (row[:5] for row in rows(native.ENDPOINTS, "")))
        + "\n## The server itself\n\n"
        + table(
            ("method", "path", "answer"),
            (
                ("GET", "`/health`", "200 while the process runs"),
                ("GET", "`/ready`", "200, or 503 while it stops"),
                ("GET", "`/metrics`", "Prometheus text ([metrics](metrics.md))"),
                ("GET", f"`{WEBSOCKET_PATH}`", "WebSocket for clients ([clients](clients.md))"),
                ("POST", f"`{HTTP_STREAM_PATH}`", "a stream of JSON lines or Protobuf for clients"),
                ("GET, POST", f"`{SSE_PATH}`", "server-sent events for clients"),
                ("POST", f"`{EMULATION_PATH}`", "204; what a client of these two says later"),
                ("GET, POST", f"`{UNI_SSE_PATH}`", "server-sent events for clients that only listen"),
                ("GET", f"`{PULL_PATH}`", "a client's messages as JSON, with its token as bearer"),
            ),
        )
    )


def errors() -> str:
    rows = [
        (f"`{code}`", words.status, f"`{words.error}`", words.description.replace("{", "<").replace("}", ">"))
        for code in Code
        for words in [WORDS[code]]
    ]
    exceptions = [
        (
            f"`{code}`",
            f"`{endpoint}`",
            words.status,
            f"`{words.error}`",
            words.description.replace("{", "<").replace("}", ">"),
        )
        for (endpoint, code), words in OF_ENDPOINT.items()
    ]
    return (
        "# Refusals\n\n"
        "Every reason for which laba says no, in each dialect's words. A refused call has done nothing, and has taken\n"
        "nothing from a quota. laba adds `field` (the member at fault) and `detail` (what is wrong with it) to the\n"
        "vendor's members, and a `Retry-After` header where waiting helps.\n\n"
        "## Easemob and Agora Chat\n\n"
        + table(("code", "status", "error", "error_description"), rows)
        + f"\nA full quota of a day or longer is {DAY_FULL.status} `{DAY_FULL.error}`, {DAY_FULL.description} (A3, V1); a full\n"
        f"`room_messages` is {MESSAGES_FULL.status} `{MESSAGES_FULL.error}`, {MESSAGES_FULL.description}, however long its\n"
        "span is, and a full `room_calls` or `directed_calls` is as above (E3). Where more than one of them is full, the\n"
        "calls are told.\n\n"
        "Where an endpoint has words of its own:\n\n"
        + table(("code", "endpoint", "status", "error", "error_description"), exceptions)
        + "\nThe vendor's pages give no words for `method_wrong`, `body_too_large` (its `error`), `body_timeout`,\n"
        "`overloaded`, `grant_unknown`, `password_too_long`, `user_deactivated`, `users_too_many` (but for a batch's status), `operator_only`, `app_exists`, `room_exists`, `owner_stays`, `target_unserved`, `file_secret_wrong` and `range_unsatisfiable`, nor\n"
        "the `exception` of anything but 401: those are laba's.\n\n"
        "## RongCloud\n\n"
        '`{"url": PATH, "code": NUMBER, "errorMessage": TEXT}`; the text names the field at fault and says what is wrong with\n'
        "it. The vendor's pages pair few codes with a status: the rest is laba's choice. The status beside 1009 is\n"
        "`rongcloud.feature_off_status`. A call to a feature that is off does take from the quota `online_broadcast` (R2).\n\n"
        + table(
            ("code", "status", "vendor's code"),
            ((f"`{code}`", words.status, words.code) for code in Code for words in [rongcloud_errors.WORDS[code]]),
        )
        + "\n## NetEase NERoom and IM\n\n"
        'Always HTTP 200. NERoom: `{"code", "msg", "ts", "request_id", "cost"}`; `/nimserver/`: `{"code", "desc"}`; `/im/v2`: `{"code", "msg",\n'
        "\"data\"}`. The text names the field at fault. 0, 400 and 1004 are the vendor's own (seeds/003), as is the IM platform's list; what goes\n"
        "with which of laba's reasons is laba's choice.\n\n"
        + table(
            ("code", "NERoom's code", "its msg", "IM code"),
            (
                (f"`{code}`", words.code, words.message.replace("{reason}", "<reason>"), words.im_code)
                for code in Code
                for words in [neroom_errors.WORDS[code]]
            ),
        )
        + "\n## laba's own\n\n"
        '`{"error": {"code": CODE, "message": SENTENCE, "field": MEMBER}}`, `field` where one is at fault.\n\n'
        + table(("code", "status"), ((f"`{code}`", STATUS[code]) for code in Code))
    )


def types() -> str:
    """List RongCloud's message types, as P10 and seeds/004 have them."""

    def marks(flags: Flags) -> tuple[str, ...]:
        held = (flags.stored, flags.counted, flags.offline, flags.pushed)
        return tuple("yes" if one else "-" for one in held)

    properties = ("stored", "counted", "offline", "pushed")
    return (
        "# RongCloud's message types\n\n"
        "What a type does: *stored*, it is in the conversation list; *counted*, it is unread until it is read; *offline*, it waits for\n"
        "who is not there; *pushed*, a provider push may tell of it. `kind` is what a client of laba sees it as\n"
        "([a message](../clients.md#a-message)).\n\n"
        "## Checked by their shape\n\n"
        + table(
            ("objectName", *properties, "kind", "members, required ones marked !", "default push text"),
            (
                (
                    f"`{name}`",
                    *marks(one.flags),
                    f"`{one.kind}`",
                    " ".join(f"`{member.name}`" + "!" * member.required for member in one.members),
                    one.push_text or "none",
                )
                for name, one in BUILT_IN.items()
            ),
        )
        + "\n## Taken with any JSON object\n\n"
        "The other names that the vendor documents; a client sees them as `custom`. Their properties are unverified but for those\n"
        "of the vendor's own list of types.\n\n"
        + table(("objectName", *properties), ((f"`{name}`", *marks(flags)) for name, flags in DOCUMENTED.items()))
        + "\nAny other name that begins with `RC:` is refused. A type of your own has all four properties until you say otherwise:\n"
        "`laba app set ORG/APP type.NAME=stored,counted` ([commands](commands.md)).\n"
    )


def clients() -> str:
    return (
        "# Client protocol\n\n"
        "[Clients](../clients.md) shows how to use each.\n\n"
        + table(
            ("path", "what it speaks"),
            (
                (f"`{WEBSOCKET_PATH}`", "the Centrifuge client protocol v2 over WebSocket, in JSON and Protobuf"),
                (
                    f"`{HTTP_STREAM_PATH}`",
                    f"the same over an HTTP response that does not end, with `{EMULATION_PATH}`",
                ),
                (f"`{SSE_PATH}`", f"the same over server-sent events, in JSON, with `{EMULATION_PATH}`"),
                (f"`{UNI_SSE_PATH}`", "its unidirectional form over server-sent events, in JSON"),
                (f"`{PULL_PATH}`", "messages by request, in JSON"),
            ),
        )
        + "\nWhere there is no WebSocket to close, its code and reason come as the protocol's `disconnect` push, and the\n"
        "response ends. A pull is answered with an HTTP status.\n\n"
        "## Close codes\n\n"
        "The code alone tells a client's SDK whether to come back.\n\n"
        + table(
            ("code", "reason", "the client may reconnect"),
            ((one.code, one.reason, "yes" if one.may_reconnect else "no") for one in Closing),
        )
        + "\n## Errors of single commands\n\nThe session goes on.\n\n"
        + table(("code", "message"), ((one.code, one.reason) for one in Denial))
        + "\n## Ends of a room's subscription\n\nThe session goes on, and the SDK does not subscribe again by itself.\n\n"
        + table(("code", "reason"), ((one.code, one.reason) for one in Ending))
    )


def metrics() -> str:
    def rows(kind: str, named: Mapping[str, tuple[str, tuple[str, ...]]]) -> Iterable[tuple[str, ...]]:
        for name, (text, labels) in named.items():
            yield f"`{name}`", kind, ", ".join(labels), text

    return "# Metrics\n\n`GET /metrics`, in Prometheus' text format.\n\n" + table(
        ("name", "kind", "labels", "meaning"), [*rows("counter", COUNTERS), *rows("gauge", GAUGES)]
    )


def features() -> str:
    return (
        "# Features and quotas\n\n"
        "`laba app set ORG/APP FEATURE=on|off quota.NAME=SPANS development=on|off` changes them while the server runs.\n"
        "A quota is `unlimited`, or spans joined by commas (`1/minute,50/day`, `40/2seconds`). Spans slide, and a day\n"
        "is 24 hours. `neroom_broadcast` can be set already, and acts as its endpoints arrive. `room_cap` makes the budgets\n"
        "of rooms (`rooms.budget_messages` in the configuration) bind at all times, not only while the server is under\n"
        "pressure. `signature_time` refuses signed calls whose time is more than five minutes off, `signature_once` also\n"
        "those that come a second time: leave it off for back ends that sign once and use that for every call, as one\n"
        "official SDK does. `push` counts pushes and broadcasts to all users together; `room_notices` counts messages to all\n"
        "chatrooms by RongCloud's path, `system_messages` recipients of messages to named users, `recalls` what is withdrawn.\n\n"
        + table(
            ("feature", "at first"), ((f"`{one}`", "on" if one in DEFAULT_FEATURES else "off") for one in Feature)
        )
        + "\n"
        + table(("quota", "at first"), ((f"`{one}`", DEFAULT_QUOTAS[one]) for one in QuotaName))
    )


def configuration() -> str:
    return (
        "# Configuration\n\n"
        "Defaults, then the TOML file of `--config`, then the environment (`LABA_SECTION__KEY`), then options: later ones\n"
        "win. `laba default-config` prints a commented file, `laba check-config` names every fault at once.\n\n"
        + config.reference()
    )


def commands() -> str:
    parts = ["# Commands\n\nWhat `--help` prints.\n"]
    for path, command in walk("laba", main):
        context = click.Context(
            command, info_name=path, max_content_width=100, terminal_width=100, **main.context_settings
        )
        parts.append(f"\n## {path}\n\n```text\n{command.get_help(context)}\n```\n")
    return "".join(parts)


def walk(path: str, command: click.Command) -> Iterable[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from walk(f"{path} {name}", command.commands[name])


PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "endpoints.md": endpoints,
        "errors.md": errors,
        "rongcloud-types.md": types,
        "clients.md": clients,
        "metrics.md": metrics,
        "features.md": features,
        "configuration.md": configuration,
        "commands.md": commands,
    }
)


def pages() -> Mapping[str, str]:
    """Give every page by its file name."""
    return {name: NOTE + write() for name, write in PAGES.items()}


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
