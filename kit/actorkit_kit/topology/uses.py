"""What an actor `uses`: a name of the stock actors or of installed packages, or a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actorkit.settings import CLASS_PATH
from actorkit_kit.classes import known
from actorkit_kit.topology.kinds import Text, ecma


@dataclass(frozen=True)
class Uses(Text):
    """A name that `kit actors` lists, or `package.module:Class`."""

    def schema(self) -> dict[str, Any]:
        """The names with what they mean, for editors to complete. Only this reads the actors' files."""
        names = [{"const": name, "description": entry.summary} for name, entry in known.entries().items()]
        return {
            "anyOf": [*names, {"type": "string", "pattern": ecma(CLASS_PATH), "description": "package.module:Class"}]
        }
