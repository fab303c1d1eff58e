"""The process in which an actor is tried: what comes of one event."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actorkit_kit import python_process
from actorkit_kit.tryout.request import TryRequest

CODE = '''\
from actorkit import Actor, Event, HttpEvent, JSONEvent


class Broken(Actor):
    def consume(self, event: Event) -> Event:
        return {}["nothing"]


class Told(Actor):
    """Tells what stands beside the data, in the outbox audit as well."""

    OUTBOXES = ("audit",)

    def consume(self, event: HttpEvent) -> Event:
        self.send(event.replace(b"\\x00\\xff"), "audit")
        query = event.http.query if event.http else {}
        return event.become(JSONEvent, [event.service, event.get("a"), query, len(event.data)])


class Hundred(Actor):
    def setup(self) -> None:
        self.handles = []

    def consume(self, event: Event) -> None:
        self.handles.append((self.hold(event), event))

    def end_input(self) -> None:
        for held, event in self.handles:
            held.complete(event)
'''


def attempt(folder: Path, cls: str, data: bytes = b"", **asked: Any) -> subprocess.CompletedProcess[bytes]:
    (folder / "tried.py").write_text(CODE)
    request = TryRequest(f"tried:{cls}", str(folder), {}, **{"outboxes": ("out",), **asked})
    command = [*python_process.command("actorkit_kit.tryout.process"), msgspec.json.encode(request).decode()]
    return subprocess.run(command, input=data, env=python_process.environ(), capture_output=True, check=False)


def test_a_mistake_in_the_actor_is_shown_with_its_line(tmp_path: Path) -> None:
    done = attempt(tmp_path, "Broken", b"one")
    assert (done.returncode, done.stdout) == (1, b"")
    assert f'File "{tmp_path}/tried.py", line 6, in consume'.encode() in done.stderr
    assert done.stderr.decode().splitlines()[-1] == "kit: failed: KeyError (500): 'nothing'"


def test_what_stands_beside_the_data_goes_in_and_comes_out(tmp_path: Path) -> None:
    beside = {"service": "orders", "attributes": {"a": 5}, "http": ("POST", "/orders?x=1")}
    done = attempt(tmp_path, "Told", b"\xff\xfe", outboxes=("out", "audit"), as_json=True, **beside)
    out, audit = map(json.loads, done.stdout.splitlines())
    assert (out["outbox"], out["format"], out["data"]) == ("out", "json", ["orders", 5, {"x": ["1"]}, 2])
    assert out["http"]["path"] == "/orders"
    assert (audit["outbox"], audit["format"], audit["data"]) == ("audit", "bytes", "AP8=")


def test_only_the_outboxes_that_are_asked_for_are_written(tmp_path: Path) -> None:
    done = attempt(tmp_path, "Told", b"x", outboxes=("out", "audit"), shown=("audit",), http=("GET", "/"))
    assert done.stdout == b"\x00\xff"
    assert done.stderr.decode().splitlines() == ["kit: audit: bytes, 2 bytes"]


def test_what_is_held_is_let_go_as_at_an_end(tmp_path: Path) -> None:
    assert attempt(tmp_path, "Hundred", b"one").stdout == b"one\n"


@pytest.mark.parametrize("name", ["Missing", "Event"])
def test_a_class_that_is_no_actor_is_told(name: str, tmp_path: Path) -> None:
    done = attempt(tmp_path, name)
    assert done.returncode == 78
    assert f'"{name}" is no actor class' in done.stderr.decode()
