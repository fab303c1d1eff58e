"""What can go wrong in `kit`, as one tree; `status` is the exit status that it ends with."""

from __future__ import annotations

from typing import ClassVar


class KitError(Exception):
    """Raised when `kit` cannot do what it was asked to; the message is one line that says what to do."""

    status: ClassVar[int] = 1


class UsageError(KitError):
    """Raised when what stands on the command line cannot be meant."""

    status = 2
