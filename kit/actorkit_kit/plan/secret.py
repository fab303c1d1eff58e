"""The content of a secret that a variable of the author's environment holds."""

from __future__ import annotations

import os

from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Mount


def variable_content(mount: Mount) -> bytes:
    """The value of the variable that a mount names.

    Raises:
        KitError: the variable is not set.
    """
    value = os.environ.get(mount.variable)
    if value is None:
        raise KitError(f'the secret "{mount.name}" is in the variable {mount.variable}, which is not set. Set it.')
    return os.fsencode(value)
