"""Changes of a deployment that does not run as kit left it, or is not this folder's; on a real engine."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, cast

import pytest
from docker import DockerClient

from actorkit_kit.deploy import compose, history
from actorkit_kit.deploy.engine import connect
from tests import needs
from tests.integration.test_compose import docker, kit_with, left
from tests.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

NAME: Final = "r-edges-test"
CODE: Final = """\
from actorkit import Actor, JSONEvent


class Back(Actor):
    def consume(self, event: JSONEvent) -> JSONEvent:
        return event
"""
BROKEN: Final = CODE.replace(
    "    def consume", "    def setup(self) -> None:\n        raise RuntimeError\n\n    def consume"
)
TOPOLOGY: Final = """\
name: {name}
actors:
  beat: {{uses: generator, params: {{interval_s: 1, data: {{secret: word}}}}}}
  back: {{uses: "p.actors:Back", build: ./code}}
  end: {{uses: "null", params: {{}}}}
connections: [beat -> back -> end]
clear: true
"""


class Site:
    """A deployment under test, with its Prometheus."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.metrics = folder, free_port()
        self.kit: Callable[..., Any] = kit_with(PROMETHEUS_PORT=str(self.metrics))

    @property
    def topology(self) -> Path:
        return self.folder / "topology.yaml"

    @property
    def code(self) -> Path:
        return self.folder / "code" / "p" / "actors.py"

    def deploy(self, *arguments: str, status: int = 0) -> str:
        done = self.kit("deploy", str(self.topology), "--timeout", "60", *arguments)
        assert done.returncode == status, done.stderr
        return str(done.stderr)

    def containers(self, *, running: bool = True) -> dict[str, str]:
        """Service → id of its container."""
        form = '{{.Label "com.docker.compose.service"}} {{.ID}}'
        label = f"label=io.actorkit.topology={NAME}"
        listed = docker("ps", *([] if running else ["-a"]), "--filter", label, "--format", form)
        return dict(line.split() for line in listed.splitlines())

    def stop(self) -> None:
        docker("compose", "--project-name", NAME, "stop")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    needs.engine()
    needs.image("prom/prometheus:v3.5.0", otherwise="prom/prometheus:v3")
    site = Site(tmp_path_factory.mktemp("site"))
    site.code.parent.mkdir(parents=True)
    site.code.write_text(CODE)
    (site.folder / "secrets").mkdir()
    (site.folder / "secrets" / "word").write_text('"one"')
    site.topology.write_text(TOPOLOGY.format(name=NAME))
    try:
        site.deploy()
        yield site
    finally:
        site.kit("down", NAME, "--volumes")
        for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", NAME + "/*").split():
            docker("rmi", "--force", image)
    assert left(NAME) == ""


class CutOff:
    """Containers of an engine; one look at them, counted from 1, is cut off as by ^C."""

    def __init__(self, whole: Any, look: int) -> None:
        self._whole = whole
        self._look = look

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def list(self, *arguments: Any, **options: Any) -> Any:
        self._look -= 1
        if self._look == 0:
            raise KeyboardInterrupt
        return self._whole.list(*arguments, **options)


class Client:
    """An engine's client with such containers."""

    def __init__(self, whole: Any, look: int) -> None:
        self._whole = whole
        self.containers = CutOff(whole.containers, look)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


@pytest.mark.parametrize("look", [1, 2])
def test_a_change_that_is_cut_off_at_a_first_look_ends_nothing(site: Site, look: int) -> None:
    before = site.containers()
    where = site.folder / ".kit" / NAME
    with closing(connect()) as client:
        cut = cast(DockerClient, Client(client, look))
        deployer = compose.Deployer(cut, NAME, where, True, 60, lambda _rows: None, tell=print)
        with pytest.raises(KeyboardInterrupt):
            deployer.deploy(history.files_of(where, 1), "0" * 64)
    assert site.containers() == before


def test_prometheus_is_replaced_when_its_rules_are_others(site: Site) -> None:
    before = site.containers()
    site.topology.write_text(site.topology.read_text().replace("params: {}", "replicas: 2"))
    site.deploy()
    after = site.containers()
    assert after["prometheus"] != before["prometheus"]
    assert after["back"] == before["back"]
    expressions = docker("exec", after["prometheus"], "cat", "/etc/prometheus/rules/alerts.yml")
    assert "< 2" in expressions


def test_a_deployment_that_was_stopped_is_changed_and_runs(site: Site) -> None:
    site.stop()
    assert site.containers() == {}
    site.code.write_text(CODE + "# other\n")
    site.deploy()
    assert set(site.containers()) == {"beat", "back", "end", "dead-letters", "prometheus"}


def test_of_a_deployment_that_was_stopped_a_failed_change_says_that_nothing_runs(site: Site) -> None:
    site.stop()
    before = history.revisions(site.folder / ".kit" / NAME)
    site.code.write_text(BROKEN)
    said = site.deploy(status=1)
    assert "put back" not in said
    assert "Nothing of it ran before, and nothing runs now" in said
    assert site.containers() == {}
    assert history.revisions(site.folder / ".kit" / NAME) == before
    site.code.write_text(CODE + "# other\n")
    site.deploy()
    assert set(site.containers()) == {"beat", "back", "end", "dead-letters", "prometheus"}


def test_an_unchanged_actor_that_was_stopped_is_started_with_the_change(site: Site) -> None:
    docker(
        "stop", *docker("ps", "-q", "--filter", f"label=io.actorkit.topology={NAME}", "--filter", "name=end").split()
    )
    site.code.write_text(CODE + "# a third one\n")
    site.deploy()
    rows = {row["actor"]: row for row in json.loads(site.kit("status", NAME, "-o", "json").stdout)["actors"]}
    assert rows["end"]["healthy"] == 2


def test_a_secret_goes_back_with_what_is_put_back_and_after_what_was_kept(site: Site) -> None:
    word, override = site.folder / "secrets" / "word", site.folder / ".kit" / NAME / "compose.override.yaml"
    # All actors are replaced, and then Prometheus fails.
    override.write_text('services: {prometheus: {command: ["--no-such-option"]}}\n')
    word.write_text('"two"')
    said = site.deploy(status=1)
    assert said.count("kit: starting new instances of beat\n") == len(("two", "one"))
    before = site.containers()
    site.deploy("--keep", status=1)
    kept = site.containers()
    assert kept["beat"] != before["beat"]
    override.unlink()
    word.write_text('"one"')
    site.deploy()
    after = site.containers()
    assert after["beat"] != kept["beat"]
    assert after["back"] == before["back"]


def test_a_service_of_the_users_own_runs_beside_and_goes_on_while_others_are_replaced(site: Site) -> None:
    override = site.folder / ".kit" / NAME / "compose.override.yaml"
    own = {"image": "debian:trixie-slim", "init": True, "command": ["sleep", "infinity"]}
    override.write_text(json.dumps({"services": {"store": own}}))
    site.deploy()
    store = docker("ps", "-q", "--filter", f"name={NAME}-store")
    assert store
    site.code.write_text(CODE + "# beside a store\n")
    site.deploy()
    assert site.kit("scale", "back=2", "-d", NAME).returncode == 0
    assert docker("ps", "-q", "--filter", f"name={NAME}-store") == store
    override.unlink()
    site.deploy()
    assert docker("ps", "-q", "--filter", f"name={NAME}-store") == ""


def test_a_prometheus_that_failed_and_was_kept_is_removed_by_whatever_comes_next(site: Site) -> None:
    override = site.folder / ".kit" / NAME / "compose.override.yaml"
    override.write_text('services: {prometheus: {command: ["--no-such-option"]}}\n')
    assert "was started again" in site.deploy("--keep", status=1)
    override.unlink()
    assert f"kit: removing {NAME}-prometheus-1, which was started again" in site.deploy()
    assert f"kit: removing {NAME}-prometheus-1\n" in site.deploy("--no-prometheus")
    assert set(site.containers(running=False)) == {"beat", "back", "end", "dead-letters"}
    override.write_text('services: {prometheus: {command: ["--no-such-option"]}}\n')
    site.deploy("--keep", status=1)
    override.unlink()
    assert site.kit("down", str(site.topology)).returncode == 0
    assert site.containers(running=False) == {}
    site.deploy()


def test_one_of_another_folder_is_replaced_whole_and_put_back_whole(site: Site) -> None:
    before = site.containers()
    other = Site(site.folder.parent / "other")
    other.metrics, other.kit = site.metrics, site.kit
    shutil.copytree(site.folder, other.folder, ignore=shutil.ignore_patterns(".kit"))
    assert "--replace" in other.deploy(status=1)
    for arguments in (("down",), ("scale", "back=2", "-d")):
        done = other.kit(*arguments, str(other.topology))
        assert (done.returncode, f'is deployed from "{site.folder}/.kit/{NAME}"' in done.stderr) == (1, True), done
    done = other.kit("rollback", "-d", str(other.topology))
    assert done.returncode != 0
    other.code.write_text(BROKEN)
    assert re.search(
        r"What ran before \(revision \d+\) was put back, and is healthy", other.deploy("--replace", status=1)
    )
    assert site.containers() == before
    other.code.write_text(site.code.read_text())
    other.deploy("--replace")
    after = other.containers()
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    form = '{{index .Config.Labels "com.docker.compose.project.working_dir"}}'
    assert set(docker("inspect", "--format", form, *after.values()).split()) == {str(other.folder / ".kit" / NAME)}
    shutil.rmtree(site.folder / ".kit")
    assert "nothing changed" in other.deploy()
    assert other.containers() == after
