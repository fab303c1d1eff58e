"""What a class must be for an instance of it to run: found before it is started."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

from actorkit.actor import Actor

#: Method → the arguments that it is called with, beside the actor itself.
METHODS: Final = {"consume": ("event",), "produce": (), "setup": (), "drain": (), "teardown": ()}


def faults(cls: type[Actor]) -> Iterator[str]:
    """Everything that a start would stumble over, each with what to do."""
    if _does_nothing(cls):
        todo = "Write consume(self, event), or produce(self) for a source."
        yield f'"{cls.__name__}" has neither consume nor produce. {todo}'
    yield from _own_init(cls)
    for name, arguments in METHODS.items():
        if getattr(cls, name) is not getattr(Actor, name):
            yield from _method(cls, name, arguments)


def _does_nothing(cls: type[Actor]) -> bool:
    """Whether nothing happens in it: it takes no events, makes none, listens nowhere, and has no setup of its own."""
    return not (cls.consumes() or cls.produces() or cls.LISTENS or cls.USES_BROKER or cls.setup is not Actor.setup)


def _own_init(cls: type[Actor]) -> Iterator[str]:
    init = cls.__init__
    if init is Actor.__init__:
        return
    todo = "Remove it: write setup(self), where self.params, self.name and self.log are there."
    if not _takes(init, (None, "name", "params", "runtime")):
        yield f'"{cls.__name__}" has an __init__ of its own with other arguments than (name, params, runtime). {todo}'
    elif "__init__" not in getattr(getattr(init, "__code__", None), "co_names", ("__init__",)):
        yield f'"{cls.__name__}" has an __init__ of its own that does not call super().__init__. {todo}'


def _method(cls: type[Actor], name: str, arguments: tuple[str, ...]) -> Iterator[str]:
    written = f"def {name}({', '.join(('self', *arguments))})"
    raw = inspect.getattr_static(cls, name)
    function: Any = raw.__func__ if isinstance(raw, staticmethod | classmethod) else raw
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield (
            f'"{cls.__name__}.{name}" is async, and actors run without asyncio. Write {written}: a call that waits '
            "lets other work go on."
        )
    elif not callable(function):
        yield f'"{cls.__name__}.{name}" cannot be called. Write {written}.'
    elif not _takes(function, arguments if isinstance(raw, staticmethod) else (None, *arguments)):
        yield f'"{cls.__name__}.{name}" takes other arguments than it is called with. Write {written}.'


def _takes(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a function can be called with these arguments, as far as can be told."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:
        return True  # it is not written in Python
    return True
