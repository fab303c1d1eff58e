"""`make bench`: every benchmark, as a table and as `benchmarks/results.json`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks import circle, client, edge, files, flow, latency, mdp, sql, start, window

RESULTS = Path(__file__).resolve().parent / "results.json"


def main() -> None:
    """Run them one after the other; nothing else should run on the machine meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="rounds of each; medians are shown")
    runs = parser.parse_args().runs
    rows = {
        name: module.measure(runs)
        for name, module in (
            ("start", start),
            ("edge", edge),
            ("flow", flow),
            ("latency", latency),
            ("window", window),
            ("circle", circle),
            ("mdp", mdp),
            ("sql", sql),
            ("client", client),
            ("files", files),
        )
    }
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")
    print(f"written: {RESULTS}")


if __name__ == "__main__":
    main()
