from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from actorkit_actors.catalogue import CATALOGUE
from actorkit_kit.topology.schema import schema
from actorkit_kit.topology.schema import text as schema_text
from tests.kit.conftest import Kit
from tests.kit.plans import ORDERS

VALIDATOR = jsonschema.Draft7Validator(schema())


def problems(text: str) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(YAML(typ="safe", pure=True).load(text))]


def test_the_schema_is_one_and_takes_a_good_topology() -> None:
    jsonschema.Draft7Validator.check_schema(schema())
    assert problems(ORDERS) == []


@pytest.mark.parametrize(
    ("good", "bad", "path"),
    [
        ("name: orders", "name: Orders", "$.name"),
        ("uses: xslt", "uses: xsl", "$.actors['to-order'].uses"),
        ("{service: orders}}", "{servce: orders}}", "$.actors.place.params"),
        ("replicas: 2}\n  execute", "replicas: 0}\n  execute", "$.actors.worker.replicas"),
        ("{file: submit.xsl}", "{fil: submit.xsl}", "$.actors['to-order'].params.stylesheet"),
        ("expose: {http: 8080}", "expose: {http: 80800}", "$.actors.web.expose.http"),
        ("broker: {replicas: 2", "broker: {replica: 2", "$.broker"),
        ("clear: true", "clear: maybe", "$.clear"),
        ("broker: {replicas: 2}", "broker: {params: {queue_limit: many}}", "$.broker.params.queue_limit"),
        ("broker: {replicas: 2}", "registration: {replicas: many}", "$.registration.replicas"),
        ("broker: {replicas: 2}", "titanic: {clear: true}", "$.titanic"),
        ("connections:", "conections:", "$"),
        ("worker -> execute -> worker", "worker => execute", "$.connections[2]"),
    ],
)
def test_the_schema_finds_what_stands_wrong(good: str, bad: str, path: str) -> None:
    assert good in ORDERS
    assert path in problems(ORDERS.replace(good, bad, 1))


def test_kit_writes_the_schema(kit: Kit, tmp_path: Path) -> None:
    expected = json.loads(json.dumps(schema()))
    assert json.loads(kit("schema").stdout) == expected
    assert kit("schema", "-o", "topology.schema.json", cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "topology.schema.json").read_text()) == expected


@pytest.mark.parametrize(
    ("good", "bad"),
    [("uses: stdout", "uses: stdotu"), ("prefix: a", "prefixes: a"), ("interval_s: 1", "interval_s: x")],
)
def test_a_checker_of_editors_finds_what_stands_wrong(tmp_path: Path, good: str, bad: str) -> None:
    text = (
        "name: t\nactors:\n  gen: {uses: generator, params: {interval_s: 1}}\n"
        "  out: {uses: stdout, params: {prefix: a}}\nconnections: [gen -> out]\n"
    )
    (tmp_path / "schema.json").write_text(schema_text())
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", "schema.json", "topology.yaml"]
    for content, status in ((text, 0), (text.replace(good, bad), 1)):
        (tmp_path / "topology.yaml").write_text(content)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == status, done.stdout


def test_the_schema_stays_small() -> None:
    """Editors fetch it whole: what all actors have stands there once."""
    assert len(schema_text()) < 10_000 * len(CATALOGUE)
    assert len(json.dumps(schema()["definitions"]["params-null"])) < 1000
