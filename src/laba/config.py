"""Settings: frozen values from defaults, one TOML file, the environment and the command line, later ones winning.

The only reader of `os.environ`. Every key has its unit in its name, and its sentence and its bounds beside its
default: from these come the check, the commented file and the reference page.
"""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

PREFIX: Final = "LABA_"
HIGHEST: Final = 2**31 - 1
_LARGEST: Final = 10**15  # bytes
Value = bool | int | str | Path

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_BOOLEANS: Final = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_PUBLIC_URL: Final = r"(https?://[^\s/?#]+(/[^\s?#]*)?(?<!/))?"


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of one key: its default, its sentence, its bounds, and the option that also sets it."""

    default: Value
    help: str
    low: int = 0
    high: int = HIGHEST
    choices: tuple[str, ...] = ()
    pattern: str = ".*"
    expected: str = ""
    option: str = "the command line"

    def complaint(self, value: Value) -> str | None:
        """Say what is wrong with a value of the right type; None where nothing is."""
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            inside = self.low <= value <= self.high
            return None if inside else f"{value} is not between {self.low} and {self.high}"
        if self.choices:
            return None if value in self.choices else f"{str(value)!r} is none of {', '.join(self.choices)}"
        return None if re.fullmatch(self.pattern, str(value)) else f"{str(value)!r} will not do: {self.expected}"


def _key(default: Value, sentence: str, **bounds: Any) -> Any:
    return field(default=default, metadata={"key": Key(default, sentence, **bounds)})


@dataclass(frozen=True, slots=True)
class Section:
    """A section that exists keeps its bounds: ValueError otherwise."""

    def __post_init__(self) -> None:
        for name, key in _keys(type(self)).items():
            complaint = key.complaint(getattr(self, name))
            if complaint:
                raise ValueError(f"{name}: {complaint}")


def _keys(section: type[Section]) -> dict[str, Key]:
    return {row.name: row.metadata["key"] for row in fields(section)}


@dataclass(frozen=True, slots=True)
class Server(Section):
    """Where laba listens, and how long it is patient with callers."""

    host: str = _key(
        "0.0.0.0",  # noqa: S104 - a server is there to be reached
        "The address to listen on.",
        pattern=r"\S+",
        expected="name one address",
        option="--host",
    )
    port: int = _key(8080, "The port to listen on; 0 takes any free one.", high=65535, option="--port")
    public_url: str = _key(
        "",
        "The address that callers use, for the `uri` in answers; empty: from the Host header.",
        pattern=_PUBLIC_URL,
        expected="write https://HOST[:PORT][/PATH] without a slash at its end",
    )
    data_dir: Path = _key(  # noqa: RUF009 - a Path never changes
        Path("laba-data"),
        "The folder that holds the database, the files and the operator's socket; one process may use it.",
        pattern=r"[^\0\r\n]+",
        expected="name a folder",
        option="--data",
    )
    backlog: int = _key(4096, "Connections that may wait to be accepted; the kernel refuses more.", low=1, high=65535)
    header_seconds: int = _key(
        10, "Time for a request's header to arrive; then the connection is closed.", low=1, high=3600
    )
    header_limit_bytes: int = _key(16384, "Size of a request's header; more is answered 431.", low=1024, high=1048576)
    body_seconds: int = _key(
        30,
        "Time for a request's body to arrive, or for more to come of a file; then it is refused.",
        low=1,
        high=3600,
    )
    keep_alive_seconds: int = _key(75, "How long an idle HTTP connection is kept.", low=1, high=3600)
    drain_seconds: int = _key(10, "At shutdown, the time over which the closing of connections is spread.", high=3600)


@dataclass(frozen=True, slots=True)
class Gateway(Section):
    """The clients' connections."""

    max_connections: int = _key(
        0, "Client connections at once; more are refused. 0: as many as the process may open files, less 256."
    )
    max_handshakes: int = _key(16384, "Connections that may be open without a login; more are refused.", low=1)
    login_seconds: int = _key(30, "Time for a client to log in; then it is closed.", low=1, high=3600)
    ping_seconds: int = _key(45, "How often an idle client is pinged.", low=1, high=3600)
    pong_seconds: int = _key(60, "Time for a client to answer a ping; then it is closed.", low=1, high=3600)
    message_limit_bytes: int = _key(65536, "Size of one message from a client; more closes it.", low=1024)
    outbox_limit_bytes: int = _key(
        1048576, "What may wait to be sent to one client; more closes it as slow, and it catches up later.", low=1024
    )
    publishes_per_second: int = _key(
        20, "How many messages one client may send to rooms in a second; more are refused.", low=1, high=1000
    )
    unsent_limit_bytes: int = _key(32768, "What the kernel may hold unsent for one client.", low=1)
    slice_writes: int = _key(1024, "Writes to clients before anything else has a turn.", low=1, high=65536)
    io_uring: bool = _key(
        default=True, sentence="Write to many clients in one system call, where the kernel offers it."
    )


