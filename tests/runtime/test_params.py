"""Parameters: declared, checked all at once, read from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta

from actorkit import Actor, params
from actorkit.errors import SettingsError
from actorkit.params import Parameter, Problem


class Params(Actor.Params, frozen=True, kw_only=True):
    service: str
    timeout_s: Annotated[float, Meta(gt=0, description="how long to wait")] = 30.0
    token: Annotated[str, Meta(extra={"secret": True})] = ""
    sheet: Annotated[str, Meta(extra={"file": True, "unit": "lines"})] = ""
    routes: list[dict[str, int]] = []


def test_a_catalogue_sees_every_parameter_the_actors_own_first() -> None:
    declared = params.parameters_of(Params)
    assert declared[:5] == [
        Parameter("service", "str"),
        Parameter("timeout_s", "float", "how long to wait", "s", "30.0"),
        Parameter("token", "str", "", "", '""', secret=True),
        Parameter("sheet", "str", "", "lines", '""', file=True),
        Parameter("routes", "list[dict[str, int]]", "", "", "[]"),
    ]
    assert [parameter.name for parameter in declared[5:]] == [
        "concurrency",
        "threads",
        "retries",
        "backoff_s",
        "retry_on",
        "max_deliveries",
        "stuck_after_s",
        "consume_timeout_s",
    ]
    assert [parameter.required for parameter in declared[:2]] == [True, False]


def test_all_mistakes_are_found_at_once() -> None:
    given = {"timeot_s": 1, "timeout_s": -1, "routes": [{"a": "x"}], "concurrency": 0, "token": {"secret": "t"}}
    assert params.check(Params, given) == [
        Problem("timeot_s", 'there is no parameter "timeot_s". Did you mean "timeout_s"?'),
        Problem("timeout_s", "expected `float` > 0.0"),
        Problem("routes[0][...]", "expected `int`, got `str`"),
        Problem("concurrency", "expected `int` >= 1"),
        Problem("", 'the parameter "service" is required'),
    ]


def test_a_file_stands_for_its_content(tmp_path: Path) -> None:
    sheet, routes = tmp_path / "a.xsl", tmp_path / "routes.json"
    sheet.write_text("<x/>")
    routes.write_text('[{"a": 1}]')
    made = params.build(Params, {"service": "s", "sheet": {"file": str(sheet)}, "routes": {"file": str(routes)}})
    assert (made.sheet, made.routes) == ("<x/>", [{"a": 1}])


def test_a_folder_stands_for_its_files_by_name(tmp_path: Path) -> None:
    class Library(params.Params, frozen=True, kw_only=True):
        sheets: dict[str, str] = {}
        pictures: dict[str, bytes] = {}

    (tmp_path / "b.xsl").write_text("<b/>")
    (tmp_path / "a.xsl").write_text("<ä/>", encoding="utf-8")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "sub").mkdir()
    made = params.build(Library, {"sheets": {"folder": str(tmp_path)}, "pictures": {"folder": str(tmp_path)}})
    assert (list(made.sheets.items()), made.pictures["b.xsl"]) == ([("a.xsl", "<ä/>"), ("b.xsl", "<b/>")], b"<b/>")
    files = {params.FOLDER_FILES: {"one": str(tmp_path / "b.xsl")}}
    assert params.build(Library, {"sheets": files}).sheets == {"one": "<b/>"}
    with pytest.raises(SettingsError, match='sheets: the folder "/nothing" cannot be read: No such file'):
        params.build(Library, {"sheets": {"folder": "/nothing"}})
    (tmp_path / "c.xsl").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r'c\.xsl" cannot be read: it is not UTF-8 text'):
        params.build(Library, {"sheets": {"folder": str(tmp_path)}})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"service": "s", "sheet": {"file": "/nothing"}}, 'sheet: the file "/nothing" cannot be read: No such file'),
        ({"service": "s", "routes": {"file": __file__}}, "is not JSON"),
        ({"service": 3}, "service: expected `str`, got `int`"),
        ({}, 'the parameter "service" is required'),
    ],
)
def test_what_cannot_be_used_is_one_line(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        params.build(Params, given)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
