"""What the console answers, as WSGI has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import msgspec
import pytest

from actorkit.console.app import MOST_LOOKERS, App
from actorkit.console.plan import Actor, GraphPlan, PlanFile
from actorkit.console.watch import Watch
from tests.places import ROOT

PAGE = ROOT / "runtime/actorkit/console/page"
PLAN = GraphPlan(topology="<script>alert(1)</script>", actors=(Actor(name="web", uses="http-server"),))


@pytest.fixture
def app(tmp_path: Path) -> App:
    path = tmp_path / "plan.json"
    path.write_bytes(msgspec.json.encode(PLAN))
    return App(Watch(PlanFile(path)))


def ask(app: App, path: str, host: str = "127.0.0.1:9601", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, header fields and content of an answer that is as PEP 3333 wants it."""
    environ = {"PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": "", "HTTP_HOST": host, "REQUEST_METHOD": method}
    setup_testing_defaults(environ)
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def begin(status: str, fields: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
        begun.append((status, fields))
        return begun.append  # type: ignore[return-value]  # nobody writes by it

    with closing(validator(app)(environ, begin)) as answer:  # type: ignore[type-var]  # PEP 3333's own types
        content = b"".join(answer)
    ((status, fields),) = begun
    return int(status[:3]), dict(fields), content


def test_the_page_is_small_and_loads_nothing_from_elsewhere() -> None:
    files = {path.name: path.read_bytes() for path in PAGE.iterdir()}
    assert sum(map(len, files.values())) < 60_000
    places = {place for text in files.values() for place in re.findall(rb"(?:https?:)?//[\w.-]+\.\w+", text)}
    assert places <= {b"http://www.w3.org"}  # the name of a vocabulary; nobody asks there


def test_the_page_makes_no_markup_out_of_texts() -> None:
    script = (PAGE / "console.js").read_text()
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc", script
    )
    assert not re.findall(r"<[^>]* (?:style|on\w+)=", (PAGE / "console.html").read_text())


@pytest.mark.parametrize("path", ["/", "/console.css", "/console.js", "/icon.svg", "/plan", "/nothing"])
def test_every_answer_tells_the_browser_to_run_and_to_load_nothing_else(app: App, path: str) -> None:
    _, fields, _ = ask(app, path)
    policy = fields["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert fields["X-Content-Type-Options"] == "nosniff"


def test_the_plan_is_json_and_no_markup(app: App) -> None:
    status, fields, content = ask(app, "/plan")
    assert (status, fields["Content-Type"]) == (200, "application/json")
    assert msgspec.json.decode(content)["topology"] == PLAN.topology
    assert b"<script>alert" not in ask(app, "/")[2]


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9601", "127.0.0.1", "localhost:80", "localhost", "[::1]:9601", "10.0.0.7:1"]
)
def test_an_address_is_answered(app: App, host: str) -> None:
    assert ask(app, "/plan", host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9601", "127.0.0.1.evil.example:9601", ""])
def test_a_name_is_not_answered_as_it_may_be_somebody_elses(app: App, host: str) -> None:
    status, _, content = ask(app, "/plan", host)
    assert (status, content) == (421, b"ask by address or as localhost, not by a name: http://127.0.0.1:PORT\n")


def test_what_is_not_there_and_what_is_asked_in_a_wrong_way_is_told(app: App) -> None:
    assert ask(app, "/nothing")[0::2] == (404, b"there are /, /plan, /state, /events, /told, /way, /act\n")
    assert ask(app, "/plan", method="POST")[0::2] == (405, b"/plan takes GET\n")


def test_so_many_browsers_look_at_a_time_and_no_more(app: App) -> None:
    open_: list[Any] = []
    environ: dict[str, Any] = {"PATH_INFO": "/events", "HTTP_HOST": "localhost", "REQUEST_METHOD": "GET"}
    for _ in range(MOST_LOOKERS):
        stream = iter(app(environ, lambda *_: None))
        assert next(stream) == b"retry: 1000\n\n"
        open_.append(stream)
    status, _, content = ask(app, "/events")
    assert (status, content) == (503, f"{MOST_LOOKERS} browsers look already; close one\n".encode())
    open_.pop().close()
    assert next(iter(app(environ, lambda *_: None))) == b"retry: 1000\n\n"
    for stream in open_:
        stream.close()
