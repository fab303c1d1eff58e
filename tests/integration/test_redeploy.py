"""New versions of a deployment on a real engine, under a steady load: nobody fails, nothing is lost."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from actorkit_kit import python_process
from tests import needs
from tests.fleet import Process
from tests.integration import load
from tests.integration.test_compose import docker, kit_with, left
from tests.ports import free_port
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

NAME: Final = "redeploy-test"
#: Requests a second of the client.
RATE: Final = 50
#: Requests that the client may find refused while a published port goes from one container to another: two seconds.
MOST_REFUSED: Final = 2 * RATE

#: What a client says whose request was not taken.
REFUSED: Final = re.compile("refused|reset|broken pipe|without response", re.IGNORECASE)
#: In which a request is refused, in seconds; one that is cut off while it is answered takes longer.
QUICK_S: Final = 0.2

CODE: Final = """\
import gevent
from actorkit import Actor, JSONEvent


class Front(Actor):
    def consume(self, event: JSONEvent) -> JSONEvent:
        return event.replace(data={**event.data, "front": "v1"})


class Back(Actor):
    def consume(self, event: JSONEvent) -> JSONEvent:
        return event.replace(data={**event.data, "version": event.data["front"] + " v1"})


class Slow(Actor):
    def consume(self, event: JSONEvent) -> JSONEvent:
        gevent.sleep(0.3)
        return event.replace(data={**event.data, "version": "slow"})
"""
TOPOLOGY: Final = """\
name: {name}
actors:
  web:
    uses: http-server
    params: {{routes: [{{path: "/<queue>", methods: [POST]}}], timeout_s: 15}}
    expose: {{http: {port}}}
  front: {{uses: "p.actors:Front", build: ./code}}
  place: {{uses: mdp-client, params: {{service: backs}}}}
  worker: {{uses: mdp-worker, params: {{service: backs}}}}
  back: {{uses: "p.actors:Back", build: ./code, replicas: 2}}
  slow: {{uses: "p.actors:Slow", build: ./code, params: {{concurrency: 16}}}}
connections:
  - web -> front -> place -> web
  - front.error, place.error, slow.error -> web
  - worker -> back -> worker
  - web -> slow -> web
