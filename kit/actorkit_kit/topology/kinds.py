"""The kinds of values that a topology may hold: what is wrong with one, its JSON schema, and its words in docs.

A kind without a reader of its own, `Other`, is read by the section that it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from actorkit.graph import NAME, NAME_RULE

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: How types of values are called in messages.
TYPES: Final = {
    dict: "a mapping",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


def type_words(value: object) -> str:
    """What a value is, in words."""
    return TYPES.get(type(value), "nothing")


class Kind(Protocol[T_co]):
    """What a key may hold. `default` is what it holds when it is not there, or wrong."""

    @property
    def default(self) -> T_co: ...

    @property
    def words(self) -> str:
        """The value in docs: `1 to 1000; default 1`."""

    def schema(self) -> dict[str, Any]:
        """The value in the JSON schema."""

    def mistake(self, value: Any) -> str:
        """What is wrong with a value and what to do, "" for nothing."""

    def read(self, value: Any) -> T_co:
        """The value of one without a mistake."""


@dataclass(frozen=True)
class Key(Generic[T]):
    """A key of a mapping, and what it means. `required` says what to do when it is missing, "": nothing."""

    name: str
    kind: Kind[T]
    meaning: str
    required: str = ""

    def schema(self) -> dict[str, Any]:
        """The key's value in the JSON schema."""
        return {"description": self.meaning, **self.kind.schema()}


@dataclass(frozen=True)
class Text:
    """A text. `form` is what the JSON schema knows of it."""

    default: str = ""
    words: str = "text"
    form: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})

    def schema(self) -> dict[str, Any]:
        return dict(self.form)

    def mistake(self, value: Any) -> str:
        if isinstance(value, str):
            return ""
        quoted = f'Put it in quotes: "{value}".' if isinstance(value, int | float) else "Write a text."
        return f"this is {type_words(value)}, not a text. {quoted}"

    def read(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True)
class Name(Text):
    """A name by the rule for all names."""

    words: str = "name"
    form: Mapping[str, Any] = field(default_factory=lambda: {"type": "string", "pattern": ecma(NAME)})

    def mistake(self, value: Any) -> str:
        return super().mistake(value) or ("" if not value or NAME.match(value) else bad_name(value))


@dataclass(frozen=True)
class Pattern:
    """A text of a form. `words` say which, with an example."""

    pattern: re.Pattern[str]
    words: str
    default: str = ""

    def schema(self) -> dict[str, Any]:
        default = {"default": self.default} if self.default else {}
        return {"type": "string", "pattern": ecma(self.pattern), **default}

    def mistake(self, value: Any) -> str:
        return Text().mistake(value) or (
            "" if self.pattern.match(value) else f'"{value}" is not {self.words}. Write one of that form.'
        )

    def read(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True)
class Choice:
    """One of several texts; the first is the default, or nothing, where there may be none."""

    choices: tuple[str, ...]
    may_be_none: bool = False

    @property
    def default(self) -> str:
        return "" if self.may_be_none else self.choices[0]

    @property
    def words(self) -> str:
        return ", ".join(f"`{choice}`" + " (default)" * (choice == self.default) for choice in self.choices)

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.choices), **({"default": self.default} if self.default else {})}

    def mistake(self, value: Any) -> str:
        wrong = f'"{value}" is not known here. Choose one of: {", ".join(self.choices)}.'
        return Text().mistake(value) or ("" if value in self.choices else wrong)

    def read(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True)
