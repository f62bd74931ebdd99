"""Every key: its unit in its name, its sentence and its bounds beside its default."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from laba.config.keys import Key, Section, key, keys

LARGEST: Final = 10**15  # bytes
PUBLIC_URL: Final = r"(https?://[^\s/?#]+(/[^\s?#]*)?(?<!/))?"


@dataclass(frozen=True, slots=True)
class Server(Section):
    """Where laba listens, and how long it is patient with callers."""

    host: str = key(
        "0.0.0.0",  # noqa: S104 - a server is there to be reached
        "The address to listen on.",
        pattern=r"\S+",
        expected="name one address",
        option="--host",
    )
    port: int = key(8080, "The port to listen on; 0 takes any free one.", high=65535, option="--port")
    public_url: str = key(
        "",
        "The address that callers use, for the `uri` in answers; empty: from the Host header.",
        pattern=PUBLIC_URL,
        expected="write https://HOST[:PORT][/PATH] without a slash at its end",
    )
    data_dir: Path = key(  # noqa: RUF009 - a Path never changes
        Path("laba-data"),
        "The folder that holds the database, the files and the operator's socket; one process may use it.",
        pattern=r"[^\0\r\n]+",
        expected="name a folder",
        option="--data",
    )
    backlog: int = key(4096, "Connections that may wait to be accepted; the kernel refuses more.", low=1, high=65535)
    header_seconds: int = key(
        10, "Time for a request's header to arrive; then the connection is closed.", low=1, high=3600
    )
    header_limit_bytes: int = key(16384, "Size of a request's header; more is answered 431.", low=1024, high=1048576)
    body_seconds: int = key(
        30,
        "Time for a request's body to arrive, or for more to come of a file; then it is refused.",
        low=1,
        high=3600,
    )
    keep_alive_seconds: int = key(75, "How long an idle HTTP connection is kept.", low=1, high=3600)
    drain_seconds: int = key(10, "At shutdown, the time over which the closing of connections is spread.", high=3600)


@dataclass(frozen=True, slots=True)
class Gateway(Section):
    """The clients' connections."""

    max_connections: int = key(
        0, "Client connections at once; more are refused. 0: as many as the process may open files, less 256."
    )
    max_handshakes: int = key(16384, "Connections that may be open without a login; more are refused.", low=1)
    login_seconds: int = key(30, "Time for a client to log in; then it is closed.", low=1, high=3600)
    ping_seconds: int = key(45, "How often an idle client is pinged.", low=1, high=3600)
    pong_seconds: int = key(60, "Time for a client to answer a ping; then it is closed.", low=1, high=3600)
    message_limit_bytes: int = key(65536, "Size of one message from a client; more closes it.", low=1024)
    outbox_limit_bytes: int = key(
        1048576, "What may wait to be sent to one client; more closes it as slow, and it catches up later.", low=1024
    )
    publishes_per_second: int = key(
        20, "How many messages one client may send to rooms in a second; more are refused.", low=1, high=1000
    )
    unsent_limit_bytes: int = key(32768, "What the kernel may hold unsent for one client.", low=1)
    slice_writes: int = key(1024, "Writes to clients before anything else has a turn.", low=1, high=65536)
    io_uring: bool = key(
        default=True, sentence="Write to many clients in one system call, where the kernel offers it."
    )


@dataclass(frozen=True, slots=True)
class Rooms(Section):
    """What a room holds for members who come back, and how much it may say when the server is under pressure."""

    history_seconds: int = key(600, "How long a room's messages are kept for members who come back.", high=86400)
    history_limit_messages: int = key(500, "How many messages of one room are kept; the oldest go first.", low=1)
    history_limit_bytes: int = key(
        262144, "What the kept messages of one room may occupy; the oldest go first.", low=1024
    )
    budget_messages: int = key(
        40, "How many messages of one room go out in each span while the server is under pressure.", low=1
    )
    budget_reserved: int = key(20, "How many of them are reserved for messages of level high; at most all of them.")
    budget_span_ms: int = key(200, "The span of a room's budget.", low=1, high=1000)


