"""`make demo`: the orders example with real processes and real requests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from actorkit_kit import python_process
from tests.places import ORDERS
from tests.ports import free_port


def test_the_demo_shows_both_answers_and_what_the_metrics_count(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    shutil.copytree(ORDERS, folder, ignore=shutil.ignore_patterns("__pycache__", ".kit"))
    written = (folder / "topology.yaml").read_text()
    (folder / "topology.yaml").write_text(written.replace("8080", str(free_port())))
    done = subprocess.run(
        [sys.executable, str(folder / "demo.py")],
        env=python_process.environ(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^  200 <", done.stdout, re.MULTILINE)
    assert re.search(r"^  401 ", done.stdout, re.MULTILINE)
    assert re.search(r'^  actorkit_events_in_total\{actor="auth",.*\} 2\.0$', done.stdout, re.MULTILINE)
    assert re.search(r'^  actorkit_events_failed_total\{actor="auth",.*\} 1\.0$', done.stdout, re.MULTILINE)
    assert "stopped with status 0" in done.stdout
