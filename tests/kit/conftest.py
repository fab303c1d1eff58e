"""The real `kit` command, and topologies to give to it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actorkit_kit import python_process
from tests.kit.registry import running_registry

Kit = Callable[..., "subprocess.CompletedProcess[str]"]

STYLESHEET = """\
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="/"><order><xsl:copy-of select="*"/></order></xsl:template>
</xsl:stylesheet>
"""

CODE = '''\
from actorkit import Actor, Event


class Place(Actor):
    """Places an order."""

    OUTBOXES = ("audit",)

    class Params(Actor.Params, frozen=True, kw_only=True):
        limit_eur: float = 100.0

    def consume(self, event: Event) -> Event:
        return event
'''


@pytest.fixture(scope="session", autouse=True)
def _runs_of_these_tests_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """`kit run` tells where it runs in a folder of these tests, so that they find nobody else's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        yield


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of images on this machine: host:port."""
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def kit() -> Kit:
    """Runs `kit` as a process, in any folder."""

    def run(*arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*python_process.command("actorkit_kit"), *arguments],
            cwd=cwd,
            env=python_process.environ(extra={"COLUMNS": "100", "NO_COLOR": "1", **variables}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a stylesheet, a secret and a user's package, for topologies to refer to."""
    (tmp_path / "submit.xsl").write_text(STYLESHEET)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "web-users").write_text("alice:wonderland\n")
    package = tmp_path / "shop" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "actors.py").write_text(CODE)
    return tmp_path
