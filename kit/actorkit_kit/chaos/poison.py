"""Poison: events that end the process which consumes them. This is the actor's side; it runs in the actor's process."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from typing import Any, Final

from actorkit import Actor, Event
from actorkit.process.actor import load

#: The attribute of an event that says how it ends its process.
ATTRIBUTE: Final = "chaos-poison"
#: The variable that names the class of the actor to be poisoned; and where that is then loaded from.
VARIABLE: Final = "KIT_CHAOS_CLASS"
CLASS_PATH: Final = f"{__name__}:Poisoned"


def _exit() -> None:
    os._exit(9)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _raise() -> None:
    raise SystemExit(3)


def _block() -> None:
    while True:
        pass


#: How an event can end its process.
WAYS: Final[dict[str, Callable[[], None]]] = {"exit": _exit, "kill": _kill, "SystemExit": _raise, "loop": _block}


def poison_class(cls: type[Actor]) -> type[Actor]:
    """The class, but for events that are poison; one that consumes nothing of its own is left as it is."""
    original = cls.consume
    if original is Actor.consume:
        return cls

    class Poisoned(cls):  # type: ignore[misc,valid-type]  # a class that is only known here
        @functools.wraps(original)
        def consume(self, event: Any) -> Any:
            way = event.attributes.get(ATTRIBUTE) if isinstance(event, Event) else None
            if way is not None:
                WAYS[way]()
            return original(self, event)

    return Poisoned


def __getattr__(name: str) -> type[Actor]:
    if name == "Poisoned":
        return poison_class(load(os.environ[VARIABLE]))
    raise AttributeError(name)
