"""file-logger: lines, files, rotation, and what strangers try with them."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.file_logger import FileLogger
from actorkit_actors.flow.log_file import LogFile


def record(message: str = "hello", **more: Any) -> Event:
    return Event({"time": 1.5, "level": "info", "actor": "a", "instance": "a-1", "message": message, **more})


def logger(folder: Path, **params: Any) -> Harness[FileLogger]:
    return Harness(FileLogger, folder=str(folder), **params)


def test_a_record_is_a_line_and_what_is_less_than_the_level_is_left_out(tmp_path: Path) -> None:
    harness, event = logger(tmp_path / "new", level="warning"), record("Jürgen", level="error")
    harness.put(record(), event)
    written = (tmp_path / "new" / "actorkit.log").read_text()
    assert written == f"1970-01-01T00:00:01.500Z ERROR actor=a, id={event.trace} :: Jürgen\n"


@pytest.mark.parametrize("format_", ["text", "json"])
def test_nobody_forges_a_line(tmp_path: Path, format_: str) -> None:
    harness = logger(tmp_path, format=format_)
    harness.put(record("a\nb\r\n\x1b[31m\u2028\x85", actor="x\ny"))
    written = (tmp_path / "actorkit.log").read_text()
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written
    if format_ == "json":
        assert json.loads(written)["message"] == "a\nb\r\n\x1b[31m\u2028\x85"


def test_patterns_leave_out_what_they_match(tmp_path: Path) -> None:
    logger(tmp_path, redact=["<name>(.*?)</name>"]).put(record("<name>Ann</name><name></name>"))
    assert "<name>REDACTED</name><name></name>" in (tmp_path / "actorkit.log").read_text()


def test_a_file_is_moved_away_at_its_length_and_so_many_are_kept(tmp_path: Path) -> None:
    harness = logger(tmp_path, max_file_bytes=1024, keep_files=2)
    for number in range(12):
        harness.put(record(f"{number:02d} " + "x" * 400))
    lines = {path.name: path.read_text().splitlines() for path in tmp_path.iterdir()}
    assert set(lines) == {"actorkit.log", "actorkit.log.1", "actorkit.log.2"}
    assert [line.split(":: ")[1][:2] for name in sorted(lines, reverse=True) for line in lines[name]] == [
        "06",
        "07",
        "08",
        "09",
        "10",
        "11",
    ]


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    harness = logger(tmp_path)
    harness.put(record("1"))
    (tmp_path / "actorkit.log").rename(tmp_path / "old")
    harness.put(record("2"))
    assert (tmp_path / "actorkit.log").read_text().endswith(":: 2\n")


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "..", "a\n", "/etc/passwd", "x" * 300])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "logs"
    harness = logger(folder, file_from="attributes/file")
    event = record()
    event.set("file", name)
    harness.put(event)
    [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 400
    assert list(folder.iterdir()) == []
    assert list(tmp_path.iterdir()) == [folder]


def test_events_name_their_files(tmp_path: Path) -> None:
    harness = logger(tmp_path, file_from="data/actor")
    harness.put(record(actor="b.log"), record(actor="c.log"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.log", "c.log"]


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "actorkit.log").symlink_to(tmp_path / "target")
    harness = logger(tmp_path / "logs")
    harness.put(record())
    [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 503
    assert not (tmp_path / "target").exists()


def test_a_disk_that_is_full_leaves_no_half_line(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "x", 10_000, 1)
    file.add(b"one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6, hard))  # half of the next line finds room
    try:
        with pytest.raises(OSError, match="too large"):
            file.add(b"two\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    file.add(b"three\n")
    assert (tmp_path / "x").read_bytes() == b"one\nthree\n"


@pytest.mark.parametrize("given", ["soon", 1e300, -5, None, True])
def test_a_record_without_a_time_of_use_is_written_all_the_same(tmp_path: Path, given: Any) -> None:
    logger(tmp_path).put(record(time=given))
    assert (tmp_path / "actorkit.log").read_text().endswith(":: hello\n")


def test_what_is_no_record_fails_and_wrong_parameters_are_found_before(tmp_path: Path) -> None:
    harness = logger(tmp_path)
    harness.put(Event("x"))
    assert len(harness.errors) == 1
    for params in ({"file": "../x"}, {"redact": ["("]}):
        with pytest.raises(SettingsError, match=next(iter(params))):
            logger(tmp_path, **params)
