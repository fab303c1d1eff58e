"""Awkward names, parameters, files, secrets and variables arrive byte for byte in real containers, of both targets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.integration import shop
from tests.integration.test_cluster import forwarded, namespace, run
from tests.integration.test_compose import kit_with
from tests.kit import awkward
from tests.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

__all__ = ["namespace"]

VARIABLES = {awkward.VARIABLE: os.fsdecode(awkward.IN_VARIABLE)}


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[tuple[str, dict[str, awkward.Given]]]:
    """The URL of what is deployed on the engine, and what its actors must have got."""
    needs.engine()
    port = free_port()
    expected = awkward.write(tmp_path, "off", port, awkward.drawn())
    kit = kit_with(**VARIABLES)
    try:
        done = kit("deploy", str(tmp_path), "--no-prometheus")
        assert done.returncode == 0, done.stderr
        yield f"http://127.0.0.1:{port}", expected
    finally:
        kit("down", str(tmp_path), "--volumes")


def test_whatever_is_written_arrives_in_containers_of_compose(
    deployed: tuple[str, dict[str, awkward.Given]],
) -> None:
    awkward.check(*deployed)


@pytest.fixture
def installed(namespace: Callable[[str], None], tmp_path: Path) -> Iterator[tuple[str, dict[str, awkward.Given]]]:
    """The URL of what is installed on the cluster, and what its actors must have got."""
    expected = awkward.write(tmp_path / "awkward", "off", 8080, awkward.drawn())
    kit = kit_with(**VARIABLES)
    built = kit("build", str(tmp_path / "awkward"), "--output", "json")
    assert built.returncode == 0, built.stderr
    images = [row["image"] for row in json.loads(built.stdout)]
    # All actors but the front and the dead-letter box have the same code: one image is loaded for all of them.
    (front,) = (image for image in images if "http-server" in image)
    (box,) = (image for image in images if "dead-letters" in image)
    (one,) = (image for image in images if image.startswith("off/n:"))
    for image in (front, box, one):
        namespace(image)
    repository, _, tag = one.rpartition(":")
    same = {"image": {"repository": repository, "tag": tag}}
    (tmp_path / "same.json").write_text(json.dumps({"actors": dict.fromkeys(expected, same)}))
    chart = tmp_path / "chart"
    done = kit("render", "helm", str(tmp_path / "awkward"), "-o", str(chart))
    assert done.returncode == 0, done.stderr
    helm = [needs.tool("helm"), "--namespace", "actorkit-test"]
    run(
        *helm,
        "install",
        "1e3",
        str(chart),
        "--values",
        str(tmp_path / "same.json"),
        *shop.STORAGE,
        "--wait",
        "--timeout",
        "240s",
    )
    try:
        with forwarded("deployment/r1e3-web", 8080) as url:
            yield url, expected
    finally:
        run(*helm, "uninstall", "1e3", "--wait")


@pytest.mark.cluster
def test_whatever_is_written_arrives_in_pods(installed: tuple[str, dict[str, awkward.Given]]) -> None:
    awkward.check(*installed)
