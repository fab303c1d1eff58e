"""The programs of examples/, which a Director runs in one process, as containers: on compose, by the same file."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from actorkit_kit import python_process
from tests import needs
from tests.places import ROOT
from tests.ports import free_port
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

#: What is asked inside of the container of "web", as a Director publishes no port: (path, body, header, answer).
ORDER: Final = "<order><customer>ACME</customer><item>tea</item><total>12.50</total></order>"
ALICE: Final = "Basic YWxpY2U6d29uZGVybGFuZA=="
ASKED: Final = {
    "full_circle": ("/auth", ORDER, {"Content-Type": "application/xml", "Authorization": ALICE}, "<ack><number>1"),
    "majordomo": ("/ask", "hello", {"Content-Type": "text/plain"}, "HELLO! says shout-"),
}
ASK: Final = """
import urllib.request
request = urllib.request.Request("http://127.0.0.1:8080{path}", {body!r}.encode(), {headers!r})
print(urllib.request.urlopen(request, timeout=20).read().decode())
"""


class Deployed:
    """A program that runs on compose under a name of the test's own."""

    def __init__(self, program: Path, name: str) -> None:
        self.program, self.name = program, name

    def kit(self, *arguments: str) -> str:
        done = subprocess.run(
            [*python_process.command("actorkit_kit"), *arguments],
            cwd=self.program.parent,
            env=python_process.environ(extra={"PROMETHEUS_PORT": str(free_port())}),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, path: str, body: str, headers: dict[str, str]) -> str:
        script = ASK.format(path=path, body=body, headers=headers)
        command = [needs.tool("docker"), "exec", f"{self.name}-web-1", "python", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout or done.stderr


@pytest.fixture
def deployed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployed]:
    """The program that the test names, word for word but for the name of its Director."""
    needs.engine()
    needs.image("prom/prometheus:v3.5.0", otherwise="prom/prometheus:v3")
    folder = tmp_path / "examples"
    shutil.copytree(ROOT / "examples", folder)
    program = folder / f"{request.param}.py"
    name = f"program-{request.param.replace('_', '-')}"
    program.write_text(re.sub(r'Director\("[a-z-]+"', f'Director("{name}"', program.read_text()))
    made = Deployed(program, name)
    try:
        made.kit("deploy", f"{program.name}:director")
        yield made
    finally:
        made.kit("down", f"{program.name}:director", "--volumes")


@pytest.mark.parametrize("deployed", ["fan_out"], indirect=True)
def test_a_generator_reaches_both_outputs(deployed: Deployed) -> None:
    for number, words in ((1, "one"), (2, "two")):
        text = f"I am number {words}: hello"
        output = f"output-{words}"
        until(lambda o=output, t=text: t in deployed.kit("logs", o, "-d", deployed.name), f"output {number} prints")  # type: ignore[misc]


@pytest.mark.parametrize("deployed", ["full_circle", "majordomo"], indirect=True)
def test_a_request_goes_full_circle(deployed: Deployed, request: pytest.FixtureRequest) -> None:
    path, body, headers, answer = ASKED[request.node.callspec.params["deployed"]]
    assert answer in deployed.ask(path, body, headers)
