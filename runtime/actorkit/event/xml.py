"""XML bodies: read safely, and written. `xml_json` turns them into JSON values and back."""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

from actorkit.errors import ConversionError
from actorkit.event.xml_json import (
    ENVELOPE_NAMESPACE,
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_NAMESPACES,
    Element,
    from_json,
    to_json,
)

__all__ = ["ENVELOPE_NAMESPACE", "MAX_DEPTH", "Element", "from_json", "parse", "parser", "serialise", "to_json"]

#: The usual encodings, in which a "=" of the document is one in its bytes.
_COUNTABLE: Final = frozenset({"UTF-8", "utf-8", "US-ASCII", "us-ascii", "ISO-8859-1", "iso-8859-1", None})

_too_many_attributes = etree.XPath(f"boolean(//*[@*[{MAX_ATTRIBUTES + 1}]])")


def parser(encoding: str | None = None) -> etree.XMLParser:
    """A parser for documents from outside: no entities, no network, no DTD is loaded, libxml2's limits are on."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        encoding=encoding,
    )


_parser = parser()


def parse(content: bytes, encoding: str | None = None) -> Element:
    """Read a document and return its root; see `parse_document`."""
    return parse_document(content, encoding)[0]


def parse_document(content: bytes, encoding: str | None = None) -> tuple[Element, str | None]:
    """Read a document: (its root, the encoding that it says it has). `encoding` overrides what it says.

    A DOCTYPE is allowed and ignored; declaring or using entities is not.

    Raises:
        ConversionError: it is not well formed (the message names line and column), has entities, or has an element with
            too many attributes or namespaces.
    """
    try:
        root = etree.fromstring(content, parser(encoding) if encoding else _parser)
    except etree.XMLSyntaxError as exc:
        raise ConversionError(f"the data is not XML: {' '.join((exc.msg or 'it is empty').split())}") from exc
    except (ValueError, LookupError) as exc:
        raise ConversionError(f"the data is not XML: {exc}") from exc
    if root is None:
        raise ConversionError("the data is not XML: it is empty")
    document: Any = root.getroottree().docinfo
    named: str | None = document.encoding
    if document.doctype:
        _refuse_entities(root, document.internalDTD)
    # Each attribute and each declaration has its "=". Most documents have fewer in all than one element may have.
    if (encoding or named) not in _COUNTABLE or content.count(b"=") > MAX_NAMESPACES:
        _refuse_wide(root)
    return root, named


def _refuse_wide(root: Element) -> None:
    if _too_many_attributes(root):
        raise ConversionError(f"an element of the XML has more than {MAX_ATTRIBUTES} attributes")
    _refuse_namespaces(root)


def _refuse_namespaces(root: Element) -> None:
    declared = 0
    for kind, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        declared += 1 if kind == "start-ns" else -1
        if declared > MAX_NAMESPACES:
            raise ConversionError(f"more than {MAX_NAMESPACES} namespaces are declared around one element of the XML")


def _refuse_entities(root: Element, dtd: Any) -> None:
    declared = next(iter(dtd.iterentities()), None) if dtd is not None else None
    if declared is not None:
        raise ConversionError(f'the XML declares the entity "{declared.name}"; write its text instead')
    used = next(root.iter(etree.Entity), None)
    if used is not None:
        raise ConversionError(
            f'the XML uses the entity "{used.name}" in line {used.sourceline}; write its text instead'
        )


def serialise(data: Element) -> bytes:
    """Write an element, or the root of a tree, as UTF-8 without declaration and DOCTYPE.

    Raises:
        ConversionError: the tree is empty.
    """
    root = data.getroot() if hasattr(data, "getroot") else data
    if root is None:
        raise ConversionError("the XML tree has no root element")
    written: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=False, with_tail=False)
    return written
