"""XML bodies: read safely, written, and turned into JSON values and back.

XML to JSON: `<order id="7"><item>a</item><item>b</item><note/></order>` becomes
`{"order": {"@id": "7", "item": ["a", "b"], "note": None}}`.

* An element without attributes and children is its text, without blanks around it; None when there is none.
* Attributes are `@name`, namespace declarations `@xmlns` and `@xmlns:prefix`, text beside them `#text`.
* Siblings of one name are a list. Comments and processing instructions are left out; prefixes are kept.

JSON to XML is the way back; every value becomes text, and text never becomes markup. An object with exactly one key,
whose value is not a list, becomes that element. Anything else has no single root, so it is put into an element of the
namespace `ENVELOPE_NAMESPACE`: `ak:object` around the keys of an object, `ak:list` around `ak:item`s, `ak:value` around
a bare value. Lists inside lists are `ak:item`s too. The way back takes these elements off, so nothing but types
(`1` → `"1"`, `""` → None) and lists of one value below the root (`{"a": {"b": [1]}}` → `{"a": {"b": "1"}}`) changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from lxml import etree

from actorkit.errors import ConversionError

Element: TypeAlias = Any

#: Namespace of the elements that stand around JSON values without a single root.
ENVELOPE_NAMESPACE: Final = "urn:actorkit:json"

#: Deepest nesting that is read or written; libxml2's own limit without `huge_tree`.
MAX_DEPTH: Final = 256

_OBJECT = f"{{{ENVELOPE_NAMESPACE}}}object"
_LIST = f"{{{ENVELOPE_NAMESPACE}}}list"
_ITEM = f"{{{ENVELOPE_NAMESPACE}}}item"
_VALUE = f"{{{ENVELOPE_NAMESPACE}}}value"
_ENVELOPE_PREFIX: Final = "ak"
_XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
_BLANKS: Final = " \t\r\n"
#: What XML calls an NCName, near enough: lxml has the last word.
_NCNAME = re.compile(r"[^\W\d][\w.\-·]*\Z")


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
    """Read a document and return its root. `encoding` overrides what the document itself says.

    A DOCTYPE is allowed and ignored; declaring or using entities is not.

    Raises:
        ConversionError: it is not well formed (the message names line and column), or has entities.
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
    if document.doctype:
        _refuse_entities(root, document.internalDTD)
    return root


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


def to_json(element: Element) -> Any:
    """The JSON value of an element, by the rules above."""
    root = element.getroot() if hasattr(element, "getroot") else element
    if root.tag == _VALUE:
        return _leaf(_text(root))
    if root.tag in (_OBJECT, _LIST):
        content = _content(root, root.nsmap)
        if content is None:
            return {} if root.tag == _OBJECT else []
        return content
    return {_qualified(root.tag, root.prefix): _content(root, {})}


def _content(element: Element, outer: Mapping[str | None, str]) -> Any:
    """What stands for the inside of an element; `outer` are the namespaces that were declared around it."""
    children = [child for child in element if isinstance(child.tag, str)]
    if children and all(child.tag == _ITEM for child in children):
        return [_content(child, element.nsmap) for child in children]
    found: dict[str, Any] = {}
    nsmap = element.nsmap
    if nsmap != outer:
        for prefix, uri in nsmap.items():
            if outer.get(prefix) != uri and uri != ENVELOPE_NAMESPACE:
                found[f"@xmlns:{prefix}" if prefix else "@xmlns"] = uri
    for name, value in element.attrib.items():
        found["@" + _attribute_name(name, nsmap)] = value
    lists: set[str] = set()
    for child in children:
        name = _qualified(child.tag, child.prefix)
        value = _content(child, nsmap)
        if name not in found:
            found[name] = value
        elif name in lists:
            found[name].append(value)
        else:
            found[name] = [found[name], value]
            lists.add(name)
    text = _text(element)
    if not found:
        return _leaf(text)
    if text.strip(_BLANKS):
        found["#text"] = text.strip(_BLANKS)
    return found


def _text(element: Element) -> str:
    parts = [element.text or ""]
    parts.extend(child.tail or "" for child in element)
    return "".join(parts)


def _leaf(text: str | None) -> str | None:
    return (text or "").strip(_BLANKS) or None


def _qualified(tag: str, prefix: str | None) -> str:
    local = tag.rpartition("}")[2]
    return f"{prefix}:{local}" if prefix else local


