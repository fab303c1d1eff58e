"""Where a mistake in an author's code stands: `file:line`, before anything is replaced, or as a traceback tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from actorkit_kit.errors import KitError
from actorkit_kit.local.supervisor import EndedEarly

#: A line of a traceback.
_FRAME: Final = re.compile(r'File "([^"]+)", line (\d+)')


def find_mistakes(files: Iterable[Path]) -> list[str]:
    """What keeps Python files from being read, a line each."""
    found = []
    for path in files:
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except SyntaxError as exc:
            found.append(f"{path}:{exc.lineno or 1}:{exc.offset or 1}: {exc.msg}")
        except (OSError, ValueError) as exc:
            found.append(f"{path}:1:1: {exc}")
    return found


def told(error: KitError, folder: Path | None) -> str:
    """What went wrong, with the last line of the author's code that a traceback names."""
    lines = error.lines if isinstance(error, EndedEarly) else ()
    places = [match for line in lines if (match := _FRAME.search(line))]
    own = [match for match in places if folder is not None and Path(match[1]).is_relative_to(folder)]
    return f"{own[-1][1]}:{own[-1][2]}: {error}" if own else str(error)
