"""What tests of deployments use: the commands kit and docker, and patience."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from actorkit_kit import python_process
from tests import needs


def kit(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    return subprocess.run(
        [*python_process.command("actorkit_kit"), *arguments],
        env=python_process.environ(extra={"NO_COLOR": "1"}),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def docker(*arguments: str) -> str:
    """Run docker; what it writes."""
    done = subprocess.run([needs.tool("docker"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def load_images(topology: Path, load: Sequence[str]) -> None:
    """Build the images of a topology, and load them into the cluster with the command `load`."""
    built = kit("build", str(topology), "-o", "json")
    assert built.returncode == 0, built.stderr
    for row in json.loads(built.stdout):
        loaded = subprocess.run([*load, row["image"]], capture_output=True, text=True, check=False)
        assert loaded.returncode == 0, loaded.stderr


@contextmanager
def deployed(name: str, text: str, folder: Path) -> Iterator[Path]:
    """The file of a topology that is deployed from a folder, without Prometheus; it is taken down with its volumes."""
    needs.engine()
    topology = folder / "topology.yaml"
    topology.write_text(text)
    try:
        done = kit("deploy", str(topology), "--no-prometheus")
        assert done.returncode == 0, done.stderr
        yield topology
    finally:
        kit("down", name, "--volumes")
