"""What sql-out writes beside `executemany`: the same rows, so many in one transaction, into a table of the same kind.

The events come over an edge from a process of their own; the floor has its rows at hand. Both write to SQLite (WAL).

python -m benchmarks.sql [--runs 5] [--json FILE]
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.ports import free_port
from tests.until import until

from benchmarks import report
from benchmarks.edge import actor

#: Events of one measurement, the first that are not counted, bytes of each, and rows of one transaction.
COUNT, WARM_UP, SIZE_BYTES, BATCH = 60_000, 5_000, 100, 1_000
TABLE = "create table rows (event_key text primary key, body text)"


def database(file: Path) -> sqlite3.Connection:
    """An empty table."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute(TABLE)
    return connection


def floor(folder: Path) -> float:
    """Rows per second of executemany."""
    rows = [(f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}", "x" * SIZE_BYTES) for number in range(COUNT)]
    with closing(database(folder / "floor.sqlite")) as connection:
        begun = time.perf_counter()
        for first in range(0, COUNT, BATCH):
            connection.execute("begin")
            connection.executemany("insert into rows values (?, ?) on conflict do nothing", rows[first : first + BATCH])
            connection.execute("commit")
        return COUNT / (time.perf_counter() - begun)


def ours(folder: Path) -> float:
    """Rows per second of sql-out behind an edge."""
    endpoint, file = f"tcp://127.0.0.1:{free_port()}", folder / "ours.sqlite"
    params = {"url": f"sqlite:///{file}", "table": "rows", "columns": {"body": "data"}, "batch_size": BATCH}
    with closing(database(file)) as connection:

        def written() -> int:
            (rows,) = connection.execute("select coalesce(max(rowid), 0) from rows").fetchone()
            return int(rows)

        sink = actor("out", "", params, ACTORKIT_CLASS="actorkit_actors.sql.sql_out:SQLOut", ACTORKIT_INBOX=endpoint)
        given = {"count": COUNT, "size_bytes": SIZE_BYTES}
        source = actor("source", "Source", given, ACTORKIT_OUTBOX_NEXT=f"{endpoint}#in")
        try:
            until(lambda: written() >= WARM_UP, "rows are written", 60, pause_s=0.02)
            first, begun = written(), time.perf_counter()
            until(lambda: written() >= COUNT, "all rows are written", 120, pause_s=0.02)
            return (COUNT - first) / (time.perf_counter() - begun)
        finally:
            for process in (source, sink):
                process.terminate()
            for process in (source, sink):
                process.wait(30)


def measure(runs: int) -> report.Rows:
    """The row: medians over the runs."""
    pairs = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as name:
            pairs.append((ours(Path(name)), floor(Path(name))))
    rate, bare = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    print(f"sql-out  {rate:9,.0f} rows/s (executemany {bare:,.0f}, {rate / bare:.0%})", flush=True)
    return [{"shape": "sql-out", "rows_per_s": round(rate), "floor_rows_per_s": round(bare)}]


if __name__ == "__main__":
    report.run(__doc__, measure)
