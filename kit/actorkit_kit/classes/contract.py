"""What a class must be for an instance of it to run: found before it is started."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import UnionType
from typing import Any, Final, get_origin, get_type_hints

import msgspec

from actorkit.actor import Actor
from actorkit.coroutines.methods import NO_THREADS, is_async
from actorkit.event import Event
from actorkit.params import Problem

#: Method → the arguments that it is called with, beside the actor itself.
METHODS: Final = {
    "consume": ("event",),
    "consume_batch": ("events",),
    "produce": (),
    "setup": (),
    "drain": (),
    "end_input": (),
    "settle": ("settlements", "floors"),
    "give_back": ("positions",),
    "teardown": (),
}

#: Methods that are asked for something at once, and so cannot be coroutines.
AT_ONCE: Final = ("figures", "check", "named_outboxes")

#: Methods that may yield; the others are awaited once.
YIELDING: Final = ("consume", "produce")


def faults(cls: type[Actor]) -> Iterator[str]:
    """Everything that a start would stumble over, each with what to do."""
    wanted = Actor.Params if cls.handles_events() else msgspec.Struct
    if not (isinstance(cls.Params, type) and issubclass(cls.Params, wanted)):
        todo = "Write class Params(Actor.Params, frozen=True, kw_only=True)."
        yield f'"{cls.__name__}.Params" is no class of parameters. {todo}'
        return
    if _does_nothing(cls):
        todo = "Write consume(self, event), or produce(self) for a source."
        yield f'"{cls.__name__}" has neither consume nor produce. {todo}'
    yield from _own_init(cls)
    for name, arguments in METHODS.items():
        if getattr(cls, name) is not getattr(Actor, name):
            yield from _method(cls, name, arguments)
    for name in AT_ONCE:
        if is_async(getattr(cls, name)):
            yield f'"{cls.__name__}.{name}" is a coroutine, and nobody awaits it. Write def {name} without async.'
    yield from _batches(cls)
    yield from _input(cls)
    for name, seconds in cls.timers().items():
        yield from _method(cls, name, ())
        yield from _interval(cls, name, seconds)


def _batches(cls: type[Actor]) -> Iterator[str]:
    if not cls.consumes_batches():
        return
    if cls.consume is not Actor.consume:
        yield f'"{cls.__name__}" has both consume and consume_batch. Remove one of them.'
    if not {"batch_size", "batch_wait_s"} <= {field.name for field in msgspec.structs.fields(cls.Params)}:
        todo = "Write class Params(Actor.BatchParams, frozen=True, kw_only=True), or Params = Actor.BatchParams."
        yield f'"{cls.__name__}" has consume_batch, and its parameters have no batch_size and batch_wait_s. {todo}'


def _input(cls: type[Actor]) -> Iterator[str]:
    """Whether an event can become what consume is annotated with."""
    if not cls.consumes_itself() or not callable(cls.consume):
        return
    wanted = cls.annotation()
    kind = get_origin(wanted) or wanted
    if isinstance(kind, type) and not issubclass(kind, (Event, UnionType)) and not issubclass(Event, kind):
        name = wanted.__name__ if wanted is kind else wanted
        todo = "Write Event, or one of JSONEvent, XMLEvent, …; what an event holds is its data."
        yield f'"{cls.__name__}" is given events, and annotated with {name}. {todo}'


def _interval(cls: type[Actor], name: str, seconds: float | str) -> Iterator[str]:
    """Whether the seconds of a timer are some, or a parameter that has them."""
    if isinstance(seconds, str):
        kind = get_type_hints(cls.Params).get(seconds)
        if kind not in (int, float):
            told = "there is no such parameter" if kind is None else "the parameter is no number"
            yield f'"{cls.__name__}.{name}" is called every "{seconds}", and {told}. Name one that has seconds.'
    elif seconds <= 0:
        yield f'"{cls.__name__}.{name}" is called every {seconds:g} s. Write more than 0.'


def clashes(cls: type[Actor], params: Actor.Params) -> Iterator[Problem]:
    """Parameters that each may be, but not for this class."""
    consume = cls.consume_batch if cls.consumes_batches() else cls.consume
    if cls.handles_events() and params.threads and is_async(consume):
        yield Problem("threads", NO_THREADS)


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
    if name == "produce" and inspect.iscoroutinefunction(function):
        yield f'"{cls.__name__}.{name}" is a coroutine, and events are yielded: write "yield event" in it.'
    elif name not in YIELDING and (inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function)):
        yield f'"{cls.__name__}.{name}" has a yield, and nobody would ask it for more. Remove the yield.'
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
