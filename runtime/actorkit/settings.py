"""The environment of a process, read once into a frozen value.

`docs/environment.md` is the table of these variables for people; a test holds the two together.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from actorkit.edge.peers import Peers
from actorkit.errors import UNREADABLE, SettingsError
from actorkit.graph import NAME, NAME_RULE, outbox_of
from actorkit.observe.otlp import TraceOptions
from actorkit.transport.endpoint import REGISTRY, Endpoint
from actorkit.transport.own_name import own_name

#: Longest time from SIGTERM to the end of a process that is told nothing else, in seconds.
DRAIN_TIMEOUT_S: Final = 20.0
#: Events that a source may have unfinished when it is told nothing else.
SOURCE_WINDOW: Final = 16_384
#: One trace of so many is recorded where a collector is named and nothing else is said: a power of two, so that a mask
#: tells which.
SAMPLE_EVERY: Final = 1024
#: What `package.module:Class` looks like.
CLASS_PATH: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*\Z")

#: variable → (wanted, example or default, meaning); the whole contract but `ACTORKIT_OUTBOX_*`.
VARIABLES: Final[dict[str, tuple[str, str]]] = {
    "ACTORKIT_TOPOLOGY": ("default", "name of the topology, for labels and logs"),
    "ACTORKIT_ACTOR": ("", "name of the actor; required"),
    "ACTORKIT_CLASS": ("", "class, `package.module:Class`, that the actor is made of; required"),
    "ACTORKIT_CODE": (
        "none",
        "folder with the author's modules, which come after all others on the path",
    ),
    "ACTORKIT_PARAMS": ("{}", 'parameters as a JSON object; `{"file": path}` stands for a file\'s content'),
    "ACTORKIT_PARAMS_FILE": (
        "none",
        "file with the parameters, in the place of `ACTORKIT_PARAMS`: a variable holds at most 128 KiB",
    ),
    "ACTORKIT_INSTANCE": (
        "host name and process id",
        "name of this instance, different for each replica; `@dns`: the name that the DNS has for its address, without "
        "the topology before it",
    ),
    "ACTORKIT_INBOX": ("none", "endpoint to bind for incoming events: `tcp://*:5550` or `ipc:///path`"),
    "ACTORKIT_BROKERS": (
        "none",
        "endpoints of the brokers, separated by blanks; every address of a name is used. `registry+` before one: that "
        "of a registration service, which lists brokers; a broker announces itself there",
    ),
    "ACTORKIT_MAY_BE_ABSENT": (
        "none",
        "actors, separated by blanks, that may have no instance: connections to them keep nobody from being ready",
    ),
    "ACTORKIT_KEYS": ("none", "file with the topology's CURVE keys; without it edges are in the clear"),
    "ACTORKIT_ADMIN": (
        "none",
        "`host:port` of the admin server: /metrics, /healthz, /readyz, /scale, /graph, /recent, /letters, /log, /tap, "
        "/put, /dlq",
    ),
    "ACTORKIT_ADMIN_TOKEN": (
        "none",
        "file with the token that /log, /tap, /put and /dlq want; an instance that finds none there makes one. Without "
        "it those pages are closed",
    ),
    "ACTORKIT_SAMPLE": (
        "0",
        "one trace of so many is recorded for /recent, the same ones in every instance: a power of two; 0: none. Where "
        f"a collector of traces is named: {SAMPLE_EVERY}",
    ),
    "ACTORKIT_SOURCE_WINDOW": (str(SOURCE_WINDOW), "events that a source may have unfinished in the whole topology"),
    "ACTORKIT_DEAD_LETTERS": ("none", "folder for events that failed where no error outbox takes them"),
    "ACTORKIT_INBOXES": (
        "none",
        "where `kit dlq retry` sends letters: `ACTOR=` and a connection as in `ACTORKIT_OUTBOX_*`, separated by blanks",
    ),
    "ACTORKIT_DRAIN_TIMEOUT_S": (f"{DRAIN_TIMEOUT_S:g}", "longest time from SIGTERM to the end, in seconds"),
    "ACTORKIT_SECRET_HEADERS": (
        "none",
        "names of more header fields that hold credentials, separated by blanks; no dead letter and no log shows them",
    ),
    "ACTORKIT_LOG_FORMAT": ("text", "`text` or `json`"),
    "ACTORKIT_LOG_LEVEL": ("info", "`debug`, `info`, `warning` or `error`"),
}

#: An instance's name that stands for the one that the DNS has for it.
FROM_DNS: Final = "@dns"
#: A header field's name: RFC 9110 §5.1.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")


@dataclass(frozen=True)
class Settings:
    """Everything that a process is told from outside."""

    actor: str
    class_path: str
    topology: str = "default"
    code: Path | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    instance: str = ""
    inbox: str | None = None
    outboxes: Mapping[str, tuple[Peers, ...]] = field(default_factory=dict)
    brokers: tuple[str, ...] = ()
    #: Actors that may have no instance at times; what is for them waits until they have one.
    may_be_absent: frozenset[str] = frozenset()
    keys: Path | None = None
    admin: Endpoint | None = None
    admin_token: Path | None = None
    #: One trace of so many is recorded; 0: none.
    sample_every: int = 0
    #: Where spans of traces go; None: nowhere.
    traces: TraceOptions | None = None
    source_window: int = SOURCE_WINDOW
    dead_letters: Path | None = None
    #: (actor, connection to one of its inboxes), for letters that are sent again.
    inboxes: tuple[tuple[str, Peers], ...] = ()
    drain_timeout_s: float = DRAIN_TIMEOUT_S
    secret_headers: tuple[str, ...] = ()
    log_format: str = "text"
    log_level: str = "info"


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: a variable is missing, unknown or wrong; the message names it and says what was wanted.
    """
    for name in environ:
        if name.startswith("ACTORKIT_") and name not in VARIABLES and not name.startswith("ACTORKIT_OUTBOX_"):
            raise SettingsError(f"{name} is not a setting. There are: {', '.join(VARIABLES)}, ACTORKIT_OUTBOX_<NAME>.")
    reader = _Reader(environ)
    traces = reader.traces()
    return Settings(
        actor=reader.name("ACTORKIT_ACTOR"),
        class_path=reader.matching("ACTORKIT_CLASS", CLASS_PATH, "package.module:Class"),
        topology=reader.name("ACTORKIT_TOPOLOGY", "default"),
        code=reader.path("ACTORKIT_CODE"),
        params=reader.params(),
        instance=_instance(environ),
        inbox=reader.endpoint("ACTORKIT_INBOX"),
        outboxes=reader.outboxes(),
        brokers=reader.endpoints("ACTORKIT_BROKERS", REGISTRY),
        may_be_absent=reader.names("ACTORKIT_MAY_BE_ABSENT"),
        keys=reader.path("ACTORKIT_KEYS"),
        admin=reader.address("ACTORKIT_ADMIN"),
        admin_token=reader.path("ACTORKIT_ADMIN_TOKEN"),
        sample_every=reader.power_of_two("ACTORKIT_SAMPLE", SAMPLE_EVERY if traces is not None else 0),
        traces=traces,
        source_window=int(reader.number("ACTORKIT_SOURCE_WINDOW", SOURCE_WINDOW, least=1)),
        dead_letters=reader.path("ACTORKIT_DEAD_LETTERS"),
        inboxes=reader.inboxes("ACTORKIT_INBOXES"),
        secret_headers=reader.header_names("ACTORKIT_SECRET_HEADERS"),
        drain_timeout_s=reader.number("ACTORKIT_DRAIN_TIMEOUT_S", DRAIN_TIMEOUT_S, least=0),
        log_format=reader.choice("ACTORKIT_LOG_FORMAT", ("text", "json")),
        log_level=reader.choice("ACTORKIT_LOG_LEVEL", ("info", "debug", "warning", "error")),
    )


