"""Checks of single values, whatever they stand for: what a process, a YAML file or a JSON text cannot hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from actorkit_kit.topology.document import MAX_DEPTH, MAX_INTEGER, TOO_DEEP, Document
from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.model import Node

#: The longest variable of an environment, name and end mark included (MAX_ARG_STRLEN of Linux, execve(2)), in bytes.
MAX_VARIABLE_BYTES: Final = 131_072


def check_values(findings: Findings, document: Document) -> bool:
    """Note every value that no target can carry; whether the rest of the checks may look at the document."""
    deep = False
    for location, message in _unfit(document.data):
        findings.add(location, message)
        deep = deep or message is TOO_DEEP
    return not deep


def _unfit(data: Any) -> Iterator[tuple[Location, str]]:
    waiting: list[tuple[Location, Any]] = [((), data)]
    while waiting:
        location, value = waiting.pop()
        if isinstance(value, dict | list) and len(location) >= MAX_DEPTH:
            yield location, TOO_DEEP
        elif isinstance(value, dict):
            for key, item in value.items():
                if "\0" in str(key):
                    yield (*location, str(key)), "this key holds the character NUL. Remove it."
                waiting.append(((*location, str(key)), item))
        elif isinstance(value, list):
            waiting += [((*location, index), item) for index, item in enumerate(value)]
        elif isinstance(value, str) and "\0" in value:
            yield location, "this text holds the character NUL, which ends a text in an environment. Remove it."
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            yield location, "this number has more than 64 bits. Write a smaller one, or a text."


def check_sizes(findings: Findings, node: Node) -> None:
    """Note what is too long for one variable of the environment: the parameters together, and each of `env`."""
    params = _size("ACTORKIT_PARAMS", json.dumps(node.params, separators=(",", ":")))
    if params > MAX_VARIABLE_BYTES:
        largest = max(node.params, key=lambda name: len(json.dumps(node.params[name])))
        message = f'the parameters of "{node.name}" are {_too_long(params)}'
        findings.add((*node.location, "params"), f"{message} Put the largest into a file: {largest}: {{file: …}}.")
    for name, value in node.env.items():
        if (size := _size(name, value)) > MAX_VARIABLE_BYTES:
            findings.add((*node.location, "env", name), f"this is {_too_long(size)} Shorten it.")


def _size(name: str, value: str) -> int:
    """Bytes of `NAME=value` and its end mark."""
    return len(f"{name}={value}".encode(errors="replace")) + 1


def _too_long(size: int) -> str:
    return f"{size} bytes, more than the {MAX_VARIABLE_BYTES} that a variable of the environment can hold."
