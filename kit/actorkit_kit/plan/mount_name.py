"""Names of mounts as every target takes them: as a file's, a ConfigMap's key, and a part of a path in a container."""

from __future__ import annotations

import hashlib
import re
from typing import Final

#: What a longer name is cut to before its hash: with it, it is a key of a ConfigMap (at most 253 characters).
MAX_NAME: Final = 200
#: Names that stand as they are. Kubernetes keeps the files that begin with two dots for itself.
_PLAIN: Final = re.compile(r"(?!\.\.)[A-Za-z0-9._-]{1,200}\Z")


def mount_name(name: str) -> str:
    """The name itself where it is plain, else flattened and with a hash of what it was; no two names become one."""
    if _PLAIN.match(name) and name != ".":
        return name
    flat = re.sub(r"[^A-Za-z0-9._-]", "-", name)[:MAX_NAME]
    return f"{flat.strip('.')}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}"
