"""docs/words.md is true: its words are where it says, and those that it has struck off are nowhere in the code."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import DOCS, ROOT

TEXT = (DOCS / "words.md").read_text()
WORDS, _, STRUCK = TEXT.partition("\n## Words that are not used")
ROWS = re.findall(r"^\| ([^|]+?) \| [^|]+ \| [^|]+ \| `([^`|]+)` \|$", WORDS, re.M)

#: (names that were struck off, names that are written instead).
INSTEAD = [
    (re.findall(r"`(\w+)`", old), re.findall(r"`(\w+)`", new))
    for old, new in re.findall(r"^\| (`[^|]+) \| ([^|]+) \|$", STRUCK, re.M)
]
BANNED = frozenset(name for old, _ in INSTEAD for name in old)
PACKAGES = ("runtime/actorkit", "kit/actorkit_kit", "actors/actorkit_actors")

#: Verbs and nouns that end in "ed".
NO_PARTICIPLES = frozenset({"embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed"})
#: What is told by its call: that it has happened.
NEWS = frozenset({"acknowledged", "answered", "arrived", "ended", "finished", "started", "touched"})
#: Methods of an Event that give another thing made of one, as `sorted` does.
OF_AN_EVENT = frozenset({"encoded", "failed", "received"})


def test_there_are_words() -> None:
    assert len(ROWS) > 50
    assert len(re.findall(r"^\| (?!word|instead|---)", WORDS, re.M)) == len(ROWS), (
        "a row has no file in its last column"
    )


@pytest.mark.parametrize(("word", "path"), ROWS)
def test_a_word_lives_where_it_is_said_to(word: str, path: str) -> None:
    file = ROOT / path
    assert file.is_file()
    text = " ".join(file.read_text().lower().replace("_", " ").split())
    for part in word.lower().split(" … "):
        assert part.replace("_", " ") in text or part.replace(" ", "") in text.replace(" ", ""), part


def test_a_word_stands_there_once() -> None:
    words = [word for word, _ in ROWS]
    assert sorted(words) == sorted(set(words))


def identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of every name in a file's code."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


@pytest.mark.parametrize("package", PACKAGES)
def test_no_word_that_was_struck_off_is_a_name_in_the_code(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, name in identifiers(path)
        if name in BANNED
    ]
    assert not found


def test_what_is_written_instead_is_a_name_in_the_code() -> None:
    code = {name for package in PACKAGES for path in (ROOT / package).rglob("*.py") for _, name in identifiers(path)}
    assert len(BANNED) > 30
    assert {name for _, new in INSTEAD for name in new} - code == set()


def participles(code: str) -> Iterator[tuple[int, str]]:
    """The line and the name of every function that is called by one word in "ed"; properties may be."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        word = node.name.strip("_")
        decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
        is_property = any("property" in one or one.endswith(".setter") for one in decorators)
        if word.endswith("ed") and "_" not in word and word not in NO_PARTICIPLES | NEWS and not is_property:
            yield node.lineno, node.name


def test_a_participle_is_seen() -> None:
    code = "def _made_up(): ...\ndef _quoted(): ...\ndef feed(): ...\nclass A:\n @property\n def crowded(self): ...\n"
    assert list(participles(code)) == [(2, "_quoted")]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_function_is_called_by_a_verb_or_a_noun(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, name in participles(path.read_text())
        if not (path.name == "event.py" and name in OF_AN_EVENT)
    ]
    assert not found


def test_no_exception_is_kept_that_nothing_needs() -> None:
    code = "".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    assert [word for word in sorted(NEWS | OF_AN_EVENT) if f"def {word}(" not in code] == []
