"""Odd files: as topologies, as files of parameters and as secrets. Each is one finding with its line, or just works."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from actorkit_kit.errors import UsageError
from actorkit_kit.load import load_plan
from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import parse
from actorkit_kit.topology.load import load_document

GOOD = """\
name: odd
actors:
  gen: {uses: generator, params: {count: 1, data: DATA}}
  out: {uses: stdout, params: {prefix: PREFIX}}
connections: [gen -> out]
clear: true
"""


def good(data: str = "1", prefix: str = "x") -> str:
    return GOOD.replace("DATA", data).replace("PREFIX", prefix)


def lines(text: str, base: Path) -> list[str]:
    return [str(finding) for finding in check(parse(text, "odd.yaml", base)).findings]


@contextmanager
def seconds(limit: int) -> Iterator[None]:
    """Fails what takes longer, wherever it is."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {limit} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder, with files that are hard to read in it, once as such and once as secrets."""
    (tmp_path / "secrets").mkdir()
    for where in (tmp_path, tmp_path / "secrets"):
        (where / "folder").mkdir()
        os.mkfifo(where / "fifo")
        for name, target in {"unreadable": "/proc/self/mem", "endless": "/dev/zero", "round": "round"}.items():
            (where / name).symlink_to(target)
        contents = {
            "binary": b"\xff\xfe\0",
            "empty": b"",
            "bom": b"\xef\xbb\xbf{}",
            "digits": b"9" * 5_000,
            "deep": b"[" * 100_000,
            "half": b'"\\ud83d"',
            "nan": b"NaN",
        }
        for name, content in contents.items():
            (where / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(
    "content",
    [
        good().replace("\n", "\r\n").encode(),
        good().replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + good().encode(),
        b"%YAML 1.2\n---\n" + good().encode() + b"...\n",
        good('"\\ud83d\\ude00"').encode(),
        good("=").encode(),
        good("{a: &a [1], b: *a, c: &a 2, d: *a}").encode(),
        good("{<<: {a: 1}, b: 2}").encode(),
        good("[" * 90 + "]" * 90).encode(),
        good(f'"{"x" * 300_000}"').encode(),
    ],
    ids=["crlf", "cr", "bom", "directive", "emoji", "equals", "anchors", "merge", "deep", "long"],
)
def test_an_odd_topology_that_is_yaml_is_one(folder: Path, content: bytes) -> None:
    (folder / "topology.yaml").write_bytes(content)
    assert [unit.name for unit in load_plan(str(folder)).units] == ["gen", "out"]


BOMB = "x-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"x-{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "x-a: &a {a: 1, b: 2}\n" + "".join(
    f"x-{after}: &{after} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (good("9" * 5_000), f'odd.yaml:3:51: actors.gen.params.data: "{"9" * 40}…" is no int that can be read.'),
        (good("0x" + "f" * 5_000), "3:51: actors.gen.params.data: this number has more than 64 bits."),
        (good("1e999"), "3:51: actors.gen.params.data: this is not a finite number."),
        (good().replace("count: 1", "count: 1e999"), "3:42: actors.gen.params.count: this is not a finite number."),
        (good('"a\\0b"'), "3:51: actors.gen.params.data: this text holds the character NUL"),
        (good() + "# \0\n", "odd.yaml:7:3: no YAML file may hold the character U+0000."),
        (good('"\\ud83d"'), "3:51: actors.gen.params.data: this text holds half of a surrogate pair."),
        (good("!!int abc"), '3:51: actors.gen.params.data: "abc" is no int that can be read.'),
        (good("!!bool maybe"), '3:51: actors.gen.params.data: "maybe" is no bool that can be read.'),
        (good("!!binary aGk="), 'the tag "tag:yaml.org,2002:binary" is not known here.'),
        (good("!!map [1]"), 'the tag "tag:yaml.org,2002:map" is not known here.'),
        (good("!!seq {a: 1}"), 'the tag "tag:yaml.org,2002:seq" is not known here.'),
        (good("!mine x"), 'the tag "!mine" is not known here.'),
        (good("{<<: 3, b: 1}"), "only a mapping can be merged. Name one: <<: *anchor."),
        (good("{<<: [3, {c: 1}], b: 1}"), "only a mapping can be merged."),
        (good("*nothing"), "found undefined alias"),
        (good("&a [*a]"), "this alias makes the file endless."),
        (good("&a {<<: *a, b: 1}"), "this alias makes the file endless."),
        (good("[" * 5_000 + "]" * 5_000), "values are nested here more than 100 deep."),
        (BOMB + good(), "the file has more than 300000 values, aliases resolved."),
        (MERGES + good(), "the file has more than 300000 values, aliases resolved."),
        (good() + "name: twice\n", 'odd.yaml:7:1: name: the key "name" stands here twice, first in line 1.'),
        (good().replace("  gen:", "\tgen:"), "Indent with blanks, not with tabs."),
        (good() + "---\n" + good(), "found another document"),
        ("", "odd.yaml: this is nothing, not a topology."),
        ("# nothing\n", "odd.yaml: this is nothing, not a topology."),
        ("- a\n", "odd.yaml:1:1: this is a list, not a topology."),
        (good().replace("uses: stdout", "uses: ''"), "4:15: actors.out.uses: this is empty. Say what the actor is"),
        (good().replace("uses: stdout", "uses: 'a:B', build: ''"), "actors.out.build: this is empty."),
        (good().replace("name: odd", "name: ''"), "odd.yaml:1:7: name: this is empty. Name the topology"),
    ],
)
def test_an_odd_topology_is_one_finding_with_its_line(tmp_path: Path, text: str, finding: str) -> None:
    with seconds(20):
        (found,) = [line for line in lines(text, tmp_path) if '"name" is missing' not in line]
    assert finding in found
    assert len(found) < 400


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fifo", 'there is no file "'),
        ("endless", 'there is no file "'),
        ("round", 'there is no file "'),
        ("folder", 'there is no file "'),
        ("x" * 300, 'there is no file "'),
        ("unreadable", "cannot be read: Input/output error"),
        ("binary", r"is not UTF-8 text\. Save it as UTF-8\."),
    ],
)
def test_what_is_no_file_of_text_is_no_topology(folder: Path, name: str, words: str) -> None:
    with seconds(20), pytest.raises(UsageError, match=words):
        load_document(str(folder / name))


