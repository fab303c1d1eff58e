"""What the console is told of a graph: its actors, its lines, where each is drawn, and where instances are asked.

`kit` writes it, and writes it anew where it changes; the console looks at the file before each round.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import msgspec

from actorkit.errors import UNREADABLE, SettingsError

log = logging.getLogger("actorkit.console")

#: Style of a line over which requests go, not events.
BROKER: Final = "broker"


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node of the graph.

    admin: `host:port` of admin servers; a name stands for each of its addresses. letters: the actor whose instances
    keep its dead letters, "" where there are none. at: the middle of its box, its width and its height, in points;
    None where it is not drawn.
    """

    name: str
    uses: str
    kind: str = "actor"
    replicas: int = 1
    begins: bool = False
    admin: tuple[str, ...] = ()
    letters: str = ""
    at: tuple[float, float, float, float] | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line between two actors: events from an outbox to an inbox, or requests for a service. way: the curve as SVG
    has it, "" where it is not drawn; at: where its numbers stand. alone: no other line begins in that outbox."""

    source: str
    destination: str
    outbox: str = ""
    inbox: str = ""
    service: str = ""
    label: str = ""
    style: str = "event"
    alone: bool = True
    way: str = ""
    at: tuple[float, float] = (0.0, 0.0)


class GraphPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A graph. deployment: what `kit` calls it with -d. size: of the picture, in points. no_picture: why there is none,
    and what to do."""

    topology: str
    actors: tuple[Actor, ...]
    lines: tuple[Line, ...] = ()
    deployment: str = ""
    size: tuple[float, float] = (0.0, 0.0)
    no_picture: str = ""


class PlanFile:
    """The plan in a file, read again where the file is another one."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            SettingsError: it cannot be read, or holds no plan.
        """
        self._path = path
        self._seen = self._stamp()
        self._plan = self._read()

    def __repr__(self) -> str:
        return f"<PlanFile {self._path}: {len(self._plan.actors)} actors of {self._plan.topology}>"

    def plan(self) -> GraphPlan:
        """The plan as the file has it now; the last one where it cannot be read any more."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._plan = self._read()
            except SettingsError as exc:
                log.warning("%s The console goes on with what it read before.", exc)
        return self._plan

    def _stamp(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _read(self) -> GraphPlan:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=GraphPlan)
        except OSError as exc:
            raise SettingsError(f'plan: "{self._path}" cannot be read: {exc.strerror}.') from exc
        except UNREADABLE as exc:
            raise SettingsError(f'plan: "{self._path}" holds no plan of kit: {exc}.') from exc
