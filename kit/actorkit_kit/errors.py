"""What can go wrong in `kit`, as one tree; `status` is the exit status that it ends with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from actorkit_kit.findings import Finding


class KitError(Exception):
    """Raised when `kit` cannot do what it was asked to; the message is one line that says what to do."""

    status: ClassVar[int] = 1


class UsageError(KitError):
    """Raised when what stands on the command line cannot be meant."""

    status = 2


class InvalidTopology(KitError):
    """Raised when a topology has mistakes; `findings` has all of them, in the order of the file."""

    status = 2

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)
