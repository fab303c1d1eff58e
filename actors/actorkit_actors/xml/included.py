"""Documents that another one may include: those that its actor was given by name, and no others.

libxml2 and libxslt read what a schema or a stylesheet names before they ask anybody. So each name is looked at first,
and becomes an address that only the parser of this module has an answer for: no file and no address outside is ever
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from actorkit.errors import ConversionError, SettingsError
from actorkit.event import xml

#: Begins an address of a document that was given.
GIVEN: Final = "given:"

#: Element that includes a document → the attribute that names it.
Includes = Mapping[str, str]


class _Shelf(etree.Resolver):
    """Gives libxml2 the documents, by their addresses."""

    def __init__(self, documents: dict[str, bytes]) -> None:
        super().__init__()
        self._documents = documents

    def resolve(self, url: str, _public: str, context: Any) -> Any:  # type: ignore[override]  # the stubs lack one
        """The document of that address; an empty one where there is none."""
        found = self._documents.get(url)
        if found is None:
            return self.resolve_empty(context)  # type: ignore[attr-defined]  # the stubs lack it
        return self.resolve_string(found, context, base_url=url)


def read(
    text: str, given: Mapping[str, str], includes: Includes, parameter: str, library: str
) -> tuple[Any, dict[str, Any]]:
    """The root of a document, and those of what it may include, by their addresses. `parameter` has the document, and
    `library` what is given.

    Raises:
        SettingsError: it is not XML, something that it includes is not, or it includes what was not given. The message
            begins with the parameter and tells the line.
    """
    root = _look_over(text, given, includes, parameter, library)
    return root, {
        GIVEN + name: _look_over(other, given, includes, f'{library}: "{name}"', library)
        for name, other in given.items()
    }


def ready(root: Any, others: Mapping[str, Any]) -> Any:
    """The root as a compiler may have it: it gets the others where they are included."""
    if not others:
        return root
    parser = xml.parser()
    parser.resolvers.add(_Shelf({address: xml.serialise(other) for address, other in others.items()}))
    return etree.fromstring(xml.serialise(root), parser)


def _look_over(text: str, given: Mapping[str, str], includes: Includes, where: str, library: str) -> Any:
    try:
        root = xml.parse(text.encode(), "utf-8")
    except ConversionError as exc:
        raise SettingsError(f"{where}: {exc.message}") from exc
    for element in root.iter(*includes):
        attribute = includes[element.tag]
        name = element.get(attribute)
        if name is None:
            continue  # The compiler says so, where it has to be there.
        if name not in given:
            known = f"it has {', '.join(sorted(given))}" if given else "it has none"
            raise SettingsError(
                f'{where}: line {element.sourceline} includes "{name}", which is not among {library}; {known}'
            )
        element.set(attribute, GIVEN + name)
    return root
