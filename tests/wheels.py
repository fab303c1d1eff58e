"""Wheels made on the spot, for tests of what packages publish (PyPA, "Binary distribution format")."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_wheel(
    folder: Path, name: str, version: str, files: Mapping[str, str], *, points: str = "", lines: Sequence[str] = ()
) -> Path:
    """A wheel of Python files by their paths; `points` is its entry_points.txt, `lines` are more of its metadata."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    whole = {
        **files,
        f"{info}/METADATA": "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }
    record = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in whole.items()]
    whole[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in whole.items():
            archive.writestr(path, text)
    return wheel


def install_wheel(wheel: Path, target: Path, *, by_index: bool = False) -> None:
    """Have pip install a wheel into a folder: from its file, or from an index that has nothing else."""
    name, version = wheel.name.split("-")[:2]
    what = [f"--find-links={wheel.parent}", f"{name}=={version}"] if by_index else [str(wheel)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target)]
    subprocess.run([*command, *what], check=True, timeout=60)


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