@dataclass(frozen=True, slots=True)
class Rooms(Section):
    """What a room holds for members who come back, and how much it may say when the server is under pressure."""

    history_seconds: int = _key(600, "How long a room's messages are kept for members who come back.", high=86400)
    history_limit_messages: int = _key(500, "How many messages of one room are kept; the oldest go first.", low=1)
    history_limit_bytes: int = _key(
        262144, "What the kept messages of one room may occupy; the oldest go first.", low=1024
    )
    budget_messages: int = _key(
        40, "How many messages of one room go out in each span while the server is under pressure.", low=1
    )
    budget_reserved: int = _key(20, "How many of them are reserved for messages of level high; at most all of them.")
    budget_span_ms: int = _key(200, "The span of a room's budget.", low=1, high=1000)


@dataclass(frozen=True, slots=True)
class Delivery(Section):
    """How long a client may be away and miss nothing."""

    window_seconds: int = _key(600, "How long messages are kept for catching up.", high=86400)
    window_limit_bytes: int = _key(
        67108864, "What the kept messages of one app may occupy; the oldest go first.", low=1024
    )
    window_limit_messages: int = _key(100000, "How many messages of one app are kept; the oldest go first.", low=1)
    resume_grace_seconds: int = _key(
        30, "A connection lost for no longer than this still counts as online.", high=86400
    )
    offline_days: int = _key(
        7, "How long a broadcast to all users waits for those who are offline; then it expires.", low=1, high=365
    )
    room_report_days: int = _key(7, "How long the counts of rooms are kept.", low=1, high=3650)


@dataclass(frozen=True, slots=True)
class Store(Section):
    """The database."""

    writes_waiting_limit: int = _key(
        10000, "Writes that may wait for the disk; more are answered `overloaded`.", low=1
    )


@dataclass(frozen=True, slots=True)
class Files(Section):
    """The files that messages speak of, kept in `server.data_dir`."""

    limit_bytes: int = _key(10485760, "Size of one file; more is answered 413.", low=1, high=_LARGEST)
    keep_days: int = _key(7, "Days until a file expires and is removed; 0: never.", high=36500)
    total_limit_bytes: int = _key(
        0, "What all files may hold together; then none is taken until others expire. 0: anything.", high=_LARGEST
    )
    max_uploads: int = _key(64, "Files taken in at once; more are answered `overloaded`.", low=1, high=65536)
    max_downloads: int = _key(256, "Files given out at once; more are answered `overloaded`.", low=1, high=65536)
    thumbnail_limit_pixels: int = _key(
        16000000,
        "Pixels of the largest image that gets a thumbnail; one at a time is drawn, in up to 20 bytes for each.",
        low=1,
    )


@dataclass(frozen=True, slots=True)
class Tokens(Section):
    """The tokens that laba issues."""

    app_ttl_seconds: int = _key(5184000, "How long an app token lives where the request says nothing; 0: for ever.")
    user_ttl_seconds: int = _key(5184000, "How long a user token lives where the request says nothing; 0: for ever.")
    register_on_login: bool = _key(
        default=True, sentence="Register a user at the first login with a token that the app signed itself."
    )


@dataclass(frozen=True, slots=True)
class Log(Section):
    """What laba writes about itself, to standard error."""

    level: str = _key("info", "The least severe event to write.", choices=("debug", "info", "warning", "error"))
    format: str = _key("auto", "Text or JSON; auto: text on a terminal.", choices=("auto", "text", "json"))


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. What the operator did not set has its default."""

    server: Server = Server()
    gateway: Gateway = Gateway()
    delivery: Delivery = Delivery()
    rooms: Rooms = Rooms()
    store: Store = Store()
    files: Files = Files()
    tokens: Tokens = Tokens()
    log: Log = Log()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `where` is `section.key` (or what stands in its place), `source` who said it."""

    where: str
    source: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where} (from {self.source}): {self.sentence}"


# --- reading -------------------------------------------------------------------------------------------------------

_SECTIONS: Final[Mapping[str, type[Section]]] = {
    "server": Server,
    "gateway": Gateway,
    "delivery": Delivery,
    "rooms": Rooms,
    "store": Store,
    "files": Files,
    "tokens": Tokens,
    "log": Log,
}
_KEYS: Final[Mapping[str, Key]] = {
    f"{name}.{key}": known for name, section in _SECTIONS.items() for key, known in _keys(section).items()
}


@dataclass(frozen=True, slots=True)
class _Said:
    """One value as its source has it. `worded` where it can only be text, as in the environment."""

    where: str
    source: str
    value: Any
    worded: bool = False

    def fault(self, sentence: str) -> Fault:
        return Fault(self.where, self.source, sentence)


