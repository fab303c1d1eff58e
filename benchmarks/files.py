"""file-in → file-out beside `cat`: the lines of a file, each an event that is written once, in two processes.

`cat` promises nothing and looks at nothing: the row tells what it costs that each line is an event with a name.

python -m benchmarks.files [--runs 5] [--json FILE]
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.ports import free_port
from tests.until import until

from benchmarks import report
from benchmarks.edge import actor

#: Lines of one measurement, the first that are not counted, and bytes of each.
COUNT, WARM_UP, LINE_BYTES = 60_000, 5_000, 100


def floor(source: Path, folder: Path) -> float:
    """Lines per second of cat."""
    with (folder / "copy").open("wb") as copy:
        begun = time.perf_counter()
        subprocess.run(["cat", str(source)], stdout=copy, check=True)
        return COUNT / (time.perf_counter() - begun)


def ours(source: Path, folder: Path) -> float:
    """Lines per second of file-in and file-out."""
    endpoint, made = f"tcp://127.0.0.1:{free_port()}", folder / "out" / "lines.txt"

    def written() -> int:
        return made.stat().st_size // LINE_BYTES if made.exists() else 0

    keep = {"folder": str(made.parent), "file": made.name}
    files = "actorkit_actors.files"
    sink = actor("out", "", keep, ACTORKIT_CLASS=f"{files}.file_out:FileOut", ACTORKIT_INBOX=endpoint)
    given = {"path": str(source), "folder": str(folder / "progress")}
    begin = actor("in", "", given, ACTORKIT_CLASS=f"{files}.file_in:FileIn", ACTORKIT_OUTBOX_NEXT=f"{endpoint}#in")
    try:
        until(lambda: written() >= WARM_UP, "lines are written", 60, pause_s=0.01)
        first, begun = written(), time.perf_counter()
        until(lambda: written() >= COUNT, "all lines are written", 120, pause_s=0.01)
        return (COUNT - first) / (time.perf_counter() - begun)
    finally:
        for process in (begin, sink):
            process.terminate()
        for process in (begin, sink):
            process.wait(30)


def measure(runs: int) -> report.Rows:
    """The row: medians over the runs."""
    pairs = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            source = folder / "lines"
            source.write_bytes(b"".join(b"%0*d\n" % (LINE_BYTES - 1, number) for number in range(COUNT)))
            pairs.append((ours(source, folder), floor(source, folder)))
    rate, bare = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
    print(f"file-in -> file-out  {rate:9,.0f} lines/s (cat {bare:,.0f}, {ratio:.2%})", flush=True)
    return [
        {
            "shape": "file-in -> file-out",
            "lines_per_s": round(rate),
            "floor_lines_per_s": round(bare),
            "ratio": round(ratio, 5),
        }
    ]


if __name__ == "__main__":
    report.run(__doc__, measure)
