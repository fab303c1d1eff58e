"""The data that tests name, and golden files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actorkit_kit.testing.contents import content_of, is_same, write_golden
from actorkit_kit.topology.case import Data


@pytest.mark.parametrize(
    ("value", "format_", "wanted"),
    [
        ("hello", "", ("t", b"hello")),
        ("<a/>", "x", ("x", b"<a/>")),
        ({"a": "ä"}, "", ("j", '{"a":"ä"}'.encode())),
        (5, "", ("j", b"5")),
        ("5", "j", ("j", b'"5"')),
        (None, "", ("n", b"")),
        (None, "j", ("j", b"null")),
        ({"a": ["1", "2"]}, "f", ("f", b"a=1&a=2")),
    ],
)
def test_a_value_is_of_the_format_that_it_looks_like(value: Any, format_: str, wanted: tuple[str, bytes]) -> None:
    assert content_of(Data(value, format=format_)) == wanted


@pytest.mark.parametrize(
    ("name", "content", "format_"),
    [("a.json", b"{}", "j"), ("a.xml", b"<a/>", "x"), ("a.csv", b"a;b", "t"), ("a.png", b"\xff", "b")],
)
def test_the_ending_of_a_file_tells_its_format(tmp_path: Path, name: str, content: bytes, format_: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert content_of(Data(file=tmp_path / name)) == (format_, content)


@pytest.mark.parametrize(
    ("format_", "content", "written"),
    [
        ("j", b'{"b":1,"a":[2]}', '{\n  "b": 1,\n  "a": [\n    2\n  ]\n}\n'),
        ("x", b"<a><b>1</b></a>", "<a>\n  <b>1</b>\n</a>\n"),
        ("t", b"hello", "hello\n"),
    ],
)
def test_a_golden_file_says_the_same_as_what_came(tmp_path: Path, format_: str, content: bytes, written: str) -> None:
    file = tmp_path / "golden" / "a.json"
    write_golden(file, format_, content)
    assert file.read_text() == written
    assert is_same((format_, file.read_bytes()), (format_, content))
    assert not is_same((format_, file.read_bytes()), (format_, content.replace(b"1", b"3").replace(b"hello", b"")))