titanic: {{params: {{at_a_time: 16}}}}
clear: true
"""


@dataclass
class Site:
    """A deployment under test, and what it is made from."""

    folder: Path
    port: int
    kit: Any = field(default_factory=kit_with)

    @property
    def topology(self) -> Path:
        return self.folder / "topology.yaml"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/front"

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def deploy(self, *, fails: bool = False) -> str:
        done = self.kit("deploy", str(self.topology), "--no-prometheus", "--timeout", "90")
        assert done.returncode == (1 if fails else 0), done.stderr
        return str(done.stderr)

    def containers(self) -> dict[str, set[str]]:
        """Actor → ids of its containers, whatever their state."""
        form = '{{.Label "io.actorkit.actor"}} {{.ID}}'
        listed = docker("ps", "-a", "--filter", f"label=io.actorkit.topology={NAME}", "--format", form)
        found: dict[str, set[str]] = {}
        for line in listed.splitlines():
            actor, id_ = line.split()
            found.setdefault(actor, set()).add(id_)
        return found


@dataclass
class Told:
    """What the client tells in the end."""

    sent: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    failures: list[tuple[float, str]] = field(default_factory=list)


@contextmanager
def under_load(site: Site) -> Iterator[Told]:
    """Requests go in all the while; afterwards it is known what became of each."""
    told = Told()
    command = [sys.executable, "-m", "tests.integration.load", site.url, str(RATE)]
    with (
        tempfile.TemporaryDirectory() as folder,
        Process({}, Path(folder) / "log", command=command, out=Path(folder) / "out") as process,
    ):
        assert process.lines(1) == ["begun\n"]
        try:
            yield told
        finally:
            process.signal(signal.SIGTERM)
            said = json.loads(process.lines(2)[1])
            told.sent, told.answered, told.failures = said["sent"], said["answered"], said["failures"]
            print(f"{told.sent} requests: {told.answered}, failed: {len(told.failures)} {told.failures[:5]}")


@contextmanager
def slow_requests(site: Site) -> Iterator[list[tuple[str, float]]]:
    """Ten requests a second of a third of a second each; afterwards, what became of each, and how long it took."""
    told: list[tuple[str, float]] = []
    ended = threading.Event()
    url = site.url.replace("/front", "/slow")

    def ask_one(number: int) -> None:
        since = time.monotonic()
        what, _sent, _number = load.ask(url, number, since)
        told.append((what, time.monotonic() - since))

    def ask_all() -> None:
        with ThreadPoolExecutor(32) as pool:
            number = 0
            while not ended.wait(0.1):
                pool.submit(ask_one, number)
                number += 1

    thread = threading.Thread(target=ask_all)
    thread.start()
    try:
        yield told
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    needs.engine()
    folder, port = tmp_path_factory.mktemp("site"), free_port()
    (folder / "code" / "p").mkdir(parents=True)
    (folder / "code" / "p" / "actors.py").write_text(CODE)
    (folder / "topology.yaml").write_text(TOPOLOGY.format(name=NAME, port=port))
    site = Site(folder, port)
    try:
        site.deploy()
        yield site
    finally:
        site.kit("down", str(site.topology), "--volumes")
        for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", NAME + "/*").split():
            docker("rmi", "--force", image)
    assert left(NAME) == ""


def test_a_changed_class_replaces_its_actors_and_no_request_fails(site: Site) -> None:
    before = site.containers()
    with under_load(site) as told:
        site.change("code/p/actors.py", "v1", "v2")
        said = site.deploy()
        told_after = site.containers()
    assert told.failures == []
    assert sum(told.answered.values()) == told.sent
    assert told.answered["v1 v1"] > 0
    assert told.answered["v2 v2"] > 0
    assert {actor for actor in before if before[actor] != told_after[actor]} == {"front", "back", "slow"}
    assert not before["back"] & told_after["back"]
    assert (len(told_after["front"]), len(told_after["back"])) == (1, 2)
    assert re.search(rf"front: p/actors\.py changed → {NAME}/front:[0-9a-f]{{12}}", said)
    assert "unchanged: actorkit/runtime, " in said


def test_a_rollback_brings_back_what_ran_and_no_request_fails(site: Site) -> None:
    with under_load(site) as told:
        done = site.kit("rollback", "-d", NAME)
        assert done.returncode == 0, done.stderr
    assert told.failures == []
    assert told.answered["v1 v1"] > 0
    rows = json.loads(site.kit("history", NAME, "-o", "json").stdout)
    assert [(row["revision"], row["state"]) for row in rows] == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "deployed"),
    ]
    assert re.match(rf"back: {NAME}/back:[0-9a-f]{{12}}, front: {NAME}/front:[0-9a-f]{{12}}, ", rows[1]["changes"])
    assert rows[2]["changes"].startswith("back to revision 1, ")


def test_all_but_what_is_published_is_replaced_at_once_and_no_request_fails(site: Site) -> None:
    """The broker and those who use it included, and Titanic and the dead-letter box, which cannot be there twice."""
    with under_load(site) as told:
        site.change(
            "topology.yaml",
            "clear: true\n",
            "clear: true\nbroker: {drain_timeout_s: 9}\ndead-letters: {drain_timeout_s: 9}\n",
        )
        site.change("topology.yaml", "{service: backs}}", "{service: backs}, drain_timeout_s: 19}")
        site.change("topology.yaml", "at_a_time: 16", "at_a_time: 17")
        site.change("code/p/actors.py", "sleep(0.3)", "sleep(0.31)")
        before = site.containers()
        site.deploy()
        after = site.containers()
    assert told.failures == []
    assert [actor for actor in before if before[actor] & after[actor]] == ["web"]


def test_a_published_port_is_away_for_two_seconds_at_most_and_open_requests_are_answered(site: Site) -> None:
    before = site.containers()
    with under_load(site) as told, slow_requests(site) as slow:
        site.change("topology.yaml", "timeout_s: 15", "timeout_s: 14")
        site.deploy()
    sent = [when for when, _what in told.failures] or [0.0]
    print(f"the port was away for {max(sent) - min(sent):.2f} s; {len(slow)} slow requests")
    assert len(told.failures) <= MOST_REFUSED
    assert all(REFUSED.search(what) for _sent, what in told.failures)
    # What was open when the old one closed was answered; what came later was refused at once.
    assert len([what for what, _took_s in slow if what == "slow"]) > 10
    assert [entry for entry in slow if entry[0] != "slow" and entry[1] > QUICK_S] == []
    after = site.containers()
    assert {actor for actor in before if before[actor] != after[actor]} == {"web"}


def test_what_failed_is_taken_back_to_what_ran_not_to_what_was_tried_before(site: Site) -> None:
    before = site.containers()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other = taken.getsockname()[1]
        site.change("topology.yaml", f"http: {site.port}", f"http: {other}")
        assert site.deploy(fails=True).splitlines()[-1].startswith(f"kit: port {other}, which ")
    site.change("topology.yaml", f"http: {other}", f"http: {site.port}")
    site.change("code/p/actors.py", "class Back(Actor):\n", "class Back(Actor):\n" + BROKEN_SETUP)
    with under_load(site) as told:
        said = site.deploy(fails=True)
    assert told.failures == []
    assert "no license" in said
    assert re.search(r"What ran before \(revision \d+\) was put back, and is healthy\.$", said.strip())
    assert site.containers() == before
    assert f"{site.port}:" in docker("port", next(iter(before["web"]))).replace("\n", ":") + ":"
    site.change("code/p/actors.py", BROKEN_SETUP, "")
    assert "nothing changed" in site.deploy()
    assert site.containers() == before


BROKEN_SETUP = """\
    def setup(self) -> None:
        raise RuntimeError("no license")

