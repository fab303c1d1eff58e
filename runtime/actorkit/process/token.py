"""The token of an admin server: whoever may read its file may act.

In a container an instance makes its own, in a folder that ends with the container. So the token is nowhere at rest, and
has whoever may run a command there, who could do all that it allows anyway.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from actorkit.errors import SettingsError


def read_or_make_token(path: Path) -> str:
    """The token that stands in a file; a new one, for its owner alone, where there is no such file.

    Raises:
        SettingsError: it can be neither read nor made, or it is empty.
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as exc:
        raise SettingsError(f'ACTORKIT_ADMIN_TOKEN: "{path}" cannot be made: {exc.strerror}.') from exc
    token = secrets.token_urlsafe(32)
    with os.fdopen(number, "w") as file:
        file.write(token)
    return token


def _read(path: Path) -> str:
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeError) as exc:
        raise SettingsError(f'ACTORKIT_ADMIN_TOKEN: "{path}" cannot be read: {exc}.') from exc
    if not token:
        raise SettingsError(f'ACTORKIT_ADMIN_TOKEN: "{path}" is empty. Remove it, and a token is made.')
    return token
