"""`name=value` on a command line: the values that a topology would have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from actorkit.params import Parameter
from actorkit_kit.errors import UsageError
from actorkit_kit.topology.document import parse
from actorkit_kit.topology.model import SECRETS_FOLDER

#: What a file's name begins with.
_FILE: Final = "@"


def read_values(arguments: Iterable[str], texts: Sequence[str] = ()) -> dict[str, Any]:
    """The values by their names. A value is written as in a topology, `@a.xsl` is the file `a.xsl`; those that are in
    `texts` are taken as they stand.

    Raises:
        UsageError: an argument has no name, or its value cannot be read.
    """
    found: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or not name:
            raise UsageError(f'"{argument}" is no parameter. Write it as name=value, or name=@file.')
        found[name] = _value(name, text, name in texts)
    return found


def texts_of(parameters: Iterable[Parameter]) -> list[str]:
    """The names of the parameters that are texts."""
    return [parameter.name for parameter in parameters if parameter.type == "str"]


def _value(name: str, text: str, is_text: bool) -> Any:
    if text.startswith(_FILE):
        return {"file": str(Path(text.removeprefix(_FILE)).absolute())}
    document = parse(text, name, Path())
    if document.mistakes and not is_text:
        raise UsageError(f"{name}: {document.mistakes[0][2]}")
    match document.data:
        case {"secret": str(secret)}:
            return {"file": str(Path(SECRETS_FOLDER, secret).absolute())}
        case {"file": str(path)}:
            return {"file": str(Path(path).absolute())}
        case {"folder": str(path)}:
            return {"folder": str(Path(path).absolute())}
    return text if is_text else document.data
