"""file-in, on real files that grow, are renamed, cut, replaced and deleted."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import gevent
import pytest

from actorkit import Event, MalformedEvent
from actorkit.errors import SettingsError
from actorkit.params import check
from actorkit.testing import Harness
from actorkit_actors.files.file_in import FileIn

Made = Harness[FileIn]


def reader(tmp_path: Path, path: str = "in/app.log", **params: Any) -> Made:
    (tmp_path / "in").mkdir(exist_ok=True)
    params = {"follow": False, "rotated_s": 0, **params}
    return Harness(FileIn, path=str(tmp_path / path), folder=str(tmp_path / "kept"), **params)


def put(tmp_path: Path, content: bytes, name: str = "app.log") -> Path:
    (tmp_path / "in").mkdir(exist_ok=True)
    path = tmp_path / "in" / name
    with path.open("ab") as file:
        file.write(content)
    return path


def texts(events: list[Event]) -> list[object]:
    return [event.data for event in events]


def test_each_line_is_an_event_that_says_where_it_was(tmp_path: Path) -> None:
    path = put(tmp_path, "one\nzwölf\r\n\n".encode() + b"\xff\xfe\nlast")
    with reader(tmp_path) as harness:
        events = harness.produce(10)
    assert texts(events) == ["one", "zwölf", "", b"\xff\xfe", "last"]
    assert [event.get("offset") for event in events] == [0, 4, 12, 13, 16]
    assert {event.get("file") for event in events} == {str(path)}


def test_it_goes_on_exactly_where_it_was_finished(tmp_path: Path) -> None:
    put(tmp_path, b"one\ntwo\nthree\nfour\n")
    with reader(tmp_path) as harness:
        one, two, three = harness.produce(3)
        harness.settle(one)
        harness.settle(three, failure=MalformedEvent("no"))
    with reader(tmp_path) as again:
        events = again.produce(10)
        assert texts(events) == ["two", "three", "four"]
        assert [event.key for event in events[:2]] == [two.key, three.key]
        again.settle()
    put(tmp_path, b"five\n")
    with reader(tmp_path) as third:
        assert texts(third.produce(10)) == ["five"]


def test_in_one_life_a_line_comes_once_and_what_is_added_comes(tmp_path: Path) -> None:
    put(tmp_path, b"one\nhal")
    with reader(tmp_path, follow=True, last_line_s=0) as harness:
        assert texts(harness.produce(1)) == ["one"]
        put(tmp_path, b"f\n")
        assert texts(harness.produce(1)) == ["half"]


def test_what_is_added_is_noticed_by_the_watch_long_before_the_next_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    put(tmp_path, b"one\n")
    with reader(tmp_path, follow=True, poll_s=600) as harness:
        assert texts(harness.produce(1)) == ["one"]
        waiting = gevent.spawn(harness.produce, 1)
        gevent.sleep(0)  # it begins to wait
        put(tmp_path, b"two\n")
        assert texts(waiting.get(timeout=20)) == ["two"]
    assert not logging.getLogger("watchfiles.main").isEnabledFor(logging.INFO), "a line for each change"


def test_a_file_that_is_rotated_is_read_to_its_end_and_then_the_new_one(tmp_path: Path) -> None:
    path = put(tmp_path, b"one\n")
    with reader(tmp_path, follow=True) as harness:
        assert texts(harness.produce(1)) == ["one"]
        put(tmp_path, b"two\nlast")
        path.rename(tmp_path / "in" / "old")
        put(tmp_path, b"three\n")
        events = harness.produce(3)
        assert texts(events) == ["two", "last", "three"] or texts(events) == ["two", "three", "last"]
        assert len({event.position.stream for event in events if event.position}) == 2


def test_what_was_rotated_while_nothing_ran_is_read_to_its_end(tmp_path: Path) -> None:
    path = put(tmp_path, b"one\ntwo\n")
    with reader(tmp_path) as harness:
        harness.settle(*harness.produce(1))
    path.rename(tmp_path / "in" / "app.log.1")
    put(tmp_path, b"three\n")
    with reader(tmp_path) as again:
        assert texts(again.produce(10)) == ["two", "three"]
        again.settle()
    with reader(tmp_path) as third:
        assert third.produce(10) == []


def test_a_pattern_follows_many_rotations(tmp_path: Path) -> None:
    with reader(tmp_path, "in/app.log*") as harness:
        put(tmp_path, b"0\n")
        assert texts(harness.produce(9)) == ["0"]
        harness.settle()
    for number in (1, 2, 3):
        for old in (3, 2, 1):
            source = tmp_path / "in" / f"app.log.{old}"
            if source.exists():
                source.rename(tmp_path / "in" / f"app.log.{old + 1}")
        (tmp_path / "in" / "app.log").rename(tmp_path / "in" / "app.log.1")
        path = put(tmp_path, f"{number}\n".encode())
        os.utime(path, ns=(number * 10**9, number * 10**9))
    with reader(tmp_path, "in/app.log*") as again:
        assert texts(again.produce(9)) == ["1", "2", "3"]


def test_a_file_that_is_cut_or_written_anew_is_another_file(tmp_path: Path) -> None:
    path = put(tmp_path, b"one\ntwo\n")
    keys = set()
    with reader(tmp_path, follow=True) as harness:
        keys |= {event.key for event in harness.produce(2)}
        path.write_bytes(b"one\n")
        (event,) = harness.produce(1)
        keys.add(event.key)
        path.write_bytes(b"ten thousand\n")
        (event,) = harness.produce(1)
        assert event.data == "ten thousand"
        keys.add(event.key)
    assert len(keys) == 4


def test_a_number_on_the_disk_that_another_file_has_now_is_not_enough(tmp_path: Path) -> None:
    path = put(tmp_path, b"one\ntwo\n")
    with reader(tmp_path) as harness:
        harness.produce(2)
        harness.settle()
    path.write_bytes(b"uno\ndos\ntres\n")  # In its place, under the same number.
    with reader(tmp_path) as again:
        assert texts(again.produce(9)) == ["uno", "dos", "tres"]


def test_longer_lines_come_in_parts(tmp_path: Path) -> None:
    put(tmp_path, b"abcdefgh\nabcd\n" + b"x" * 700_000 + b"\n")
    with reader(tmp_path, max_event_bytes=4) as harness:
        events = harness.produce(10)
        assert texts(events[:4]) == ["abcd", "efgh", "abcd", "xxxx"]
        assert [event.get("cut", False) for event in events[:4]] == [True, False, False, True]
    os.unlink(tmp_path / "kept" / "actor.sqlite")  # noqa: PTH108
    with reader(tmp_path, max_event_bytes=600_000) as harness:
        assert [len(str(event.data)) for event in harness.produce(10)] == [8, 4, 600_000, 100_000]


def test_whole_files_are_events_each_once(tmp_path: Path) -> None:
    put(tmp_path, b"a\nb", "one.csv")
    put(tmp_path, b"", "empty.csv")
    put(tmp_path, b"x" * 100, "long.csv")
    put(tmp_path, b"hidden", ".part.csv")
    with reader(tmp_path, "in", each="file", max_event_bytes=50) as harness:
        assert texts(harness.produce(10)) == ["a\nb"]
        harness.settle()
        put(tmp_path, b"c", "two.csv")
        assert texts(harness.produce(10)) == ["c"]
        harness.settle()
        (tmp_path / "in" / "new").write_bytes(b"d")
        (tmp_path / "in" / "new").replace(tmp_path / "in" / "two.csv")
    with reader(tmp_path, "in", each="file", max_event_bytes=50) as again:
        assert texts(again.produce(10)) == ["d"]


def test_more_files_than_may_be_open_are_read_and_followed(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path, f"{number}\n".encode(), f"{number:02}")
    with reader(tmp_path, "in", max_open=3) as harness:
        assert sorted(int(str(text)) for text in texts(harness.produce(99))) == list(range(20))
        opened = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        assert len([path for path in opened if path.startswith(str(tmp_path / "in"))]) <= 3
        put(tmp_path, b"more\n", "07")
        assert texts(harness.produce(99)) == ["more"]
        harness.settle()
    put(tmp_path, b"again\n", "03")
    with reader(tmp_path, "in", max_open=3) as again:
        assert texts(again.produce(99)) == ["again"]


def test_links_and_what_is_no_file_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "folder").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe")
    (tmp_path / "in" / os.fsdecode(b"no\xffutf8")).write_text("x\n")
    with reader(tmp_path, "in") as harness:
        assert harness.produce(10) == []
    assert "symbolic link and is not read" in caplog.text
    assert "pipe" in caplog.text
    with reader(tmp_path, "in/link", links=True) as harness:
        assert texts(harness.produce(10)) == ["secret"]


def test_two_instances_never_share_a_database(tmp_path: Path) -> None:
    with reader(tmp_path):
        with pytest.raises(SettingsError, match="belongs to another instance"):
            reader(tmp_path, handover_s=0.2)
    with reader(tmp_path):
        pass


def test_a_pattern_of_folders_is_found_before_it_runs() -> None:
    problems = FileIn.check(FileIn.Params(path="/logs/*/app.log"))
    assert [problem.path for problem in problems] == ["path"]
    assert check(FileIn.Params, {"path": ""})