def _attribute_name(name: str, nsmap: Mapping[str | None, str]) -> str:
    if not name.startswith("{"):
        return name
    uri, _, local = name[1:].partition("}")
    prefix = (
        "xml" if uri == _XML_NAMESPACE else next((key for key, value in nsmap.items() if key and value == uri), None)
    )
    return f"{prefix}:{local}" if prefix else local


def from_json(value: Any) -> Element:
    """The element of a JSON value, by the rules above.

    Raises:
        ConversionError: a key cannot be a name in XML, a text cannot stand in XML, or the nesting is too deep.
    """
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, inner),) = value.items()
        if not name.startswith(("@", "#")) and not isinstance(inner, list | tuple):
            return _element(None, name, inner, {}, 1)
    envelope = {_ENVELOPE_PREFIX: ENVELOPE_NAMESPACE}
    if isinstance(value, Mapping):
        root = etree.Element(_OBJECT, nsmap=envelope)
        _fill(root, value, envelope, 1)
    elif isinstance(value, list | tuple):
        root = etree.Element(_LIST, nsmap=envelope)
        _fill(root, value, envelope, 1)
    else:
        root = etree.Element(_VALUE, nsmap=envelope)
        _set_text(root, value)
    return root


def _element(parent: Element, name: str, value: Any, outer: Mapping[str, str], depth: int) -> Element:
    if depth > MAX_DEPTH:
        raise ConversionError(f"the data is nested more than {MAX_DEPTH} levels deep")
    own = dict(_namespaces(value))
    known = {**outer, **own}
    nsmap: Any = {prefix or None: uri for prefix, uri in own.items()}
    tag = _tag(name, known)
    element = etree.Element(tag, nsmap=nsmap) if parent is None else etree.SubElement(parent, tag, nsmap=nsmap)
    _fill(element, value, known, depth)
    return element


def _namespaces(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, uri in value.items():
            if name == "@xmlns" or name.startswith("@xmlns:"):
                yield name[7:], _scalar(uri, name)


def _fill(element: Element, value: Any, known: Mapping[str, str], depth: int) -> None:
    if isinstance(value, list | tuple):
        for item in value:
            _fill(_item(element, depth + 1), item, known, depth + 1)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            _set(element, name, inner, known, depth)
    else:
        _set_text(element, value)


def _item(element: Element, depth: int) -> Element:
    if depth > MAX_DEPTH:
        raise ConversionError(f"the data is nested more than {MAX_DEPTH} levels deep")
    return etree.SubElement(element, _ITEM, nsmap={_ENVELOPE_PREFIX: ENVELOPE_NAMESPACE})


def _set(element: Element, name: str, value: Any, known: Mapping[str, str], depth: int) -> None:
    if name == "@xmlns" or name.startswith("@xmlns:"):
        return
    if name == "#text":
        _set_text(element, _scalar(value, name))
    elif name.startswith("@"):
        try:
            element.set(_tag(name[1:], known, attribute=True), _scalar(value, name))
        except ValueError as exc:
            raise ConversionError(f'the value of "{name}" cannot stand in XML: {exc}') from exc
    elif isinstance(value, list | tuple):
        for item in value:
            _element(element, name, item, known, depth + 1)
    else:
        _element(element, name, value, known, depth + 1)


def _tag(name: str, known: Mapping[str, str], attribute: bool = False) -> str:
    prefix, colon, local = name.rpartition(":")
    if not _NCNAME.match(local) or (colon and not _NCNAME.match(prefix)):
        raise ConversionError(f'"{name}" cannot be a name in XML')
    uri = known.get(prefix, _XML_NAMESPACE if prefix == "xml" else None)
    if colon and not uri:
        raise ConversionError(f'"{name}" has the prefix "{prefix}", and no "@xmlns:{prefix}" declares it')
    return f"{{{uri}}}{local}" if uri and (colon or not attribute) else local


def _scalar(value: Any, name: str) -> str:
    if isinstance(value, Mapping | list | tuple):
        raise ConversionError(f'the value of "{name}" must be a text, a number, true, false or null')
    return _as_text(value)


def _set_text(element: Element, value: Any) -> None:
    text = _as_text(value)
    if not text:
        return
    try:
        element.text = text
    except ValueError as exc:
        raise ConversionError(f'the text of "{element.tag}" cannot stand in XML: {exc}') from exc


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
