"""file-out, into real files: once by key, rotated, and under names that events give."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.files.file_out import FileOut
from tests.until import until

FINISHED = re.compile(r"events-\d{8}T\d{6}Z-\d{6}\.log")


def writer(tmp_path: Path, **params: Any) -> Harness[FileOut]:
    return Harness(FileOut, folder=str(tmp_path), **params)


def finished(tmp_path: Path) -> list[str]:
    paths = sorted(path for path in tmp_path.iterdir() if FINISHED.fullmatch(path.name))
    return [path.read_text() for path in paths]


def test_each_event_is_a_line_once_in_this_life_and_in_the_next(tmp_path: Path) -> None:
    one, two = Event({"n": 1}), Event("zwei")
    with writer(tmp_path) as harness:
        harness.put(one, two, one)
        harness.put(two)
        assert [event.id for event in harness.taken()] == [one.id, two.id, one.id, two.id]
    with writer(tmp_path) as again:
        again.put(one, Event("three"))
    assert (tmp_path / "events.log").read_text() == '{"n":1}\nzwei\nthree\n'


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    (tmp_path / "events.log").write_text("old\nhalf")
    with writer(tmp_path) as harness:
        harness.put(Event("new"))
    assert (tmp_path / "events.log").read_text() == "old\nhalfnew\n"


@pytest.mark.parametrize(("left", "then"), [(0, "one\ntwo\n"), (5, "one\ntwo\n"), (8, "one\ntwo\n")])
def test_after_a_kill_the_length_of_the_file_tells_what_is_in_it(tmp_path: Path, left: int, then: str) -> None:
    """The keys are noted and the process is killed when so many bytes are written."""
    events = Event("one"), Event("two")
    with writer(tmp_path, remember_keys=1 if left == 8 else 10) as harness:
        harness.put(*events)
    path = tmp_path / "events.log"
    path.write_bytes(path.read_bytes()[:left])
    with writer(tmp_path) as again:
        assert path.read_text() == {0: "", 5: "one\n", 8: then}[left]
        again.put(events[1]) if left == 8 else again.put(*events)
    assert path.read_text() == then


def test_a_file_that_is_long_enough_is_finished_and_those_that_are_too_many_go(tmp_path: Path) -> None:
    events = [Event(f"line {number}") for number in range(9)]
    with writer(tmp_path, rotate_bytes=14, keep_files=2) as harness:
        for event in events:
            harness.put(event)
        harness.put(*events)
    assert finished(tmp_path) == ["line 4\nline 5\n", "line 6\nline 7\n"]
    assert (tmp_path / "events.log").read_text() == "line 8\n"


def test_a_file_that_is_old_enough_is_finished_also_when_nothing_comes(tmp_path: Path) -> None:
    with writer(tmp_path, rotate_s=0.01) as harness:
        harness.put(Event("one"))

        def finish() -> list[str]:
            harness.tick("finish")
            return finished(tmp_path)

        until(finish, "the file is finished")
        assert finished(tmp_path) == ["one\n"]
        harness.tick("finish")
        assert (tmp_path / "events.log").read_text() == ""


def test_a_kill_in_the_midst_of_a_rotation_changes_nothing(tmp_path: Path) -> None:
    one = Event("one")
    with writer(tmp_path, rotate_bytes=4) as harness:
        harness.put(one)
    (path,) = [path for path in tmp_path.iterdir() if FINISHED.fullmatch(path.name)]
    with writer(tmp_path, rotate_bytes=4) as again:
        again.put(one, Event("two"))
    assert path.read_text() == "one\n"
    assert finished(tmp_path) == ["one\n", "two\n"]


@contextmanager
def longest_file(count: int) -> Iterator[None]:
    """As if the disk were full: no file gets longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_written_fails_whole_and_can_come_again(tmp_path: Path) -> None:
    long = Event("x" * 3_000_000)
    with writer(tmp_path) as harness:
        harness.put(Event("one"))
        with longest_file(2_000_000):
            harness.put(long)
        (failed,) = harness.errors
        assert failed.failure is not None
        assert failed.failure.status == 503
        assert (tmp_path / "events.log").read_text() == "one\n"
        harness.put(long)
    assert (tmp_path / "events.log").stat().st_size == 3_000_005


def test_events_that_are_files_are_there_whole_and_once(tmp_path: Path) -> None:
    one = Event("one")
    with writer(tmp_path, each="file") as harness:
        harness.put(one, Event(b"\x00two"), one)
    assert (tmp_path / one.key).read_text() == "one"
    assert len(list(tmp_path.iterdir())) == 2


def test_names_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    names = ["../evil", "/etc/evil", "sub/evil", "..", ".", ".bashrc", "", "a\x00b", "a\nb", "x" * 250, "a\\b"]
    with Harness(FileOut, folder=str(folder), each="file", file="{customer}") as harness:
        for name in names:
            harness.put(Event("x", attributes={"customer": name}))
        harness.put(Event("no attribute"))
        assert [event.failure.status for event in harness.errors if event.failure] == [400] * (len(names) + 1)
        harness.put(
            Event("good", attributes={"customer": "Müller & Söhne"}), Event("bad", attributes={"customer": "/"})
        )
        assert len(harness.errors) == 1
    assert [path.name for path in sorted(folder.rglob("*"))] == ["Müller & Söhne", "sub"]


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("order", ".order.part", "events.log"):
        (folder / name).symlink_to(secret)
    with Harness(FileOut, folder=str(folder), each="file", file="{order}") as harness:
        harness.put(Event("new", attributes={"order": "order"}))
    assert (folder / "order").read_text() == "new"
    with pytest.raises(SettingsError, match="symbolic link"):
        Harness(FileOut, folder=str(folder))
    assert secret.read_text() == "secret"


@pytest.mark.parametrize("params", [{"file": "{key}"}, {"file": "../x"}, {"each": "file", "file": ".{key}"}])
def test_names_that_cannot_be_are_found_before_it_runs(params: dict[str, Any]) -> None:
    assert [problem.path for problem in FileOut.check(FileOut.Params(**params))] == ["file"]
