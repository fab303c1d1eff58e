"""Attributes, and what else of an event, set, copied, deleted and rewritten."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from actorkit import Actor, Event, JSONEvent
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.event.selector import Selector, View, text_of
from actorkit.params import Problem
from actorkit_actors.flow.condition import compile_regex
from actorkit_actors.flow.target import Target

#: What a change becomes: it is given the event that is changed.
Do = Callable[[Event], None]


class Change(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from", "with_": "with"}
):
    """One change: `set`, `delete` or `substitute`, with the path of what it changes."""

    set: Annotated[str, Meta(description="path that gets the value, or what `from` finds")] = ""
    value: Annotated[Any, Meta(description="any JSON value, for set")] = UNSET
    from_: Annotated[
        str | Selector | UnsetType, Meta(description="path in the event, an xpath or a jsonpath, for set: a copy")
    ] = UNSET
    default: Annotated[Any, Meta(description="what is set where `from` finds nothing; without it nothing is")] = UNSET
    required: Annotated[bool, Meta(description="fail events in which `from` finds nothing")] = False
    delete: Annotated[str, Meta(description="path that is taken away")] = ""
    substitute: Annotated[str, Meta(description="path of a text in which regex is replaced")] = ""
    regex: Annotated[str, Meta(description="RE2 pattern; each place where it is found is replaced")] = ""
    with_: Annotated[str, Meta(description=r"what stands there then; \1 is the pattern's first group")] = ""

    def compile(self) -> tuple[Target, Do]:
        """Make it ready.

        Raises:
            SettingsError: it cannot be; the message says why.
        """
        kinds = [name for name in ("set", "delete", "substitute") if getattr(self, name)]
        if len(kinds) != 1:
            raise SettingsError(f"give one of set, delete and substitute; there are {len(kinds)}")
        target = Target(getattr(self, kinds[0]))
        belongs = {"set": ("value", "from_", "default", "required"), "substitute": ("regex", "with_")}
        for kind, names in belongs.items():
            for name in names:
                if kind != kinds[0] and getattr(self, name) not in (UNSET, "", False):
                    raise SettingsError(f"{name.rstrip('_')} belongs to {kind}, and not to {kinds[0]}")
        if self.delete:
            return target, target.delete
        return target, self._compile_set(target) if self.set else self._compile_substitute(target)

    def _compile_set(self, target: Target) -> Do:
        if (self.value is UNSET) == (self.from_ is UNSET):
            raise SettingsError("set: give one of value and from")
        if isinstance(self.from_, UnsetType):
            if self.required or self.default is not UNSET:
                raise SettingsError("set: default and required belong to from")
            return lambda event: target.set(event, copy.deepcopy(self.value))
        if self.required and self.default is not UNSET:
            raise SettingsError("set: give one of default and required")
        find = (Selector(at=self.from_) if isinstance(self.from_, str) else self.from_).compile()
        whole = self.from_ == "data" or (isinstance(self.from_, Selector) and self.from_.at == "data")

        def do(event: Event) -> None:
            # A selector's `data` is the text of the body, for patterns. Here it is a value like any other.
            values = [event.data] if whole else [_portable(value) for value in find(View(event))]
            if values:
                target.set(event, copy.deepcopy(values if len(values) > 1 else values[0]))
            elif self.required:
                raise MalformedEvent(f"{target.path}: nothing is found that could be set")
            elif self.default is not UNSET:
                target.set(event, copy.deepcopy(self.default))

        return do

    def _compile_substitute(self, target: Target) -> Do:
        if not self.regex:
            raise SettingsError("substitute: give the pattern, regex")
        pattern, written = compile_regex(self.regex), _replacement(self.with_)
        if any(part > pattern.groups for part in written if isinstance(part, int)):
            raise SettingsError(f'substitute: with "{self.with_}" names a group; the pattern has {pattern.groups}')
        find = Selector(at=target.path).compile()

        def expand(match: Any) -> str:
            return "".join(part if isinstance(part, str) else match.group(part) or "" for part in written)

        def do(event: Event) -> None:
            for value in find(View(event)):
                if isinstance(value, dict | list):
                    raise MalformedEvent(f"{target.path}: it is no text in which something could be replaced")
                target.set(event, pattern.sub(expand, text_of(value)))

        return do


class AttributeModifier(Actor):
    """Sets, copies, deletes and rewrites attributes of the event, parts of its data, and its service.

    The changes are made one after the other, each on what the one before has left. A path is `attributes/NAME`,
    `data`, `data/NAME` or `service`, with more steps into what is nested: objects that are missing on the way are made,
    a list is entered by the number of one of its items. `from` copies: from such a path, from `http/headers/host`, or
    what an XPath or a JSONPath finds (nothing: `default`, one value: that, several: a list; an element is its text).
    Patterns are RE2's: no text makes one take for ever.

    A change inside the data takes the data as JSON, and it goes on as that. All changes are made, or the event fails as
    it came.

    Failures:
        MalformedEvent (400): a path leads through something that has no parts; `from` finds nothing and is `required`;
            `service` would be no text.
        ConversionError (400): a change inside the data, which cannot be had as JSON.
    """

    NAME: ClassVar[str] = "attribute-modifier"
    EXTRA: ClassVar[str] = "flow"

    class Params(Actor.Params, frozen=True, kw_only=True):
        changes: Annotated[tuple[Change, ...], Meta(min_length=1, description="what is done, in this order")]

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        for index, change in enumerate(params.changes):
            try:
                change.compile()
            except SettingsError as exc:
                yield Problem(f"changes[{index}]", str(exc))

    def setup(self) -> None:
        """Compile the changes.

        Raises:
            SettingsError: one cannot be; the message says which and why.
        """
        self._changes: list[Do] = []
        self._needs_json = False
        for index, change in enumerate(self.params.changes):
            try:
                target, do = change.compile()
            except SettingsError as exc:
                raise SettingsError(f"changes[{index}]: {exc}") from exc
            self._changes.append(do)
            self._needs_json |= target.inside_data

    def consume(self, event: Event) -> Event:
        """Make the changes."""
        # A copy: what fails half way goes on as it came.
        changed = event.replace()
        if self._needs_json:
            changed = changed.convert(JSONEvent)
        for do in self._changes:
            do(changed)
        return changed


def _portable(value: Any) -> Any:
    """A value that was found, as an attribute can hold it."""
    if hasattr(value, "itertext") or isinstance(value, bytes):
        return text_of(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _replacement(written: str) -> list[str | int]:
    r"""A replacement as its texts and the numbers of groups between them: `\1`; `\\` is a backslash."""
    parts: list[str | int] = []
    at = 0
    while at < len(written):
        two = written[at : at + 2]
        if two[0] == "\\" and two[1:].isdecimal():
            parts.append(int(two[1]))
        elif two == "\\\\":
            parts.append("\\")
        else:
            parts.append(two[0])
            at -= 1
        at += 2
    return parts
