"""The grammar of docs/protocol.md is that of `wire.py`."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from actorkit.edge import outcome, wire
from actorkit.event.context import Failure
from actorkit.event.parcel import Parcel, Waiter
from tests.abnf import Grammar
from tests.places import DOCS
from tests.runtime.edge.test_golden_frames import FROM_RECEIVER, FROM_SENDER, frame

GRAMMAR = Grammar((DOCS / "protocol.md").read_text())
RULES = GRAMMAR.rules
#: Messages of the grammar: rule → (letter, elements).
LETTERS = {name: found[1] for name, rule in RULES.items() if (found := re.match(r'ARRAY TAG %s"(\w)"', rule))}
MESSAGES: tuple[type[msgspec.Struct], ...] = (*wire.FromSender.__args__, *wire.FromReceiver.__args__)
ARRAYS: tuple[type[msgspec.Struct], ...] = (*MESSAGES, Parcel, Waiter, outcome.Answer, outcome.Failed, Failure)
STRUCTS = {cls.__name__.lower(): cls for cls in ARRAYS}
KINDS = {
    "STR": str,
    "BIN": bytes,
    "UINT": int,
    "INT": int,
    "BOOL": bool,
    "ARRAY": list,
    "NIL": type(None),
    "MAP": dict,
    "TAG": str,
}


def elements(name: str) -> tuple[list[str], list[str]]:
    """The names of a message's or parcel's elements: (those that must be there, those that may be left out)."""
    rule = re.sub(r'TAG %s"\w"|\*more', "", RULES[name])
    needed, _, optional = rule.replace("ARRAY", "").partition("[")
    return needed.replace("-", "_").split(), re.findall(r"\w+", optional.replace("-", "_"))


def fields(cls: type[msgspec.Struct]) -> tuple[list[str], list[str]]:
    """The same of a struct: its fields without and with a default."""
    every = msgspec.structs.fields(cls)
    return [f.encode_name for f in every if f.required], [f.encode_name for f in every if not f.required]


def test_the_grammar_has_every_message_and_no_other() -> None:
    tags = {cls.__struct_config__.tag: name for name, cls in STRUCTS.items()}
    del tags[None]
    assert {letter: name for name, letter in LETTERS.items()} == tags


@pytest.mark.parametrize("name", STRUCTS)
def test_an_array_of_the_grammar_has_the_elements_of_the_code(name: str) -> None:
    assert elements(name) == fields(STRUCTS[name])


def test_either_end_says_what_its_rule_says() -> None:
    for end, union in (("sender", wire.FromSender), ("receiver", wire.FromReceiver)):
        assert set(re.findall(r"\w+", RULES[end])) == {cls.__name__.lower() for cls in union.__args__}


def test_it_begins_with_what_each_end_says_and_uses_every_other_rule() -> None:
    assert GRAMMAR.unused() == {"sender", "receiver"}


def kind(name: str) -> tuple[type, ...]:
    """The Python types of the values that a rule may be."""
    return tuple(KINDS[head] for head in re.findall(r"(?:^|/ )(?:\( )?([A-Z]+)", RULES[name]))


@pytest.mark.parametrize("name", [*FROM_SENDER, *FROM_RECEIVER])
def test_the_golden_frames_are_sentences_of_the_grammar(name: str) -> None:
    drawn = {**FROM_SENDER, **FROM_RECEIVER}[name][1]
    letter, *values = msgspec.msgpack.decode(frame(drawn))
    rule = {letter: name for name, letter in LETTERS.items()}[letter]
    _conforms(rule, values)
    for one in values[1] if rule == "batch" else ():
        _conforms("parcel", one)
    for _, (letter, *parts) in values[0] if rule == "outcomes" else ():
        rule = {letter: name for name, letter in LETTERS.items()}[letter]
        _conforms(rule, parts)
        _conforms(*(("parcel", parts[-1]) if rule == "answer" else ("failure", parts[0])))


def _conforms(rule: str, values: list[Any]) -> None:
    needed, optional = elements(rule)
    assert len(needed) <= len(values)
    for name, value in zip([*needed, *optional][: len(values)], values, strict=True):
        assert type(value) in kind(name.replace("_", "-")), (rule, name, value)
