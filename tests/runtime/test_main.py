"""`python -m actorkit` before it knows what it is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.fleet import Process
from tests.until import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_while_its_module_is_imported_it_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    gate, imports = tmp_path / "gate", tmp_path / "imports"
    os.mkfifo(gate)
    (tmp_path / "slow.py").write_text(f"open({str(imports)!r}, 'w').close()\nopen({str(gate)!r}).close()\n")
    variables = {"ACTORKIT_ACTOR": "a", "ACTORKIT_CLASS": "slow:Slow", "ACTORKIT_CODE": str(tmp_path)}
    with Process(variables, tmp_path / "log") as process:
        until(imports.exists, "the import is under way")
        assert process.stop(number) == 0
        assert process.said() == ""
