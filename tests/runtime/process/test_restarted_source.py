"""A source that is killed and started again makes the same events: what is behind it sees each of them once."""

from __future__ import annotations

import json
from pathlib import Path
from signal import SIGTERM

from tests.fleet import Fleet
from tests.until import until

#: Lines of the outside's file.
LINES = 3000


def arrived(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_a_source_that_is_killed_again_and_again_loses_nothing_and_nothing_comes_twice(fleet: Fleet) -> None:
    orders, seen = fleet.folder / "orders", fleet.folder / "seen"
    orders.write_text("".join(f"{number}\n" for number in range(LINES)))
    outside = "tests.runtime.process.outside"
    fleet.start("journal", f"{outside}:Journal", params=json.dumps({"file": str(seen)}))
    fleet.start("through", "tests.probes:Pass", outbox_journal="journal")
    source = fleet.start("lines", f"{outside}:Lines", params=json.dumps({"file": str(orders)}), outbox_t="through")
    for kills in range(1, 7):
        until(lambda kills=kills: len(arrived(seen)) >= kills * 300, "it gets on", 60)  # type: ignore[misc]  # as ever
        source.kill()
        source = fleet.restart(source)
    settled = Path(f"{orders}.settled")
    until(lambda: settled.read_text() == str(LINES - 1), "everything is settled", 60)
    until(source.ready, "the source that was started last is ready")
    assert source.stop(SIGTERM) == 0
    lines = arrived(seen)
    assert sorted(int(line.split()[0]) for line in lines) == list(range(LINES))
    assert len({line.split()[1] for line in lines}) == LINES
