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
    ],
)
def test_what_is_not_yaml_is_told_with_its_place_and_what_to_do(text: str, place: tuple[int, int], words: str) -> None:
    (mistake,) = read(text).mistakes
    assert mistake[1] == place
    assert words in mistake[2]
    assert "\n" not in mistake[2]


def test_aliases_and_merge_keys_mean_what_yaml_says() -> None:
    document = read("x-all: &all {replicas: 2, env: {A: b}}\nweb: {<<: *all, replicas: 3}\n")
    assert document.data["web"] == {"replicas": 3, "env": {"A": "b"}}


def test_aliases_that_multiply_without_end_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    document = read("\n".join(lines))
    assert any("endless" in message for _, _, message in document.mistakes)


def test_yaml_1_2_is_read_so_that_yes_and_dates_stay_text() -> None:
    assert read("a: yes\nb: 2026-01-31\nc: true\n").data == {"a": "yes", "b": "2026-01-31", "c": True}