def _instance(environ: Mapping[str, str]) -> str:
    """The name of this instance. Compose names containers TOPOLOGY-ACTOR-NUMBER, and tells only the DNS."""
    given = environ.get("ACTORKIT_INSTANCE", "")
    if given == FROM_DNS:
        given = own_name().removeprefix(f"{environ.get('ACTORKIT_TOPOLOGY', 'default')}-")
    return given or f"{socket.gethostname()}-{os.getpid()}"


class _Reader:
    """Reads variables of one environment and words the complaints."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def name(self, variable: str, default: str | None = None) -> str:
        return self.matching(variable, NAME, NAME_RULE, default)

    def names(self, variable: str) -> frozenset[str]:
        found = self._environ.get(variable, "").split()
        wrong = next((name for name in found if not NAME.match(name)), None)
        if wrong is not None:
            raise SettingsError(f'{variable} names "{wrong}"; wanted: names of actors, separated by blanks.')
        return frozenset(found)

    def matching(self, variable: str, pattern: re.Pattern[str], wanted: str, default: str | None = None) -> str:
        value = self._environ.get(variable, default)
        if value is None:
            meaning = VARIABLES[variable][1].removesuffix("; required")
            raise SettingsError(f"{variable} is not set. Set it to the {meaning}.")
        if not pattern.match(value):
            raise SettingsError(f'{variable} is "{value}"; wanted: {wanted}.')
        return value

    def params(self) -> dict[str, Any]:
        path = self.path("ACTORKIT_PARAMS_FILE")
        if path is None:
            return self.json_object("ACTORKIT_PARAMS", self._environ.get("ACTORKIT_PARAMS", "{}"))
        if "ACTORKIT_PARAMS" in self._environ:
            raise SettingsError("ACTORKIT_PARAMS and ACTORKIT_PARAMS_FILE are both set. Set one of them.")
        try:
            content = path.read_bytes()
        except OSError as exc:
            raise SettingsError(f'ACTORKIT_PARAMS_FILE: "{path}" cannot be read: {exc.strerror}.') from exc
        return self.json_object("ACTORKIT_PARAMS_FILE", content)

    def json_object(self, variable: str, content: str | bytes) -> dict[str, Any]:
        try:
            return msgspec.json.decode(content, type=dict[str, Any])
        except UNREADABLE as exc:
            raise SettingsError(f"{variable} is not a JSON object: {exc}.") from exc

    def endpoint(self, variable: str) -> str | None:
        found = self.endpoints(variable)
        if len(found) > 1:
            raise SettingsError(f'{variable} is "{self._environ[variable]}"; wanted: one endpoint.')
        return found[0] if found else None

    def endpoints(self, variable: str, prefix: str = "") -> tuple[str, ...]:
        """Endpoints, each of which may have the prefix."""
        found = tuple(self._environ.get(variable, "").split())
        try:
            for endpoint in found:
                Endpoint.parse(endpoint.removeprefix(prefix))
        except ValueError as exc:
            raise SettingsError(f"{variable}: {exc}") from exc
        return found

    def header_names(self, variable: str) -> tuple[str, ...]:
        found = tuple(self._environ.get(variable, "").split())
        wrong = next((name for name in found if not _HEADER.match(name)), "")
        if wrong:
            raise SettingsError(f'{variable} names "{wrong}"; wanted: names of header fields, as x-api-key.')
        return found

    def path(self, variable: str) -> Path | None:
        value = self._environ.get(variable)
        return Path(value) if value else None

    def outboxes(self) -> dict[str, tuple[Peers, ...]]:
        found = {}
        for variable, value in sorted(self._environ.items()):
            if variable.startswith("ACTORKIT_OUTBOX_"):
                try:
                    found[outbox_of(variable)] = tuple(Peers.parse(part) for part in value.split())
                except ValueError as exc:
                    raise SettingsError(f"{variable}: {exc}") from exc
        return found

    def inboxes(self, variable: str) -> tuple[tuple[str, Peers], ...]:
        found = []
        for entry in self._environ.get(variable, "").split():
            actor, _, connection = entry.partition("=")
            if not NAME.match(actor):
                raise SettingsError(f'{variable} names "{actor}"; wanted: ACTOR=tcp://host:5550#inbox.')
            try:
                found.append((actor, Peers.parse(connection)))
            except ValueError as exc:
                raise SettingsError(f"{variable}: {exc}") from exc
        return tuple(found)

    def address(self, variable: str) -> Endpoint | None:
        value = self._environ.get(variable)
        if not value:
            return None
        try:
            return Endpoint.of_address(value)
        except ValueError as exc:
            raise SettingsError(f'{variable} is "{value}"; wanted: host:port, as 0.0.0.0:9600.') from exc

    def number(self, variable: str, default: float, least: float) -> float:
        value = self._environ.get(variable)
        if value is None:
            return default
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not least <= number < float("inf"):
            raise SettingsError(f'{variable} is "{value}"; wanted: a number, {least:g} or more.')
        return number

    def traces(self) -> TraceOptions | None:
        try:
            return TraceOptions.read(self._environ)
        except ValueError as exc:
            raise SettingsError(str(exc)) from exc

    def power_of_two(self, variable: str, default: int) -> int:
        value = self._environ.get(variable, str(default))
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else -1
        if number < 0 or number & (number - 1) or number > 1 << 32:
            raise SettingsError(f'{variable} is "{value}"; wanted: a power of two, as 1024, or 0 for none.')
        return number

    def choice(self, variable: str, choices: tuple[str, ...]) -> str:
        value = self._environ.get(variable, choices[0])
        if value not in choices:
            raise SettingsError(f'{variable} is "{value}"; wanted: one of {", ".join(choices)}.')
        return value
