"""Awkward names, parameters, files, secrets and variables arrive byte for byte in the processes of `kit run`."""

from __future__ import annotations

import os
from pathlib import Path

from tests.kit import awkward
from tests.kit.running import KitRun
from tests.ports import free_port


def test_whatever_is_written_in_a_topology_arrives_as_it_was_written(tmp_path: Path) -> None:
    port = free_port()
    expected = awkward.write(tmp_path, "on", port, awkward.drawn())
    run = KitRun(tmp_path, **{awkward.VARIABLE: os.fsdecode(awkward.IN_VARIABLE)})
    try:
        run.table()
        awkward.check(f"http://127.0.0.1:{port}", expected)
        assert run.stop() == 0
    finally:
        run.close()
