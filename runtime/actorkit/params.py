"""The parameters of an actor: declared by the actor, checked before anything starts.

    class Params(Actor.Params):
        stylesheet: Annotated[str, Meta(description="XSLT 1.0 stylesheet", extra={"file": True})]
        timeout_s: Annotated[float, Meta(gt=0, description="how long to wait")] = 30.0

The unit of a number is the end of its name (`_s`, `_bytes`) or `extra={"unit": …}`. `extra={"secret": True}` marks what
must never be shown. Any parameter may be given as `{"file": path}`: the content of the file is then its value, as it is
for a `str` or `bytes` and read as JSON otherwise. `{"folder": path}` is the mapping of the names of a folder's files to
what is in them, for a `dict[str, str]` or `dict[str, bytes]`; folders in it, and names that begin with a dot, are left
out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Meta

from actorkit.errors import UNREADABLE, ActorkitError, SettingsError
from actorkit.observe import redact


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters that every actor has."""

    concurrency: Annotated[int, Meta(ge=1, le=10_000, description="events that one instance works on at a time")] = 1
    threads: Annotated[
        int, Meta(ge=0, le=256, description="native threads that run consume, for work that blocks the CPU; 0: none")
    ] = 0
    retries: Annotated[int, Meta(ge=0, description="how often consume is tried again after an exception")] = 0
    backoff_s: Annotated[float, Meta(gt=0, description="pause before the first retry; doubles with each")] = 1.0
    retry_on: Annotated[
        tuple[str | int, ...],
        Meta(
            description="what is tried again: names of exception classes, and statuses; empty: all but statuses below "
            "500, which do not get better"
        ),
    ] = ()
    max_deliveries: Annotated[
        int, Meta(ge=2, le=1000, description="instances that one event may end before it fails as `DeliveryLimit`")
    ] = 3
    stuck_after_s: Annotated[
        float, Meta(ge=0, description="how long consume may block the process before that is ended; 0: for ever")
    ] = 30.0
    consume_timeout_s: Annotated[
        float, Meta(ge=0, description="longest wait of a consume, which fails then; 0: without end")
    ] = 0.0

    def may_get_better(self, error: BaseException) -> bool:
        """Whether consume is worth another try after this exception."""
        status = error.status if isinstance(error, ActorkitError) else 500
        if not self.retry_on:
            return status >= 500
        return status in self.retry_on or any(cls.__name__ in self.retry_on for cls in type(error).__mro__)


class Parameter(msgspec.Struct, frozen=True):
    """One declared parameter, as a catalogue shows it. `default` is JSON text, None when the parameter is required."""

    name: str
    type: str
    description: str = ""
    unit: str = ""
    default: str | None = None
    secret: bool = False
    file: bool = False

    @property
    def required(self) -> bool:
        return self.default is None


class Problem(msgspec.Struct, frozen=True):
    """One mistake in given parameters: `path` inside them ("" for the whole), `message` with what to do."""

    path: str
    message: str


P = TypeVar("P", bound=msgspec.Struct)

#: Name of a file → its path: what a folder becomes on its way to where the process runs.
FOLDER_FILES: Final = "folder-files"

_REFERENCES: Final = ("file", "secret", "folder", FOLDER_FILES)

_UNITS = {"_s": "s", "_ms": "ms", "_bytes": "bytes", "_eur": "EUR", "_percent": "%"}


def parameters_of(cls: type[msgspec.Struct]) -> list[Parameter]:
    """Every parameter of a Params class, the actor's own first."""
    hints = get_type_hints(cls, include_extras=True)
    common = {field.name for field in msgspec.structs.fields(Params)}
    fields = sorted(msgspec.structs.fields(cls), key=lambda field: field.name in common and cls is not Params)
    return [_parameter(field, hints[field.name]) for field in fields]


def _parameter(field: msgspec.structs.FieldInfo, hint: Any) -> Parameter:
    meta = next((arg for arg in get_args(hint)[1:] if isinstance(arg, Meta)), Meta())
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    extra = meta.extra or {}
    unit = extra.get("unit") or next((unit for end, unit in _UNITS.items() if field.name.endswith(end)), "")
    default: str | None = None
    if field.default is not NODEFAULT:
        default = msgspec.json.encode(field.default).decode()
    elif field.default_factory is not NODEFAULT:
        default = msgspec.json.encode(field.default_factory()).decode()
    return Parameter(
        name=field.name,
        type=_type_name(base),
        description=meta.description or "",
        unit=unit,
        default=default,
        secret=bool(extra.get("secret")),
        file=bool(extra.get("file")),
    )


def _type_name(base: Any) -> str:
    if isinstance(base, type) and not get_args(base):
        return base.__name__
    return str(base).replace("typing.", "").replace("builtins.", "")


def check(cls: type[msgspec.Struct], given: Mapping[str, Any]) -> list[Problem]:
    """All mistakes in the given parameters at once; a reference stands for any value."""
    return list(_problems(cls, given))


