"""What is known about an actor's class: everything that the kit needs without importing it."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from actorkit import params as parameters
from actorkit.actor import Actor
from actorkit.errors import ActorkitError
from actorkit.params import Parameter, Problem
from actorkit_kit.classes import contract, params_schema


class ActorClass(msgspec.Struct, frozen=True):
    """The declarations of a class. `uses_broker`: the name of a parameter where that decides; `listens`: parameter →
    default port; `keeps`: parameter → default folder of files that outlive an instance; `input`: the event class it
    consumes."""

    class_path: str
    doc: str = ""
    consumes: bool = True
    produces: bool = False
    answers: bool = False
    uses_broker: bool | str = False
    listens: dict[str, int] = {}
    keeps: dict[str, str] = {}
    outboxes: tuple[str, ...] = ()
    input: str = "Event"
    parameters: tuple[Parameter, ...] = ()

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.split("\n", 1)[0]

    @property
    def serves(self) -> bool:
        """Whether it takes requests from the broker: a worker."""
        return self.uses_broker is True and self.answers

    def needs_broker(self, params: Mapping[str, Any]) -> bool:
        """Whether it needs a broker with these parameters."""
        return bool(params.get(self.uses_broker)) if isinstance(self.uses_broker, str) else self.uses_broker

    @property
    def begins(self) -> bool:
        """Whether events come into the topology here."""
        return self.produces or self.serves or bool(self.listens)

    def parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


class ClassRequest(msgspec.Struct, frozen=True):
    """Asks for a class, and whether parameters suit it; files in them are given by readable paths.

    `schema_for`, a name, asks for the JSON schema of the parameters instead, in definitions that end in it.
    """

    class_path: str
    params: dict[str, Any] = {}
    schema_for: str = ""


class ClassReply(msgspec.Struct, frozen=True):
    """The answer: the class, or in `error` why there is none; `missing` names a module that could not be found.

    `faults` are mistakes in the class, `problems` those in the parameters. `named_outboxes` are those that the
    parameters name: path inside them → outbox. `schema` holds the definitions that were asked for.
    """

    actor_class: ActorClass | None = None
    problems: tuple[Problem, ...] = ()
    error: str = ""
    missing: str = ""
    faults: tuple[str, ...] = ()
    named_outboxes: dict[str, str] = {}
    schema: dict[str, Any] = {}


def describe(request: ClassRequest) -> ClassReply:
    """Import a class and look at it, in this process.

    Parameters of the right types are given to the class's own `check`, see `Actor.check`.
    """
    module, _, name = request.class_path.partition(":")
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as exc:
        return ClassReply(error=f'there is no module "{exc.name}"', missing=exc.name or "")
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - the user's module may raise anything when it is imported
        return ClassReply(error=f'the module "{module}" cannot be imported: {_reason(exc)}')
    found = getattr(imported, name, None)
    if found is None:
        near = difflib.get_close_matches(
            name, [other for other, value in vars(imported).items() if inspect.isclass(value)], 1
        )
        hint = f'. Did you mean "{near[0]}"?' if near else ""
        return ClassReply(error=f'the module "{module}" has no class "{name}"{hint}')
    if not (inspect.isclass(found) and issubclass(found, Actor)):
        return ClassReply(error=f'"{request.class_path}" is not a subclass of actorkit.Actor')
    wrong = _faults(found)  # type: ignore[arg-type]  # a class can be hashed
    try:
        declarations = _declarations(request.class_path, found)  # type: ignore[arg-type]  # a class can be hashed
    except Exception as exc:  # noqa: BLE001 - annotations and class attributes of the user's may be anything
        error = "" if wrong else f'"{request.class_path}" cannot be looked at: {_reason(exc)}'
        return ClassReply(error=error, faults=wrong)
    if request.schema_for:
        return ClassReply(declarations, faults=wrong, schema=_schema(request.schema_for, found))
    problems, named = _judge_params(found, request.params)
    return ClassReply(declarations, tuple(problems), faults=wrong, named_outboxes=named)


def class_of(class_path: str) -> type[Actor]:
    """Import a stock actor's class."""
    module, _, name = class_path.partition(":")
    cls: type[Actor] = getattr(importlib.import_module(module), name)
    return cls


@cache
def _faults(cls: type[Actor]) -> tuple[str, ...]:
    return tuple(contract.faults(cls))


@cache
def _declarations(class_path: str, cls: type[Actor]) -> ActorClass:
    return ActorClass(
        class_path=class_path,
        doc=inspect.getdoc(cls) or "",
        consumes=cls.consumes(),
        produces=cls.produces(),
        answers=cls.ANSWERS,
        uses_broker=cls.USES_BROKER,
        listens=dict(cls.LISTENS),
        keeps=dict(cls.KEEPS),
        outboxes=tuple(cls.OUTBOXES),
        input=cls.input_class().__name__,
        parameters=tuple(parameters.parameters_of(cls.Params)),
    )


def _schema(name: str, cls: type[Actor]) -> dict[str, Any]:
    """The definitions of the parameters; none where a type has no JSON schema."""
    try:
        return params_schema.of_actor(name, cls.Params)
    except Exception:  # noqa: BLE001 - annotations of the user's may be anything; nothing is known of them then
        return {}


def _judge_params(cls: type[Actor], given: Mapping[str, Any]) -> tuple[Iterable[Problem], dict[str, str]]:
    """What is wrong with parameters, and which outboxes they name."""
    problems = parameters.check(cls.Params, given)
    unknown = any(parameters.is_reference(value) and "secret" in value for value in given.values())
    if problems or unknown:
        return problems, {}
    try:
        finished = parameters.build(cls.Params, given)
        return [*contract.clashes(cls, finished), *cls.check(finished)], dict(cls.named_outboxes(finished))
    except Exception as exc:  # noqa: BLE001 - the class's own code may raise anything; it is then the finding
        name, colon, rest = _reason(exc).partition(": ")
        return [Problem(name, rest) if colon and name in given else Problem("", _reason(exc))], {}


def _reason(exc: BaseException) -> str:
    text = " ".join(str(exc).split())
    if text and isinstance(exc, ActorkitError):
        return text
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__
