"""Awkward names and values in what is rendered, as its readers see it: compose, and YAML 1.1 for Helm."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import compose, folder, helm, mounts
from tests import needs
from tests.kit import awkward
from tests.kit.plans import plan_of
from tests.kit.render.test_helm_names import expanded


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv(awkward.VARIABLE, os.fsdecode(awkward.IN_VARIABLE))
    base = tmp_path / "awkward"
    awkward.write(base, "on", 18_081, awkward.drawn())
    return plan_of((base / "topology.yaml").read_text(), base)


def mounted(plan: Plan) -> dict[tuple[str, str], bytes]:
    """What stands in the files of actors: (actor, path in the container) → content."""
    found = {}
    for unit in plan.units:
        for mount in unit.mounts:
            content = mounts.read(mount)
            found[unit.name, mount.target] = content
    return found


def params_of(variables: dict[str, str], read: Callable[[str], bytes]) -> Any:
    text = variables.get("ACTORKIT_PARAMS") or read(variables["ACTORKIT_PARAMS_FILE"])
    return json.loads(text)


def test_compose_reads_what_was_written(plan: Plan, tmp_path: Path) -> None:
    where = tmp_path / "compose"
    folder.write(compose.render(plan), where, compose.PRIVATE)
    command = [needs.tool("docker"), "compose", "--project-directory", str(where), "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    # What compose writes may be read by compose again, so a `$` is doubled in it.
    found = json.loads(done.stdout.replace(b"$$", b"$"))
    files = {
        (unit.name, one["target"]): Path(found[kind][one["source"]]["file"]).read_bytes()
        for unit in plan.units
        for kind in ("configs", "secrets")
        for one in found["services"][unit.name].get(kind, ())
    }
    assert files == mounted(plan)
    for unit in plan.units:
        variables = found["services"][unit.name]["environment"]
        for name, value in unit.environment_extra.items():
            assert variables[name] == value, f"{unit.name}: {name}"
        assert params_of(variables, lambda path, name=unit.name: files[name, path]) == json.loads(  # type: ignore[misc]
            json.dumps(unit.params)
        )


@pytest.mark.parametrize("command", ["helm3", "helm4"])
def test_kubernetes_reads_what_was_written(plan: Plan, tmp_path: Path, command: str) -> None:
    chart = tmp_path / "chart"
    folder.write(helm.render(plan), chart, helm.PRIVATE)
    done = subprocess.run([needs.tool(command), "template", "1e3", str(chart)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    found = [document for document in reader.load_all(done.stdout.decode()) if document]
    objects = {(one["kind"], one["metadata"]["name"]): one for one in found}
    assert len(objects) == len(found)
    files = {}
    for one in found:
        if one["kind"] != "Deployment":
            continue
        actor = one["metadata"]["labels"]["app.kubernetes.io/component"]
        pod = one["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for mount in pod["containers"][0]["volumeMounts"]:
            if "subPath" in mount:
                files[actor, mount["mountPath"]] = _content(objects, volumes[mount["name"]], mount["subPath"])
        variables = {one["name"]: _variable(objects, one) for one in pod["containers"][0]["env"]}
        unit = plan.unit(actor)
        for name, value in unit.environment_extra.items():
            assert variables[name] == value, f"{actor}: {name}"
        assert params_of(variables, lambda path, name=actor: files[name, path]) == json.loads(  # type: ignore[misc]
            json.dumps(unit.params)
        )
    assert files == mounted(plan)


def _variable(objects: dict[tuple[str, str], Any], written: dict[str, Any]) -> str:
    """The value of a variable, which may stand in a Secret: then nothing in it is expanded."""
    reference = written.get("valueFrom", {}).get("secretKeyRef")
    if reference:
        return base64.b64decode(objects["Secret", reference["name"]]["data"][reference["key"]]).decode()
    return expanded(written.get("value", ""))


def _content(objects: dict[tuple[str, str], Any], volume: dict[str, Any], path: str) -> bytes:
    """The file of that path in a volume that a Secret or a ConfigMap makes."""
    if "secret" in volume:
        (item,) = volume["secret"]["items"]
        assert item["path"] == path
        return base64.b64decode(objects["Secret", volume["secret"]["secretName"]]["data"][item["key"]], validate=True)
    made = objects["ConfigMap", volume["configMap"]["name"]]
    if path in made.get("data", {}):
        return str(made["data"][path]).encode()
    return base64.b64decode(made["binaryData"][path], validate=True)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((1_100_000, 0), 'the files of "out" and its long parameters are 1100000 bytes, more than the 1048576'),
        ((0, 1_100_000), 'the secret "big" is 1100000 bytes, more than the 1048576 that a Secret can hold'),
        ((500_000, 500_000), "all files and secrets together make a release of"),
    ],
)
def test_what_kubernetes_has_no_room_for_is_refused(tmp_path: Path, sizes: tuple[int, int], words: str) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "report.py").write_text(awkward.CODE)
    for name, size in zip(("big.bin", "secrets/big"), sizes, strict=True):
        (tmp_path / name).write_bytes(os.urandom(size))
    text = (
        "name: t\nactors:\n  gen: {uses: generator}\n  out: {uses: 'report:Report', build: code, "
        "params: {blob: {file: big.bin}, sealed: {secret: big}}}\nconnections: [gen -> out]\n"
    )
    with pytest.raises(KitError, match=words):
        helm.render(plan_of(text, tmp_path))
