"""Golden answers: files with what came once, and was right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from actorkit_kit.testing.conditions import complaint_about
from actorkit_kit.testing.contents import content_of, is_same, write_golden
from actorkit_kit.testing.evidence import Evidence
from actorkit_kit.testing.wiring import Wiring
from actorkit_kit.topology.case import Case


def update(wiring: Wiring, case: Case, evidence: Evidence) -> list[Path]:
    """Write the golden answers of a test that are another now: each from the first event that all other conditions hold
    for. The files.

    Raises:
        KitError: one cannot be written.
    """
    written = []
    for one in case.expectations:
        file = one.data.file if one.data is not None else None
        if file is None or one.data is None:
            continue
        bare = replace(one, data=None)
        good = [each for each in evidence.seen_by(wiring, one) if not complaint_about(bare, each)]
        if not good or any(
            _is_there(file) and is_same(content_of(one.data), (each.format, each.content)) for each in good
        ):
            continue
        write_golden(file, one.data.format or good[0].format, good[0].content)
        written.append(file)
    return written


def _is_there(file: Path) -> bool:
    return file.is_file()