class Integer:
    """A whole number from `least` to `most`."""

    least: int
    most: int
    default: int = 0

    @property
    def words(self) -> str:
        return f"{self.least} to {self.most}" + (f"; default {self.default}" if self.default else "")

    def schema(self) -> dict[str, Any]:
        bounds = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {**bounds, **({"default": self.default} if self.default else {})}

    def mistake(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"this is {type_words(value)}, not a whole number. Write one from {self.least} to {self.most}."
        if not self.least <= value <= self.most:
            return f"{value} is out of range. Write a whole number from {self.least} to {self.most}."
        return ""

    def read(self, value: Any) -> int:
        return int(value)


@dataclass(frozen=True)
class Number:
    """A number above `above`."""

    above: float
    default: float

    @property
    def words(self) -> str:
        return f"above {self.above:g}; default {self.default:g}"

    def schema(self) -> dict[str, Any]:
        default = int(self.default) if self.default.is_integer() else self.default
        return {"type": "number", "exclusiveMinimum": self.above, "default": default}

    def mistake(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"this is {type_words(value)}, not a number. Write one above {self.above:g}."
        return "" if value > self.above else f"{value:g} is out of range. Write a number above {self.above:g}."

    def read(self, value: Any) -> float:
        return float(value)


@dataclass(frozen=True)
class Flag:
    """True or false; false is the default."""

    default: bool = False
    words: str = "true or false; default false"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean", "default": self.default}

    def mistake(self, value: Any) -> str:
        return "" if isinstance(value, bool) else f"this is {type_words(value)}. Write true or false."

    def read(self, value: Any) -> bool:
        return bool(value)


@dataclass(frozen=True)
class Keys:
    """A mapping with keys of its own. `rules` are what its JSON schema says of several keys together."""

    keys: tuple[Key[Any], ...]
    rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def default(self) -> Mapping[str, Any]:
        return {}

    @property
    def words(self) -> str:
        """Its keys, with their defaults where there are any."""
        defaults = [(key.name, str(key.schema().get("default", ""))) for key in self.keys]
        return ", ".join(f"`{name}`" + (f" (default {default})" if default else "") for name, default in defaults)

    def schema(self) -> dict[str, Any]:
        required = [key.name for key in self.keys if key.required]
        return {
            "type": "object",
            "properties": {key.name: key.schema() for key in self.keys},
            "additionalProperties": False,
            **({"required": required} if required else {}),
            **self.rules,
        }

    def mistake(self, value: Any) -> str:
        return "" if isinstance(value, dict) else not_a_mapping(value)

    def read(self, value: Any) -> Mapping[str, Any]:
        return dict(value)


@dataclass(frozen=True)
class Named(Keys):
    """A mapping whose keys are names, of values that have `schema_of_each`. Its section reads them."""

    keys: tuple[Key[Any], ...] = ()
    of: str = "mapping"
    schema_of_each: Mapping[str, Any] = field(default_factory=dict)
    least: int = 0

    @property
    def words(self) -> str:
        return self.of

    def schema(self) -> dict[str, Any]:
        names = {"propertyNames": {"pattern": ecma(NAME)}, "minProperties": self.least}
        return {"type": "object", "additionalProperties": dict(self.schema_of_each), **names}


@dataclass(frozen=True)
class Other:
    """A value whose section reads it itself: here are its words and its schema alone."""

    words: str
    form: Mapping[str, Any]

    @property
    def default(self) -> None:
        return None

    def schema(self) -> dict[str, Any]:
        return dict(self.form)

    def mistake(self, value: Any) -> str:  # noqa: ARG002  # its section tells
        return ""

    def read(self, value: Any) -> None:  # noqa: ARG002  # as above
        return None


def not_a_mapping(value: object) -> str:
    """The complaint about what should be a mapping."""
    return f"this is {type_words(value)}, not a mapping. Write it as name: value, a line each."


def bad_name(name: str) -> str:
    """The complaint about a name; it proposes a better one where there is one."""
    better = name.lower().replace("_", "-").replace(" ", "-").strip("-")
    hint = f' Did you mean "{better}"?' if NAME.match(better) else ""
    return f'"{name}" is not a name: {NAME_RULE}.{hint}'


def ecma(pattern: re.Pattern[str]) -> str:
    """A pattern that matches whole texts, as JSON schema writes it (ECMA 262)."""
    return "^" + pattern.pattern.removesuffix(r"\Z") + "$"
