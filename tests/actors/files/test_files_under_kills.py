"""file-in and file-out as processes that are killed: nothing is lost, and nothing is written twice."""

from __future__ import annotations

import json
import random
from contextlib import closing
from pathlib import Path

from tests.fleet import Fleet
from tests.until import until

LINES = 6000
KILLS = 8


def test_under_kills_and_rotation_nothing_is_lost_and_nothing_is_written_twice(tmp_path: Path) -> None:
    source, out = tmp_path / "app.log", tmp_path / "out"
    wanted = [f"order {number}" for number in range(LINES)]
    random.seed(5)

    def written() -> list[str]:
        lines: list[str] = []
        for path in sorted(out.glob("*.log")):
            try:
                lines += path.read_text().splitlines()
            except FileNotFoundError:
                return []  # It got its last name just now: the next look sees it.
        return lines

    taking = {"path": f"{source}*", "folder": str(tmp_path / "kept"), "rotated_s": 0.2}
    writing = {"folder": str(out), "rotate_bytes": 20_000, "batch_size": 20}
    with closing(Fleet(tmp_path)) as fleet:
        sink = fleet.start("sink", "actorkit_actors.files.file_out:FileOut", params=json.dumps(writing))
        begin = fleet.start(
            "begin",
            "actorkit_actors.files.file_in:FileIn",
            params=json.dumps(taking),
            outbox_out="sink",
            source_window="200",
        )
        for number in range(KILLS):
            for line in wanted[number * LINES // KILLS : (number + 1) * LINES // KILLS]:
                with source.open("a") as file:
                    file.write(f"{line}\n")
            least = number * LINES // KILLS + random.randrange(LINES // KILLS)
            until(lambda least=least: len(written()) > least, "some are written", pause_s=0.001)  # type: ignore[misc]
            if number % 3 == 2:
                source.rename(tmp_path / f"app.log.{number}")
            if number % 2:
                begin.kill()
                begin = fleet.restart(begin)
            else:
                sink.kill()
                sink = fleet.restart(sink)
        until(lambda: len(written()) >= LINES, "all are written", 40)
        until(begin.ready, "the source that was started last is ready")
        assert begin.stop() == 0
        assert sink.stop() == 0
    assert sorted(written()) == sorted(wanted)
