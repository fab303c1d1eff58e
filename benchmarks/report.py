"""The command line that each benchmark has: how many rounds, and where the rows go."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def run(description: str | None, measure: Callable[[int], Rows]) -> None:
    """Measure, and write the rows as JSON if asked to; the table is printed by `measure`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=int, default=5, help="rounds; medians are shown")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    given = parser.parse_args()
    rows = measure(given.runs)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")