def _problems(cls: type[msgspec.Struct], given: Mapping[str, Any]) -> Iterator[Problem]:
    hints, fields = _hints_and_fields(cls)
    for name, value in given.items():
        if name not in fields:
            near = difflib.get_close_matches(str(name), fields, n=1)
            known = f'Did you mean "{near[0]}"?' if near else f"It has: {', '.join(sorted(fields))}."
            yield Problem(str(name), f'there is no parameter "{name}". {known}')
        elif not is_reference(value):
            try:
                msgspec.convert(value, hints[fields[name].name])
            except msgspec.ValidationError as exc:
                message, _, inner = str(exc).partition(" - at `$")
                yield Problem(str(name) + inner.rstrip("`"), f"{message[0].lower()}{message[1:]}")
    for name, field in fields.items():
        if field.required and name not in given:
            yield Problem("", f'the parameter "{name}" is required')


@cache
def _hints_and_fields(cls: type[msgspec.Struct]) -> tuple[dict[str, Any], dict[str, msgspec.structs.FieldInfo]]:
    """The annotations of a Params class, and its fields by name. Evaluating annotations is slow, so it is done once."""
    hints = get_type_hints(cls, include_extras=True)
    return hints, {field.encode_name: field for field in msgspec.structs.fields(cls)}


@cache
def _secrets(cls: type[msgspec.Struct]) -> tuple[str, ...]:
    """The parameters of a class that must never be shown."""
    return tuple(parameter.name for parameter in parameters_of(cls) if parameter.secret)


def is_reference(value: object) -> bool:
    """Whether a given value stands for the content of a file, a secret, or the files of a folder."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _REFERENCES


def folder_files(folder: Path) -> list[Path]:
    """The files of a folder that `{"folder": …}` stands for, by name.

    Raises:
        OSError: the folder cannot be read.
    """
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def build(cls: type[P], given: Mapping[str, Any]) -> P:
    """Make the parameters, files read.

    Raises:
        SettingsError: a parameter is wrong, missing or unknown, or its file cannot be read.
    """
    values = {name: _content(cls, name, value) for name, value in given.items()}
    problems = check(cls, values)
    if problems:
        raise SettingsError("; ".join(f"{problem.path}: {problem.message}".lstrip(": ") for problem in problems))
    # From here on whoever shows something leaves them out.
    secrets = _secrets(cls)
    redact.learn([values[name] for name in secrets if values.get(name)])
    try:
        params = msgspec.convert(values, cls)
    except (msgspec.ValidationError, ValueError, TypeError) as exc:
        raise SettingsError(str(exc)) from exc
    # Bytes are given as base64 where they stand in no file.
    redact.learn([made for name in secrets if isinstance(made := getattr(params, name), bytes)])
    return params


def without_secrets(cls: type[msgspec.Struct], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters for people, by name: as they are given, a reference as that, else their defaults; `redact.MASK`
    for a secret, wherever it stands, and for a text that may be one: by its name, or as the password of a URL."""
    shown = {one.name: msgspec.json.decode(one.default) for one in parameters_of(cls) if one.default is not None}
    shown |= given
    masked = {name: redact.MASK for name in _secrets(cls) if shown.get(name) and not is_reference(shown[name])}
    return {name: redact.unsure(redact.tree(value), name) for name, value in {**shown, **masked}.items()}


def _kind(cls: type[msgspec.Struct], name: str) -> Any:
    """The type of a parameter, without what else its annotation says, without None where that may be as well."""
    hints, fields = _hints_and_fields(cls)
    kind = hints[fields[name].name] if name in fields else None
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(kind) not in (Union, UnionType):
        return kind
    others = [one for one in get_args(kind) if one is not type(None)]
    return others[0] if len(others) == 1 else kind


def _content(cls: type[msgspec.Struct], name: str, value: Any) -> Any:
    if not is_reference(value):
        return value
    ((form, given),) = value.items()
    kind = _kind(cls, name)
    if form == "file":
        return _file(name, Path(str(given)), kind)
    if form == "secret":
        return value
    try:
        paths = given if form == FOLDER_FILES else {path.name: path for path in folder_files(Path(str(given)))}
    except OSError as exc:
        raise SettingsError(f'{name}: the folder "{given}" cannot be read: {exc.strerror}') from exc
    inner = bytes if get_args(kind)[1:] == (bytes,) else str
    return {one: _file(name, Path(path), inner) for one, path in paths.items()}


def _file(name: str, path: Path, kind: Any) -> Any:
    """The content of a file as a value of that kind."""
    try:
        content = path.read_bytes()
        if kind is bytes:
            return content
        text = content.decode()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise SettingsError(f'{name}: the file "{path}" cannot be read: {reason}') from exc
    if kind is str:
        return text
    try:
        return msgspec.json.decode(content)
    except UNREADABLE as exc:
        raise SettingsError(f'{name}: the file "{path}" is not JSON: {exc}') from exc
