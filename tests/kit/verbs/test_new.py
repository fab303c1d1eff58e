"""`kit new`: what it writes runs at once, and does what it says."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from actorkit_kit import python_process
from actorkit_kit.scaffold.project import examples
from actorkit_kit.scaffold.templates import actor_kinds
from tests.kit.conftest import Kit
from tests.kit.running import KitRun
from tests.places import ROOT
from tests.ports import free_port

#: What a client sends to an actor of each kind: arguments of curl; and what it gets.
ASKED = {
    "any": (["-d", "number=1"], {"number": ["1"]}),
    "form": (["-d", "name=Ada&name=Grace"], {"name": "Grace"}),
    "http": (["-H", "Content-Type: text/plain", "-d", "number=1"], {"path": "/http-one", "bytes": 8}),
    "json": (["--json", '{"number": 1}'], {"json-one": {"number": 1}}),
    "xml": (["-H", "Content-Type: application/xml", "-d", "<order/>"], '<order passed="xml-one"/>'),
}


def curl(url: str, *arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "20", url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def with_free_port(topology: Path) -> None:
    topology.write_text(topology.read_text().replace("8080", str(free_port())))


def test_every_template_runs_passes_its_tests_and_answers_curl(kit: Kit, tmp_path: Path) -> None:
    made = kit("new", "shop", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "shop"
    for kind in actor_kinds():
        made = kit("new", "actor", f"{kind}-one", "--takes", kind, cwd=folder)
        assert made.returncode == 0, made.stderr
        assert f'nothing is connected to "{kind}-one". Connect something to it' in made.stderr
    topology = folder / "topology.yaml"
    circles = "".join(f"  - web -> {kind}-one -> web\n" for kind in actor_kinds())
    topology.write_text(topology.read_text().replace("connections:\n", f"connections:\n{circles}"))
    with_free_port(topology)
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=folder,
        env=python_process.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    with closing(KitRun(folder)) as run:
        url = run.table()["web"]["urls"][0]
        assert json.loads(curl(f"{url}/greet", "--json", '{"name": "Ada"}')) == {"greeting": "Hello, Ada!"}
        assert "the request has no name" in curl(f"{url}/greet", "--json", "{}")
        for kind, (arguments, wanted) in ASKED.items():
            answer = curl(f"{url}/{kind}-one", *arguments)
            assert (json.loads(answer) if kind != "xml" else answer) == wanted
        assert run.stop() == 0, run.said()
    assert set(ASKED) == set(actor_kinds())


def test_ten_lines_of_an_authors_own_answer_curl() -> None:
    code = (ROOT / "templates/topology/{{package}}/greet.py.jinja").read_text().partition('"""\n')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    assert [node.name for node in ast.parse(code).body if isinstance(node, ast.ClassDef)] == ["Greet"]


def test_an_actor_stands_behind_another_and_comments_stay(kit: Kit, tmp_path: Path) -> None:
    assert kit("new", "--example", "orders", cwd=tmp_path).returncode == 0
    topology = tmp_path / "orders" / "topology.yaml"
    before = topology.read_text().splitlines()
    made = kit("new", "actor", "price", "--takes", "xml", "--after", "auth", "-f", "orders", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.splitlines() == [
        "wrote orders/tests/test_price.py",
        "wrote orders/shop/shop/price.py",
        "changed orders/topology.yaml",
    ]
    after = topology.read_text().splitlines()
    assert [line for line in before if line not in after] == ["  - web -> auth -> to-order -> place -> to-ack -> web"]
    assert "  - web -> auth -> price -> to-order -> place -> to-ack -> web" in after
    assert kit("validate", "orders", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("name", examples())
def test_a_copy_of_an_example_has_no_mistakes(name: str, kit: Kit, tmp_path: Path) -> None:
    made = kit("new", "--example", name, "mine", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    validated = kit("validate", "mine", cwd=tmp_path)
    assert validated.returncode == 0, validated.stdout


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["full"], '"full" is there already'),
        (["My_Shop"], 'Did you mean "my-shop"?'),
        (["json"], 'there is a package "json"'),
        ([], "Name the folder: kit new shop."),
        (["actor"], "Name the actor: kit new actor place."),
        (["--example", "ordrs"], 'Did you mean "orders"?'),
        (["--example", "orders", "full"], '"full" is there already'),
        (["actor", "place", "--takes", "jsn"], 'Did you mean "json"?'),
        (["actor", "place"], 'there is no file "topology.yaml"'),
        (["actor", "place", "-f", "wrong.yaml"], "wrong.yaml:3:1: "),
        (["actor", "place", "-f", "there.yaml"], 'place.py" is there already'),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_written(
    arguments: list[str], what: str, kit: Kit, tmp_path: Path
) -> None:
    (tmp_path / "full" / "place").mkdir(parents=True)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "place.py").touch()
    (tmp_path / "wrong.yaml").write_text("name: shop\nactors: [\n")
    (tmp_path / "there.yaml").write_text("name: shop\nactors:\n  auth: {uses: generator}\n  out: {uses: stdout}\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    made = kit("new", *arguments, cwd=tmp_path)
    assert made.returncode == 2
    assert what in made.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
