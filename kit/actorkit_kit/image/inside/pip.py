"""pip, as builds and `kit lock` run it, and what it reports of what it took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

#: Longest text of a license that is taken for its name.
_NAME_CHARS: Final = 80
_CLASSIFIER: Final = "License :: OSI Approved :: "

#: A package as it is told: `name`, `version`; `file` and `sha256` of what was downloaded; `url` where no index was
#: asked; `path` where it lay in the author's folder; where it names a license, `license`, an SPDX expression, or
#: `license_name`.
Package = dict[str, str]


def install(
    *arguments: str, folder: Path | None = None, environ: Mapping[str, str] | None = None, within: Path | None = None
) -> list[Package]:
    """Run `pip install`; what it took. Relative paths begin in `folder`; packages there are told by their path in it,
    as are packages in `within`. pip's message is the build's, and so is its status.
    """
    with tempfile.TemporaryDirectory() as place:
        report = Path(place, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--no-compile", "--quiet"]
        command += ["--disable-pip-version-check", "--root-user-action=ignore", "--report", str(report)]
        done = subprocess.run([*command, *arguments], check=False, cwd=folder, env={**os.environ, **(environ or {})})
        if done.returncode:
            sys.exit(done.returncode)
        taken = json.loads(report.read_text(encoding="utf-8"))["install"]
    root = (within or folder or Path()).resolve()
    return sorted((_package(entry, root) for entry in taken), key=lambda package: package["name"])


def _package(entry: Mapping[str, Any], root: Path) -> Package:
    """An entry of pip's installation report, format 1 (pip's reference, "Installation report")."""
    told = entry["metadata"]
    package = {"name": told["name"], "version": told["version"]}
    source = entry["download_info"]
    address = urlsplit(source["url"])
    digest = source.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    if address.scheme == "file" and entry.get("is_direct"):
        package["path"] = os.path.relpath(unquote(address.path), root)
    else:
        package["file"] = unquote(address.path.rpartition("/")[2])
        if entry.get("is_direct"):
            package["url"] = source["url"]
    if digest:
        package["sha256"] = digest
    if told.get("license_expression"):
        package["license"] = str(told["license_expression"])
    elif name := _license_name(told):
        package["license_name"] = name
    return package


def _license_name(told: Mapping[str, Any]) -> str:
    """The license that an older package names, by its field or by its classifier."""
    field = str(told.get("license") or "").strip()
    if field and "\n" not in field and len(field) <= _NAME_CHARS:
        return field
    classifiers = [text for text in told.get("classifier", ()) if text.startswith(_CLASSIFIER)]
    return classifiers[0].removeprefix(_CLASSIFIER) if classifiers else ""