def test_a_topology_below_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    (folder / "topology.yaml").write_text(good())
    with pytest.raises(UsageError, match=r"is not UTF-8 text\. Rename it\."):
        load_document(str(folder))


@pytest.mark.parametrize("form", ["file", "secret"])
@pytest.mark.parametrize(
    ("name", "data", "prefix"),
    [
        ("folder", "no file", "no file"),
        ("fifo", "no file", "no file"),
        ("endless", "no file", "no file"),
        ("round", "no file", "no file"),
        ("nowhere", "no file", "no file"),
        ("x" * 300, "no file", "no file"),
        ("", "this is empty. Write the name of a", "this is empty. Write the name of a"),
        ("unreadable", "cannot be read: Input/output error", "cannot be read: Input/output error"),
        ("binary", "is not UTF-8 text", "is not UTF-8 text"),
        ("empty", "is not JSON", ""),
        ("bom", "is not JSON", ""),
        ("digits", "is not JSON", ""),
        ("deep", "is not JSON", ""),
        ("half", "is not JSON", ""),
        ("nan", "is not JSON", ""),
    ],
)
def test_a_file_that_no_actor_could_read_is_one_finding(
    folder: Path, form: str, name: str, data: str, prefix: str
) -> None:
    reference = f'{{{form}: "{name}"}}'
    with seconds(20):
        for text, words in ((good(data=reference), data), (good(prefix=reference), prefix)):
            found = lines(text, folder)
            assert len(found) == (1 if words else 0), found
            assert words in "".join(found)


def test_a_variable_with_a_secret_that_is_not_set_is_told_beforehand(tmp_path: Path) -> None:
    text = good(prefix="{secret: word}") + "secrets: {word: {env: NOT_SET_ANYWHERE}}\n"
    checked = check(parse(text, "odd.yaml", tmp_path))
    assert not checked.findings
    assert [str(one) for one in checked.unset] == [
        "odd.yaml:7:23: secrets.word.env: the variable NOT_SET_ANYWHERE is not set. Set it to the secret's content."
    ]