@dataclass(frozen=True, slots=True)
class Delivery(Section):
    """How long a client may be away and miss nothing."""

    window_seconds: int = key(
        600, "How long messages are kept for catching up, and for whoever comes within that time.", high=86400
    )
    window_limit_bytes: int = key(
        67108864, "What the kept messages of one app may occupy; the oldest go first.", low=1024
    )
    window_limit_messages: int = key(100000, "How many messages of one app are kept; the oldest go first.", low=1)
    resume_grace_seconds: int = key(
        30, "A connection lost for no longer than this still counts as online.", high=86400
    )
    offline_days: int = key(
        7,
        "How long what is for all or for chosen users waits for those who are offline; then it expires.",
        low=1,
        high=365,
    )
    room_report_days: int = key(7, "How long the counts of rooms are kept.", low=1, high=3650)
    duplicate_seconds: int = key(
        600, "How long a client id is remembered: a resent message that bears it is not sent again.", high=86400
    )
    duplicates_limit: int = key(
        200000, "How many client ids are remembered for all apps together; the oldest go first.", low=1
    )


@dataclass(frozen=True, slots=True)
class Store(Section):
    """The database."""

    writes_waiting_limit: int = key(
        10000, "Writes that may wait for the disk; more are answered `overloaded`.", low=1
    )


@dataclass(frozen=True, slots=True)
class Callbacks(Section):
    """What the apps' own servers are told, and how patient laba is with them."""

    timeout_ms: int = key(5000, "Time for a receiver to answer; then it is tried again.", low=1, high=60000)
    longest_wait_seconds: int = key(
        60,
        "The longest time between two attempts; the first wait is a second, and each twice as long.",
        low=1,
        high=86400,
    )
    give_up_seconds: int = key(
        3600, "How long one event is tried; then it is a dead letter, and the next has its turn.", low=1
    )
    waiting_limit: int = key(
        100000, "Events that may wait for one receiver; at more the oldest become dead letters.", low=1
    )
    dead_days: int = key(7, "How long dead letters are kept.", low=1, high=3650)
    max_receivers: int = key(64, "Receivers that are told something at once; others wait.", low=1, high=4096)


@dataclass(frozen=True, slots=True)
class Moderation(Section):
    """The checker that judges texts of apps whose feature `text_check` is on, by Yidun's text-check protocol."""

    url: str = key(
        "",
        "The address of the checker's text check, such as https://as.dun.163.com/v5/text/check; empty: none.",
        pattern=r"(https?://[^\s/?#]+(/[^\s?#]*)?)?",
        expected="write https://HOST[:PORT]/PATH",
    )
    secret_id: str = key(
        "", "The id with which laba is known to the checker.", pattern=r"\S*", expected="it has no spaces"
    )
    secret_key: str = key(
        "",
        "The key with which calls of the checker are signed.",
        pattern=r"\S*",
        expected="it has no spaces",
        secret=True,
    )
    business_id: str = key(
        "",
        "The business whose rules hold, where a message names no other.",
        pattern=r"\S*",
        expected="it has no spaces",
    )
    timeout_ms: int = key(1000, "Time for the checker to answer; a caller waits for it.", low=1, high=60000)
    max_checks: int = key(256, "Texts that are being judged at once; more count as failed.", low=1, high=65536)
    on_failure: str = key(
        "pass", "What becomes of a message on which the checker gave no answer.", choices=("pass", "reject")
    )


