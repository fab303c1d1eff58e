from __future__ import annotations

from pathlib import Path

import pytest

from actorkit_kit.topology.document import Document, parse

HERE = Path("/nowhere")


def read(text: str) -> Document:
    return parse(text, "topology.yaml", HERE)


def test_every_key_and_value_has_its_line_and_column() -> None:
    document = read("name: orders\nactors:\n  web: {uses: http-server,\n    replicas: 2}\n")
    assert document.data == {"name": "orders", "actors": {"web": {"uses": "http-server", "replicas": 2}}}
    assert document.place(("name",)) == (1, 7)
    assert document.place(("actors", "web"), key=True) == (3, 3)
    assert document.place(("actors", "web", "replicas")) == (4, 15)


def test_a_path_that_is_not_there_stands_where_its_nearest_ancestor_stands() -> None:
    document = read("actors:\n  web: {uses: x}\n")
    assert document.place(("actors", "web", "params", "routes", 0)) == (2, 8)


def test_a_key_that_stands_twice_is_a_mistake_and_the_first_one_counts() -> None:
    document = read("a: 1\nb: 2\na: 3\n")
    assert document.data == {"a": 1, "b": 2}
    assert document.mistakes == (
        (("a",), (3, 1), 'the key "a" stands here twice, first in line 1. Remove one of them.'),
    )


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: b: c\n", (1, 5), "mapping values are not allowed here"),
        ("a:\n\t- b\n", (2, 1), "Indent with blanks"),
        ("a: *nobody\n", (1, 4), "undefined alias"),
        ("connections:\n  - [a.error, b.error] -> web\n", (2, 24), 'in quotes: - "[a.error, b.error] -> web"'),
        ("a: !tag x\n", (1, 4), 'the tag "!tag" is not known'),
        ("a: .inf\n", (1, 4), "not a finite number"),
        ("? [a, b]\n: c\n", (1, 3), "a key must be a text"),
        ("a: &a [*a]\n", (1, 4), "endless"),
        (f"a: {'1' * 5_000}\n", (1, 4), '11…" is no int that can be read'),
        (f"a: 0x{'f' * 5_000}\n", (1, 4), "more than 64 bits"),
        ("a: -9223372036854775809\n", (1, 4), "more than 64 bits"),
        ("a: 1e999\n", (1, 4), "not a finite number"),
        ("a: !!int abc\n", (1, 4), '"abc" is no int'),
        ("a: !!float abc\n", (1, 4), '"abc" is no float'),
        ("a: !!bool maybe\n", (1, 4), '"maybe" is no bool'),
        ('a: "\\UFFFFFFFF"\n', (1, 1), "this is not YAML"),
        ("a: \0\n", (1, 4), "no YAML file may hold the character U+0000"),
        ("a: !!set {b}\n", (1, 4), "is not known"),
        ('a: "\\ud83d"\n', (1, 4), "half of a surrogate pair"),
        ('"\\ude00": a\n', (1, 1), "half of a surrogate pair"),
        (f"a: {'[' * 2_000}{']' * 2_000}\n", (1, 103), "nested here more than 100 deep"),
        (f"{'? ' * 2_000}a\n", (1, 201), "nested here more than 100 deep"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_place_and_what_to_do(text: str, place: tuple[int, int], words: str) -> None:
    (mistake,) = read(text).mistakes
    assert mistake[1] == place
    assert words in mistake[2]
    assert "\n" not in mistake[2]


def test_json_is_yaml_and_its_escapes_are_one_character() -> None:
    assert read('{"a": "\\ud83d\\ude00", "\\ud83d\\ude00": 1}').data == {"a": "😀", "😀": 1}


def test_aliases_that_nest_without_end_are_stopped() -> None:
    for link in ("[*a{}]", "{{<<: *a{}}}"):
        lines = ["a0: &a0 {x: y}", *(f"a{n}: &a{n} {link.format(n - 1)}" for n in range(1, 400))]
        mistakes = read("\n".join(lines)).mistakes
        assert mistakes
        assert all("nested here more than 100 deep" in message for _, _, message in mistakes)


def test_an_anchor_may_stand_twice() -> None:
    assert read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").data == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_aliases_and_merge_keys_mean_what_yaml_says() -> None:
    document = read("x-all: &all {replicas: 2, env: {A: b}}\nweb: {<<: *all, replicas: 3}\n")
    assert document.data["web"] == {"replicas": 3, "env": {"A": "b"}}


def test_aliases_that_multiply_without_end_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    document = read("\n".join(lines))
    (mistake,) = document.mistakes
    assert "the file has more than 300000 values, aliases resolved" in mistake[2]


def test_yaml_1_2_is_read_so_that_yes_and_dates_stay_text() -> None:
    assert read("a: yes\nb: 2026-01-31\nc: true\n").data == {"a": "yes", "b": "2026-01-31", "c": True}