def load(
    path: Path | None, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Value] | None = None
) -> Settings | tuple[Fault, ...]:
    """Read the settings, or give every fault there is, not only the first.

    Defaults yield to the file at `path`, that to `LABA_SECTION__KEY` in `environ` (the process's own where None),
    that to `overrides`, which are command-line options by `section.key`.
    """
    said = [*_from_file(path), *_from_environment(os.environ if environ is None else environ)]
    said += [_Said(where, _option(where), value) for where, value in (overrides or {}).items()]
    values: dict[str, Value] = {}
    faults: list[Fault] = []
    for one in said:
        judged = one if isinstance(one, Fault) else _judged(one)
        if isinstance(judged, Fault):
            faults.append(judged)
        else:
            values[one.where] = judged
    return tuple(faults) if faults else _settings(values)


def _settings(values: Mapping[str, Value]) -> Settings:
    sections: dict[str, Any] = {
        name: section(**{key: values[f"{name}.{key}"] for key in _keys(section) if f"{name}.{key}" in values})
        for name, section in _SECTIONS.items()
    }
    return Settings(**sections)


def _from_file(path: Path | None) -> Iterator[_Said | Fault]:
    if path is None:
        return
    source = str(path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        yield Fault("the file", source, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        yield Fault("the file", source, f"is not UTF-8 at byte {error.start}")
    except tomllib.TOMLDecodeError as error:
        yield Fault("the file", source, f"is not TOML: {error}")
    else:
        for section, members in table.items():
            if section not in _SECTIONS:
                yield Fault(section, source, _unknown("section", section, _SECTIONS))
            elif not isinstance(members, dict):
                yield Fault(section, source, f"is a section: write [{section}]")
            else:
                yield from (_Said(f"{section}.{key}", source, value) for key, value in members.items())


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Said | Fault]:
    for name in sorted(environ):
        section, mark, key = name.removeprefix(PREFIX).lower().partition("__")
        # Without the double underscore it is not ours: Kubernetes sets LABA_PORT for a service called laba.
        if not name.startswith(PREFIX) or not mark:
            continue
        if section not in _SECTIONS:
            yield Fault(f"{section}.{key}", name, _unknown("section", section, _SECTIONS))
        else:
            yield _Said(f"{section}.{key}", name, environ[name], worded=True)


def _judged(said: _Said) -> Value | Fault:
    key = _KEYS.get(said.where)
    if key is None:
        section, _, name = said.where.partition(".")
        return said.fault(_unknown("key", name, _keys(_SECTIONS[section])))
    wanted = type(key.default)
    value: Value = _worded(said.value, wanted) if said.worded else said.value
    if isinstance(key.default, Path) and isinstance(value, str):
        value = Path(value) if value else value
    elif type(value) is not wanted:  # isinstance would take True for a number
        return said.fault(f"{said.value!r} is not {_TYPE_NAMES[wanted]}")
    complaint = key.complaint(value)
    return said.fault(complaint) if complaint else value


_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    str: "text",
    type(Path()): "the name of a folder",
}


def _worded(text: str, wanted: type) -> Value:
    """Read a value from words; the text itself where it is no such value, for the type check to refuse."""
    if wanted is bool:
        return _BOOLEANS.get(text.lower(), text)
    if wanted is int and _INTEGER.fullmatch(text):
        return int(text)
    return text


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"there is no such {what}; did you mean {near[0]}?" if near else f"there is no such {what}"


def _option(where: str) -> str:
    key = _KEYS.get(where)
    return key.option if key else "the command line"


# --- writing -------------------------------------------------------------------------------------------------------


def default_config() -> str:
    """Give a TOML file that says the defaults, with a comment on every key."""
    lines = [
        "# Every setting of laba with its default. Each can also be set as LABA_SECTION__KEY in the environment."
    ]
    for name, section in _SECTIONS.items():
        lines += ["", f"# {_first_line(section)}", f"[{name}]"]
        for key, known in _keys(section).items():
            lines += [f"# {known.help}{_bounds(known)}", f"{key} = {_toml(known.default)}"]
    return "\n".join(lines) + "\n"


def reference() -> str:
    """Give every key as a Markdown table, for the reference page."""
    lines = ["| key | environment | default | meaning |", "|---|---|---|---|"]
    for where, key in _KEYS.items():
        variable = PREFIX + where.upper().replace(".", "__")
        lines.append(f"| `{where}` | `{variable}` | `{_toml(key.default)}` | {key.help}{_bounds(key)} |")
    return "\n".join(lines) + "\n"


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").partition("\n")[0]


def _bounds(key: Key) -> str:
    if key.choices:
        return f" One of: {', '.join(key.choices)}."
    if type(key.default) is not int:
        return ""
    return f" {key.low} to {key.high}." if key.high < HIGHEST else f" At least {key.low}."


def _toml(value: Value) -> str:
    return json.dumps(str(value) if isinstance(value, Path) else value)
