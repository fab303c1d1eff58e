"""What a deployment would change, found before anything is touched: in words, and as a diff of what it is made from."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

#: What becomes of the instances of an actor; `changed` is whatever else there is beside them.
Action = Literal["new", "replaced", "started", "scaled", "changed", "gone"]

#: Longest value that is told, in characters; of a longer one only that it changes.
MAX_TOLD: Final = 60
#: The name of what is compared with nothing.
_NOTHING: Final = "/dev/null"


@dataclass(frozen=True)
class Change:
    """What becomes of an actor, or of something beside the actors: `what` is why, a text for each reason."""

    subject: str
    action: Action
    what: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preview:
    """What a deployment would change, and the same as a diff; nothing of either where it would change nothing."""

    changes: tuple[Change, ...]
    diff: str


def diff_of(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The unified diff of texts by name; one that is on one side alone is compared with nothing."""
    told = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            names = _NOTHING if old is None else f"a/{name}", _NOTHING if new is None else f"b/{name}"
            texts = (old or "").splitlines(), (new or "").splitlines()
            told += [f"{line}\n" for line in difflib.unified_diff(*texts, *names, lineterm="")]
    return "".join(told)


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Where two trees are other: `resources.limits.memory: 256Mi → 512Mi`. Lists of things with names are compared by
    these, so that what is put in front of one changes nothing else."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _in_mappings(before, after, path)
    elif _has_names(before) and _has_names(after):
        yield from _in_mappings(_by_name(before), _by_name(after), path)
    elif before != after:
        texts = [_text(value) for value in (before, after)]
        yield f"{path}: {' → '.join(texts)}" if all(texts) else path


def _in_mappings(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        where = f"{path}.{key}" if path else str(key)
        if key not in before or key not in after:
            yield f"{where} is {'gone' if key in before else 'new'}"
        else:
            yield from differences(before[key], after[key], where)


def _has_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) and "name" in item for item in value)


def _by_name(items: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {item["name"]: item for item in items}


def _text(value: Any) -> str:
    """A value as it is told; "" for one that is too long, or no scalar."""
    said = "" if isinstance(value, Mapping | list) else str(value)
    return said if len(said) <= MAX_TOLD and said.isprintable() else ""


def hidden(content: bytes) -> str:
    """The line that stands for what is not shown, and tells whether it is the same."""
    return f"{len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()[:12]}…\n"


def instances(count: int) -> str:
    """A number of instances, in words."""
    return f"{count} instance{'' if count == 1 else 's'}"


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes as they are told: actors, then what else there is, whose names say what it is: "secret web-users"."""
    return tuple(sorted(changes, key=lambda change: (" " in change.subject, change.subject)))
