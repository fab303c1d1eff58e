"""Libraries without what only a debugger reads."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from actorkit_kit.image.inside import elf


def test_a_stripped_library_still_loads(tmp_path: Path) -> None:
    name = "greenlet._greenlet"
    source = Path(import_module(name).__file__ or "")
    copy = tmp_path / source.name
    copy.write_bytes(source.read_bytes())
    saved = elf.strip(copy)
    assert saved > 100_000
    assert copy.stat().st_size == source.stat().st_size - saved
    load = f"import importlib.util as u; s = u.spec_from_file_location({name!r}, {str(copy)!r}); u.module_from_spec(s)"
    done = subprocess.run([sys.executable, "-I", "-c", load], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = tmp_path / "text.so"
    text.write_text("/* a linker script */")
    assert elf.strip(text) == 0
