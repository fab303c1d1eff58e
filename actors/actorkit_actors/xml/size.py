"""How large a document may be for what takes more than one look at each element."""

from __future__ import annotations

from typing import Annotated, Any, Final

from lxml import etree
from msgspec import Meta

from actorkit.errors import MalformedEvent

#: A parameter: elements of the largest document that is looked at.
MaxElements = Annotated[
    int,
    Meta(
        ge=0,
        description="elements of the largest document that is taken; expressions that compare elements with each other "
        "take time by the square of it; 0: no bound",
    ),
]

#: The bound where an actor sets one by itself: an expression that compares each element with each takes seconds.
DEFAULT_MAX_ELEMENTS: Final = 20_000

_count: Any = etree.XPath("count(//*)")


def refuse_large(root: Any, most: int) -> None:
    """See that a document has no more elements than that; 0: no bound.

    Raises:
        MalformedEvent: it has more.
    """
    if most and (found := int(_count(root))) > most:
        raise MalformedEvent(f"the document has {found} elements; this actor takes at most {most} (max_elements)")