"""


def test_a_kit_that_is_killed_on_the_way_leaves_nothing_that_the_next_one_does_not_clear_up(site: Site) -> None:
    before = site.containers()
    site.change("topology.yaml", "clear: true\n", "clear: true  # again\n")
    site.change("code/p/actors.py", "sleep(0.3", "sleep(0.30")
    text = site.topology.read_text()
    site.topology.write_text(re.sub(r"timeout_s: \d+", "timeout_s: 13", text))
    command = [*python_process.command("actorkit_kit"), "deploy", str(site.topology), "--no-prometheus"]
    environ = python_process.environ(extra={"NO_COLOR": "1"})
    with Process(environ, site.topology.with_suffix(".log"), command=command) as process:
        until(lambda: "kit: starting new instances of " in process.said(), "new instances are started", 120, 0.1)
        until(lambda: len(site.containers()["web"]) == 2, "the new web is there", 30, 0.1)
        process.kill()
    with under_load(site) as told:
        site.deploy()
    assert len(told.failures) <= MOST_REFUSED
    assert all(REFUSED.search(what) for _sent, what in told.failures)
    after = site.containers()
    assert {actor: len(ids) for actor, ids in after.items()} == {actor: len(ids) for actor, ids in before.items()}
    assert not before["web"] & after["web"]


def test_an_actor_comes_and_goes_and_a_scaled_one_goes_back(site: Site) -> None:
    assert site.kit("scale", "back=3", "-d", NAME).returncode == 0
    before = site.containers()
    assert len(before["back"]) == 3
    line = "  tap: {uses: stdout}\nconnections:\n  - front.tap -> tap\n"
    with under_load(site) as told:
        site.change("topology.yaml", "connections:\n", line)
        site.deploy()
        after = site.containers()
        site.change("topology.yaml", line, "connections:\n")
        site.deploy()
    assert told.failures == []
    assert after["back"] < before["back"]
    assert len(after["back"]) == 2
    assert "tap" in after
    assert "tap" not in site.containers()


def test_the_plain_folder_changes_nothing_of_what_kit_deployed(site: Site) -> None:
    before = site.containers()
    where = site.folder / ".kit" / NAME
    command = [needs.tool("docker"), "compose", "up", "--detach", "--wait"]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert site.containers() == before
    until(lambda: not site.kit("status", NAME).returncode, "all is healthy", 30, 0.5)
