"""The names that follow from a name: `place-order` is the module `place_order` with the class `PlaceOrder`."""

from __future__ import annotations

import keyword
import sys
from importlib import metadata
from typing import Final

from actorkit.graph import NAME
from actorkit_kit.errors import UsageError
from actorkit_kit.topology.kinds import bad_name

#: Modules that an actor's code would be taken for.
_OURS: Final = frozenset(("actorkit", "actorkit_actors", "actorkit_kit"))


def check_name(name: str) -> None:
    """See that something can be called so.

    Raises:
        UsageError: the name is none.
    """
    if not NAME.match(name):
        raise UsageError(bad_name(name))


def module_name(name: str) -> str:
    """The module of a name, inside a package.

    Raises:
        UsageError: Python has that word for itself.
    """
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise UsageError(f'"{module}" is a word of Python, and can be no module. Choose another name.')
    return module


def package_name(name: str) -> str:
    """The package of a topology.

    Raises:
        UsageError: a package of that name is there already, which would be imported in its place.
    """
    check_name(name)
    package = module_name(name)
    if package in sys.stdlib_module_names or package in _OURS or package in metadata.packages_distributions():
        raise UsageError(
            f'there is a package "{package}", which Python would import in its place. Choose another name.'
        )
    return package


def class_name(name: str) -> str:
    """The class of a name."""
    return "".join(part.capitalize() for part in name.split("-"))
