"""The Python front end: a graph built by calls, run in this one process, or given to `kit` as a topology file would be.

director = Director("orders")
web = director.register_actor(HTTPServer, "web", port=8080)
auth = director.register_actor(BasicAuth, "auth", users="alice:secret")
director.connect_queue(web, auth)
director.connect_error_queue(auth, web)
director.start()
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import logging
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import gevent
import zmq
from gevent.event import Event as Flag

from actorkit.actor import Actor
from actorkit.edge.peers import Peers
from actorkit.errors import ActorkitError
from actorkit.graph import BOX, BOX_RULE, NAME, NAME_RULE, Box, Connection, Options, connect, hidden
from actorkit.host.host import Host
from actorkit.mdp.thread import BrokerThread
from actorkit.publication import publications, publications_of
from actorkit.settings import DRAIN_TIMEOUT_S, Settings

#: The same when one of its actors has ended: what the others have there is finished by nobody.
CRASH_TIMEOUT_S: Final = 2.0

log = logging.getLogger("actorkit.director")
_directors = itertools.count(1)


class DirectorError(ActorkitError):
    """Raised when a graph cannot be built or run as asked."""


@dataclass(frozen=True)
class Node:
    """An actor of the graph, as the connecting calls take it. `called` is the name as it was given, with `_` or not: an
    outbox that leads to it and has no name is called so."""

    name: str
    cls: type[Actor]
    params: Mapping[str, Any] = field(default_factory=dict)
    called: str = ""


#: An end of a connection: an actor, or an actor and the name of its outbox or inbox.
End = Node | tuple[Node, str]


class Director:
    """Builds a graph of actors and runs it in one process.

    Sockets of the process are gevent's only if the program says so: call `gevent.monkey.patch_all()` first when actors
    use blocking libraries.
    """

    def __init__(self, name: str = "default", *, clear: bool = False) -> None:
        _check_name(name)
        self.name = name
        #: Whether edges and brokers may be without keys where `kit` deploys this graph.
        self.clear = clear
        #: The folder of the program that made this director; relative files in parameters are looked for there.
        self.base = Path(inspect.stack()[1].filename).resolve().parent
        self._nodes: dict[str, Node] = {}
        self._connections: list[Connection] = []
        self._log_node: Node | None = None
        self._error_node: Node | None = None
        self._broker: BrokerThread | None = None
        self._hosts: dict[str, Host] = {}
        self._stopped = Flag()

    def register_actor(self, cls: type[Actor] | str, name: str, **params: Any) -> Node:
        """Add an actor: a class, or the name by which an installed package publishes one.

        A `_` in its name becomes `-`, which is logged; outboxes that are called after it keep the `_`.

        Raises:
            DirectorError: the name is taken or no name, or not one package publishes such an actor.
        """
        called, name = name, name.replace("_", "-")
        _check_name(name)
        if called != name:
            log.info('the actor "%s" is called "%s": names of actors are names of hosts', called, name)
        cls = _class_of(cls) if isinstance(cls, str) else cls
        if name in self._nodes:
            raise DirectorError(f'there is an actor "{name}" already; names are unique')
        node = self._nodes[name] = Node(name, cls, params, called)
        return node

    def register_log_actor(self, cls: type[Actor] | str, name: str, **params: Any) -> Node:
        """Add an actor that gets what all others log."""
        self._log_node = self.register_actor(cls, name, **params)
        return self._log_node

    def register_error_actor(self, cls: type[Actor] | str, name: str, **params: Any) -> Node:
        """Add an actor that gets the failed events of every actor without an error connection of its own."""
        self._error_node = self.register_actor(cls, name, **params)
        return self._error_node

    def get_actor(self, name: str) -> Node | None:
        """The actor of that name, with `_` or `-`, or None."""
        return self._nodes.get(name.replace("_", "-"))

    def connect_queue(self, source: End, destinations: End | Sequence[End], **options: Any) -> None:
        """Connect an outbox to one inbox, or to several: each gets a copy. Options are those of a connection."""
        ends = destinations if isinstance(destinations, list) else [destinations]
        for destination in ends:
            self._connect(self._box(source), self._box(destination), Options(**options))

    def connect_error_queue(self, source: End, destination: End) -> None:
        """Connect the error outbox: what fails in the source goes there."""
        self._connect(Box(self._box(source).actor, "error"), self._box(destination))

    def connect_log_queue(self, source: End, destination: End) -> None:
        """Connect the log outbox: what the source logs goes there, as events."""
        self._connect(Box(self._box(source).actor, "log"), self._box(destination))

    def _connect(self, source: Box, destination: Box, options: Options | None = None) -> None:
        if wrong := hidden(source, destination):
            raise DirectorError(wrong)
        called = self._nodes[destination.actor].called
        made = connect(replace(source, box=called) if source.box is None else source, destination, options)
        if any(str(made) == str(one) for one in self._connections):
            raise DirectorError(f"{made} is connected already")
        self._connections.append(made)

    def _box(self, end: Any) -> Box:
        node, box = end if isinstance(end, tuple) and len(end) == 2 else (end, None)
        if not isinstance(node, Node) or self._nodes.get(node.name) is not node:
            raise DirectorError(
                f"{end!r} is no end of a connection; give what register_actor returned, or a pair of it and a box name"
            )
        if box is not None:
            _check_box(box)
        return Box(node.name, box)

    @property
    def connections(self) -> list[Connection]:
        """All connections, those to the log and the error actor included."""
        made = list(self._connections)
        for name in self._nodes:
            for kind, node in (("error", self._error_node), ("log", self._log_node)):
                own = any(one.source == name and one.outbox == kind for one in made)
                if node is not None and not own and node not in (self._nodes[name],) and not self._serves(name):
                    made.append(connect(Box(name, kind), Box(node.name)))
        return made

    def _serves(self, name: str) -> bool:
        """Whether that is the log or the error actor: they do not report to themselves or each other."""
        return any(node is not None and node.name == name for node in (self._log_node, self._error_node))

    def document(self) -> dict[str, Any]:
        """The same graph as a topology document, in the form that a topology file has.

        A broker is a process beside the graph there, with a log of its own: the connections that every actor has to
        the log and the error actor, it has in this process only.
        """
        actors = {}
        for node in self._nodes.values():
            path = class_path(node.cls)
            actors[node.name] = {"uses": path, "params": dict(node.params)}
            if not path.startswith("actorkit_actors.") and all(path != each.class_path for each in publications()):
                actors[node.name]["build"] = "."
        connections = [
            {
                "from": f"{one.source}.{one.outbox}",
                "to": f"{one.destination}.{one.inbox}",
                **{key: value for key, value in asdict(one.options).items() if value != asdict(Options())[key]},
            }
            for one in self.connections
            if one in self._connections or self._nodes[one.source].cls.handles_events()
        ]
        clear = {"clear": True} if self.clear else {}
        return {"name": self.name, "actors": actors, "connections": connections, **clear}

    # --- running ----------------------------------------------------------------------------------------------------

    def start(self, block: bool = True) -> None:
        """Start every actor, receivers before senders where the graph allows; with `block`, until `stop` or a signal.

        Raises:
            SettingsError: parameters are wrong. What an actor's `setup` raises comes through; nothing keeps running.
        """
        if self._hosts:
            raise DirectorError("the director is running already")
        self._stopped.clear()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        prefix = f"inproc://actorkit-{next(_directors)}-"
        try:
            brokers = self._start_brokers(prefix, context)
            others = [node for node in self._nodes.values() if node.name not in self._hosts]
            made = {node.name: Host(self._settings(node, prefix, brokers), node.cls, context) for node in others}
            self._hosts.update(made)
            for host in made.values():
                host.start()
        except BaseException:
            self.stop(0)
            raise
        if block:
            self.block()

    def _start_brokers(self, prefix: str, context: zmq.Context[zmq.Socket[bytes]]) -> tuple[str, ...]:
        """Start the brokers of the graph, or one of our own where actors need one; where they are reached."""
        found = []
        for node in self._nodes.values():
            if _is_broker(node):
                host = self._hosts[node.name] = Host(self._settings(node, prefix, ()), node.cls, context)
                host.start()
                found.append(str(host.actor.endpoint))  # type: ignore[attr-defined]  # IS_BROKER promises it
        if not found and any(node.cls.needs_broker(node.params) for node in self._nodes.values()):
            self._broker = BrokerThread()
            found.append(self._broker.start())
        return tuple(found)

    def _settings(self, node: Node, prefix: str, brokers: tuple[str, ...]) -> Settings:
        outboxes: dict[str, tuple[Peers, ...]] = {}
        for one in self.connections:
            if one.source == node.name:
                peers = Peers((prefix + one.destination,), one.inbox, one.options, one.destination)
                outboxes[one.outbox] = (*outboxes.get(one.outbox, ()), peers)
        return Settings(
            actor=node.name,
            class_path=class_path(node.cls),
            topology=self.name,
            params={name: self._resolve_file(value) for name, value in node.params.items()},
            instance=f"{node.name}-1",
            inbox=prefix + node.name if node.cls.consumes() else None,
            outboxes=outboxes,
            brokers=brokers,
            drain_timeout_s=DRAIN_TIMEOUT_S,
        )

    def _resolve_file(self, value: Any) -> Any:
        if isinstance(value, dict) and list(value) in (["file"], ["folder"]):
            return {form: str(self.base / path) for form, path in value.items()}
        return value

    def host(self, name: str) -> Host:
        """The running host of an actor: its counters, its readiness.

        Raises:
            KeyError: no such actor runs.
        """
        return self._hosts[name]

    def wait_ready(self, timeout_s: float = 10.0) -> None:
        """Wait until every actor can take work.

        Raises:
            DirectorError: one cannot in time; the message says which and why.
        """
        deadline = gevent.get_hub().loop.now() + timeout_s
        while missing := {name: host.why_not_ready() for name, host in self._hosts.items() if not host.ready}:
            if gevent.get_hub().loop.now() >= deadline:
                raise DirectorError("; ".join(f"{name}: {reason}" for name, reason in missing.items()))
            gevent.sleep(0.01)

    def block(self) -> None:
        """Wait until `stop` is called or SIGINT or SIGTERM comes; then stop. The signals are ours only meanwhile.

        Raises:
            DirectorError: an actor has ended for what nobody handles; the others are stopped.
        """
        flag = Flag()
        watchers = [gevent.signal_handler(number, flag.set) for number in (signal.SIGINT, signal.SIGTERM)]
        try:
            gevent.wait([flag, self._stopped, *(host.ended for host in self._hosts.values())], count=1)
        finally:
            for watcher in watchers:
                watcher.cancel()
        crashed = {name: host.crashed for name, host in self._hosts.items() if host.crashed is not None}
        self.stop(CRASH_TIMEOUT_S if crashed else DRAIN_TIMEOUT_S)
        for name, error in crashed.items():
            raise DirectorError(f'"{name}" has ended: {type(error).__name__}: {error}') from error

    def stop(self, timeout_s: float = DRAIN_TIMEOUT_S) -> bool:
        """Drain and stop every actor. Returns whether nothing was left unfinished; also when nothing was running."""
        hosts, self._hosts = self._hosts, {}
        ends = []
        for last in (False, True):  # Brokers end when nobody needs them any more.
            some = [host for name, host in hosts.items() if _is_broker(self._nodes[name]) is last]
            ends += [gevent.spawn(host.finish, timeout_s) for host in some]
            gevent.joinall(ends)
        if self._broker is not None:
            self._broker.stop()
            self._broker = None
        self._stopped.set()
        return all(end.value for end in ends)

    def is_running(self) -> bool:
        return bool(self._hosts)


def _is_broker(node: Node) -> bool:
    """Whether an actor is a broker: it is set up before the others, and then its `endpoint` says where it is."""
    return node.cls.IS_BROKER


def _class_of(published: str) -> type[Actor]:
    """Import the class that a package publishes by a name."""
    found = publications_of(published)
    if len(found) != 1:
        what = f"these publish it: {', '.join(map(str, found))}" if found else "no installed package publishes it"
        raise DirectorError(f'"{published}" is no name of one actor: {what}. Give the class')
    module, _, name = found[0].class_path.partition(":")
    cls: type[Actor] = getattr(importlib.import_module(module), name)
    return cls


def class_path(cls: type[Actor]) -> str:
    """`package.module:Class`; a class of the program itself is named by the program's file."""
    module = cls.__module__
    if module == "__main__":
        module = Path(inspect.getfile(cls)).stem
    return f"{module}:{cls.__qualname__}"


def _check_box(name: str) -> None:
    if not BOX.match(name):
        raise DirectorError(f'"{name}" is not a box; wanted: {BOX_RULE}')


def _check_name(name: str) -> None:
    if not NAME.match(name):
        raise DirectorError(f'"{name}" is not a name; wanted: {NAME_RULE}')