@dataclass(frozen=True, slots=True)
class Push(Section):
    """Pushes to devices through the services of others; their credentials are each app's own."""

    timeout_ms: int = key(10000, "Time for a service to answer; then the device is tried again.", low=1, high=60000)
    max_connections: int = key(4, "Connections to one service at once, each with many pushes.", low=1, high=64)
    max_streams: int = key(
        500,
        "Devices of one provider that are pushed to at once; and twice, at most, after a crash.",
        low=1,
        high=10000,
    )
    ramp_seconds: int = key(
        60, "Time for a provider with a rate to come to it after an idle time, from a tenth.", high=3600
    )
    web_hosts: str = key(
        "fcm.googleapis.com,jmt17.google.com,*.push.services.mozilla.com,*.notify.windows.com,*.push.apple.com",
        "The push services that a browser's subscription may name: hosts, with a port where it is not 443.",
        pattern=r"(\*\.)?[A-Za-z0-9.-]+(:[0-9]+)?(,(\*\.)?[A-Za-z0-9.-]+(:[0-9]+)?)*",
        expected="write host names with commas between them; *. stands for any name before the rest",
    )
    ca_file: str = key(
        "",
        "A file of certificates (PEM) to trust beside the system's, for services behind a proxy; empty: none.",
        pattern=r"[^\0\r\n]*",
        expected="name a file",
    )


@dataclass(frozen=True, slots=True)
class Files(Section):
    """The files that messages speak of, kept in `server.data_dir`."""

    limit_bytes: int = key(10485760, "Size of one file; more is answered 413.", low=1, high=LARGEST)
    keep_days: int = key(7, "Days until a file expires and is removed; 0: never.", high=36500)
    total_limit_bytes: int = key(
        0, "What all files may hold together; then none is taken until others expire. 0: anything.", high=LARGEST
    )
    max_uploads: int = key(64, "Files taken in at once; more are answered `overloaded`.", low=1, high=65536)
    max_downloads: int = key(256, "Files given out at once; more are answered `overloaded`.", low=1, high=65536)
    thumbnail_limit_pixels: int = key(
        16000000,
        "Pixels of the largest image that gets a thumbnail; one at a time is drawn, in up to 20 bytes for each.",
        low=1,
    )


@dataclass(frozen=True, slots=True)
class Tokens(Section):
    """The tokens that laba issues."""

    app_ttl_seconds: int = key(5184000, "How long an app token lives where the request says nothing; 0: for ever.")
    user_ttl_seconds: int = key(5184000, "How long a user token lives where the request says nothing; 0: for ever.")
    register_on_login: bool = key(
        default=True, sentence="Register a user at the first login with a token that the app signed itself."
    )


@dataclass(frozen=True, slots=True)
class RongCloud(Section):
    """What differs between the versions of RongCloud's API."""

    feature_off_status: int = key(
        403, "The HTTP status beside code 1009, service not enabled: 403, or the newer 430.", low=400, high=499
    )


@dataclass(frozen=True, slots=True)
class Log(Section):
    """What laba writes about itself, to standard error."""

    level: str = key("info", "The least severe event to write.", choices=("debug", "info", "warning", "error"))
    format: str = key("auto", "Text or JSON; auto: text on a terminal.", choices=("auto", "text", "json"))


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. What the operator did not set has its default."""

    server: Server = Server()
    gateway: Gateway = Gateway()
    delivery: Delivery = Delivery()
    rooms: Rooms = Rooms()
    store: Store = Store()
    files: Files = Files()
    callbacks: Callbacks = Callbacks()
    moderation: Moderation = Moderation()
    push: Push = Push()
    tokens: Tokens = Tokens()
    rongcloud: RongCloud = RongCloud()
    log: Log = Log()


SECTIONS: Final[Mapping[str, type[Section]]] = {
    "server": Server,
    "gateway": Gateway,
    "delivery": Delivery,
    "rooms": Rooms,
    "store": Store,
    "files": Files,
    "callbacks": Callbacks,
    "moderation": Moderation,
    "push": Push,
    "tokens": Tokens,
    "rongcloud": RongCloud,
    "log": Log,
}
KEYS: Final[Mapping[str, Key]] = {
    f"{name}.{key}": known for name, section in SECTIONS.items() for key, known in keys(section).items()
}
