"""A release under load while it is disturbed, in short: no order fails, and no number is lost or comes twice.

`python -m benchmarks.outages` is the long form, with all faults.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests import needs
from tests.places import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.timeout(900)]

#: The faults that are tried here, and how long one lasts that has no end of its own, in seconds.
FAULTS: Final = ("restart_everything", "delete_brokers", "scale")
SECONDS: Final = 10


def test_no_order_fails_and_no_number_is_lost_or_comes_twice(tmp_path: Path) -> None:
    needs.cluster()
    needs.engine()
    file = tmp_path / "outages.json"
    chosen = [argument for fault in FAULTS for argument in ("--only", fault)]
    command = [sys.executable, "-m", "benchmarks.outages", "--seconds", str(SECONDS), "--json", str(file), *chosen]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(file.read_text())
    assert len(found["faults"]) == len(FAULTS)
    for fault in found["faults"]:
        assert fault["sent"] > 0
        assert (fault["fault"], fault["failures"]) == (fault["fault"], {})
    assert found["numbers"]["sent"] > 0
    assert (found["numbers"]["lost"], found["numbers"]["twice"]) == (0, 0)
