"""The words of a topology's graph: boxes, connections, and how they are named.

An unnamed outbox is named after its destination, an unnamed inbox after its source; what comes from a reserved outbox
arrives in `error-SOURCE` or `log-SOURCE`. The topology file, the Director and the runtime all name through here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

#: The outbox that leads to the topology's dead-letter box. Nobody connects it: it follows from the topology.
DEAD_LETTERS: Final = "dead-letters"

#: Outboxes that every actor has and that a plain send never reaches.
RESERVED: Final = ("error", "log")

#: Names of topologies and actors are DNS labels (RFC 1123 §2.1), short enough for a prefix before them.
NAME: Final = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?\Z")

#: What a name looks like, for messages.
NAME_RULE: Final = "lower-case letters, digits and dashes, beginning with a letter, at most 40 characters"

#: Boxes are named so, and may have underscores: addresses of HTTP name them, and they are no names of hosts.
BOX: Final = re.compile(r"[a-z]([a-z0-9_-]{0,38}[a-z0-9])?\Z")

#: What the name of a box looks like, for messages.
BOX_RULE: Final = NAME_RULE.replace("digits and dashes", "digits, dashes and underscores")

Delivery = Literal["at-least-once", "at-most-once"]


@dataclass(frozen=True, order=True)
class Box:
    """`actor` or `actor.box`: one end of a connection."""

    actor: str
    box: str | None = None

    def __str__(self) -> str:
        return f"{self.actor}.{self.box}" if self.box else self.actor


@dataclass(frozen=True)
class Options:
    """How a connection behaves.

    window: how many events may be under way to one instance before it has consumed them.
    key: where in the event the value lies that keeps events together on one instance, as for `Event.lookup`.
    """

    delivery: Delivery = "at-least-once"
    window: int = 8192
    key: str = ""


@dataclass(frozen=True)
class Connection:
    """An edge: everything that `source` puts into `outbox` arrives in `inbox` of `destination`."""

    source: str
    outbox: str
    destination: str
    inbox: str
    options: Options = field(default_factory=Options)

    def __str__(self) -> str:
        return f"{self.source}.{self.outbox} -> {self.destination}.{self.inbox}"


def parse_box(text: str) -> Box:
    """Read `actor` or `actor.box`.

    Raises:
        ValueError: it is neither; the message says what was wanted.
    """
    actor, dot, box = text.strip().partition(".")
    if not NAME.match(actor):
        raise ValueError(f'"{text.strip()}" is not a box. Write actor or actor.box, each of {NAME_RULE}.')
    if dot and not BOX.match(box):
        raise ValueError(f'"{text.strip()}" is not a box. Write actor.box, the box of {BOX_RULE}.')
    return Box(actor, box or None)


def hidden(source: Box, destination: Box) -> str:
    """What is wrong with an outbox that has no name and would be called as a reserved one, since its destination is;
    nothing that is sent without a name would go there. "" for all others."""
    name = destination.actor
    if source.box is not None or name not in RESERVED:
        return ""
    what = "fails on" if name == "error" else "logs"
    message = f'"{source}.{name}" is what "{source}" {what}, and an outbox without a name is called as the actor that'
    return f'{message} it leads to. Name this one, "{source}.to-{name} -> {destination}", or call the actor otherwise.'


def connect(source: Box, destination: Box, options: Options | None = None) -> Connection:
    """Name the unnamed ends of a connection."""
    outbox = source.box or destination.actor
    inbox = destination.box or (f"{outbox}-{source.actor}" if outbox in RESERVED else source.actor)
    return Connection(source.actor, outbox, destination.actor, inbox, options or Options())


#: What the variables of outboxes begin with.
_VARIABLE: Final = "ACTORKIT_OUTBOX_"


def variable_of(outbox: str) -> str:
    """The environment variable that holds an outbox's peers: `to-order` → `ACTORKIT_OUTBOX_TO_ORDER`. An outbox with an
    underscore stands there as it is: `to_order` → `ACTORKIT_OUTBOX_to_order`."""
    return _VARIABLE + (outbox if "_" in outbox else outbox.upper().replace("-", "_"))


def outbox_of(variable: str) -> str:
    """The outbox whose peers stand in that variable; the way back from `variable_of`."""
    outbox = variable.removeprefix(_VARIABLE)
    return outbox if BOX.match(outbox) else outbox.lower().replace("_", "-")
