"""Awkward names and values on Kubernetes: each arrives as it was written, and no two objects have one name."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from actorkit_kit.render import folder, helm
from actorkit_kit.render.yamltext import Quoted, dump
from tests import needs
from tests.kit.plans import plan_of

ENVIRONMENT = {
    "PASSWORD": "pa$$word",
    "REFERENCE": "$$(ACTORKIT_LOG_LEVEL)",
    "PLAIN": "$(HOME) $HOME ${HOME} $",
    "NO": "1",
    "Y": "on",
    "ON": "0x1F",
    "OCTAL": "0o17",
    "DATE": "2001-12-14",
    "TIME": "190:20:30",
    "EMPTY": "",
    "LINES": "a\n b\n",
    "QUOTES": "\"'`{{ .Release.Name }}\\",
    "ACTORKIT_LOG_LEVEL": "debug",
}

TOPOLOGY = """\
name: "on"
actors:
  n: {uses: generator, params: {count: 1, data: {price: "a$$b $(HOME) {{ .Values }}"}}, env: ENVIRONMENT}
  y: {uses: stdout}
  web: {uses: http-server, params: {routes: [{path: "/<queue>"}]}, expose: {http: 18081}}
  web-http: {uses: stdout}
  helm-test: {uses: stdout}
  a-very-long-name-of-an-actor-to-be-cut-x: {uses: basic-auth, params: {users: {secret: web_users}}}
  other: {uses: basic-auth, params: {users: {secret: web-users}, realm: {secret: LONG}}}
  third: {uses: basic-auth, params: {users: {secret: "a b"}, realm: {secret: "on"}}}
connections:
  - n -> y
  - web -> web-http -> web
  - web -> helm-test
  - web -> a-very-long-name-of-an-actor-to-be-cut-x -> other -> third -> web
"""
LONG = "s" * 70


def expanded(value: str) -> str:
    """What Kubernetes makes of the value of a variable: `$$` is `$`. A reference would be a mistake of ours."""
    out, rest = "", value
    while rest:
        if rest.startswith("$$"):
            out, rest = out + "$", rest[2:]
        else:
            assert not rest.startswith("$("), f"a reference in {value!r}"
            out, rest = out + rest[0], rest[1:]
    return out


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    base = tmp_path / "topology"
    (base / "secrets").mkdir(parents=True)
    for name in ("web_users", "web-users", "a b", "on", LONG):
        (base / "secrets" / name).write_text("bob:pass\n")
    (base / "secrets" / "on").write_text("")
    environment = dump({"env": {key: Quoted(value) for key, value in ENVIRONMENT.items()}})
    topology = YAML(typ="safe").load(TOPOLOGY.replace("LONG", LONG))
    topology["actors"]["n"]["env"] = YAML(typ="safe").load(environment)["env"]
    where = tmp_path / "chart"
    folder.write(helm.render(plan_of(dump(_quoted(topology)), base)), where, helm.PRIVATE)
    return where


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    return Quoted(value) if isinstance(value, str) else value


def manifests(chart: Path, command: str, release: str) -> list[dict[str, Any]]:
    """What helm makes, as a reader of YAML 1.1 sees it."""
    linted = subprocess.run([needs.tool(command), "lint", "--strict", str(chart)], capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    done = subprocess.run([needs.tool(command), "template", release, str(chart)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    return [document for document in reader.load_all(done.stdout) if document]


@pytest.mark.parametrize("command", ["helm3", "helm4"])
@pytest.mark.parametrize("release", ["r", "123", "1.x", "r" * 53])
def test_awkward_names_and_values_arrive_as_they_were_written(chart: Path, command: str, release: str) -> None:
    found = manifests(chart, command, release)
    names = Counter((one["kind"], one["metadata"]["name"]) for one in found)
    assert [name for name, count in names.items() if count > 1] == []
    for kind, name in names:
        assert isinstance(name, str)
        assert kind != "Service" or re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name), name
        assert len(name) <= (63 if kind == "Service" else 52 if kind == "StatefulSet" else 253), (kind, name)
    for one in found:
        for label, value in one["metadata"]["labels"].items():
            assert isinstance(value, str), (one["metadata"]["name"], label)
    for one in found:
        if one["kind"] not in ("Deployment", "StatefulSet"):
            continue
        pod = one["spec"]["template"]["spec"]
        for things in (pod["volumes"], pod["containers"][0]["ports"], pod["containers"][0]["env"]):
            assert max(Counter(thing["name"] for thing in things).values()) == 1
            assert all(isinstance(thing["name"], str) for thing in things)
        assert all(len(volume["name"]) <= 63 for volume in pod["volumes"])
        assert all(len(port["name"]) <= 15 for port in pod["containers"][0]["ports"])
    (workload,) = (
        one
        for one in found
        if one["kind"] == "Deployment" and one["metadata"]["labels"]["app.kubernetes.io/component"] == "n"
    )
    variables = {
        variable["name"]: expanded(variable["value"])
        for variable in workload["spec"]["template"]["spec"]["containers"][0]["env"]
        if "value" in variable
    }
    for name, value in ENVIRONMENT.items():
        assert variables[name] == value, name
    assert "a$$b $(HOME) {{ .Values }}" in variables["ACTORKIT_PARAMS"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1), st.text()))
def test_what_is_written_as_yaml_is_read_as_the_same_texts_by_yaml_1_1(content: dict[str, str]) -> None:
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    assert reader.load(dump({"content": _quoted(content)}))["content"] == content


@pytest.mark.parametrize(
    "key", ["n", "Y", "no", "On", "off", "null", "~", "1_000", "0x1f", "1:30", "1e3", "2001-12-14", "<<"]
)
def test_a_key_that_yaml_1_1_takes_for_something_else_is_quoted(key: str) -> None:
    assert dump({key: [key]}) == f'"{key}": ["{key}"]\n'
