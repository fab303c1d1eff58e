"""XML as JSON values, and JSON values as XML.

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

Both ways cost time in proportion to the document, whatever it is made of: what the document's namespaces are is carried
along, never looked up from an element, for that walks up to the root each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from lxml import etree

from actorkit.errors import ConversionError

Element: TypeAlias = Any
#: An element, the value that comes into it, the namespaces that are known there, and how deep it is.
_Empty: TypeAlias = tuple[Any, Any, Mapping[str, str], int]

#: Namespace of the elements that stand around JSON values without a single root.
ENVELOPE_NAMESPACE: Final = "urn:actorkit:json"

#: Deepest nesting that is read or written; libxml2's own limit without `huge_tree`.
MAX_DEPTH: Final = 256

#: Most attributes of one element. libxml2 and stylesheets compare each with each.
MAX_ATTRIBUTES: Final = 256

#: Most namespace declarations in force at one place. libxml2 searches them one by one.
MAX_NAMESPACES: Final = 100

_OBJECT = f"{{{ENVELOPE_NAMESPACE}}}object"
_LIST = f"{{{ENVELOPE_NAMESPACE}}}list"
_ITEM = f"{{{ENVELOPE_NAMESPACE}}}item"
_VALUE = f"{{{ENVELOPE_NAMESPACE}}}value"
_ENVELOPE_PREFIX: Final = "ak"
_XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
_BLANKS: Final = " \t\r\n"
_EVENTS: Final = ("start", "end", "start-ns", "end-ns", "comment", "pi")
#: What XML calls an NCName, near enough: lxml has the last word.
_NCNAME = re.compile(r"[^\W\d][\w.\-·]*\Z")
#: How much of a name an error message quotes, in characters.
_QUOTED: Final = 100


class _Scope:
    """The namespace declarations in force at one place of a document."""

    def __init__(self) -> None:
        self._uris: dict[str, str] = {}
        #: URI → the prefixes that stand for it.
        self._prefixes: dict[str, dict[str, None]] = {}
        self._undo: list[tuple[str, str | None]] = []

    def open(self, prefix: str, uri: str) -> bool:
        """Enter a declaration; returns whether it changes anything."""
        before = self._uris.get(prefix)
        self._undo.append((prefix, before))
        if before == uri:
            return False
        if before is not None:
            del self._prefixes[before][prefix]
        self._set(prefix, uri)
        return True

    def close(self) -> None:
        """Leave the declaration that was entered last."""
        prefix, before = self._undo.pop()
        uri = self._uris[prefix]
        if before == uri:
            return
        del self._prefixes[uri][prefix]
        if before is None:
            del self._uris[prefix]
        else:
            self._set(prefix, before)

    def _set(self, prefix: str, uri: str) -> None:
        self._uris[prefix] = uri
        self._prefixes.setdefault(uri, {})[prefix] = None

    def attribute(self, name: str) -> str:
        """An attribute's name with its prefix; the default namespace is not for attributes."""
        if not name.startswith("{"):
            return name
        uri, _, local = name[1:].partition("}")
        if uri == _XML_NAMESPACE:
            return f"xml:{local}"
        prefix = next((prefix for prefix in self._prefixes.get(uri, ()) if prefix), None)
        return f"{prefix}:{local}" if prefix else local


class _Open:
    """An element whose end has not been met."""

    __slots__ = ("children", "found", "items", "texts")

    def __init__(self, text: str) -> None:
        self.found: dict[str, Any] = {}
        self.children: list[tuple[str, Any]] = []
        #: Whether all children are items of a list.
        self.items = True
        self.texts = [text]

    def value(self) -> Any:
        """What stands for the inside of the element."""
        if self.children and self.items:
            return [value for _, value in self.children]
        found = self.found
        lists: set[str] = set()
        for name, value in self.children:
            if name not in found:
                found[name] = value
            elif name in lists:
                found[name].append(value)
            else:
                found[name] = [found[name], value]
                lists.add(name)
        text = "".join(self.texts).strip(_BLANKS)
        if not found:
            return text or None
        if text:
            found["#text"] = text
        return found


def to_json(element: Element) -> Any:
    """The JSON value of an element, by the rules above."""
    root = element.getroot() if hasattr(element, "getroot") else element
    if root.tag == _VALUE:
        return _text(root).strip(_BLANKS) or None
    if root.tag in (_OBJECT, _LIST):
        content = _content(root, envelope=True)
        if content is None:
            return {} if root.tag == _OBJECT else []
        return content
    return {_qualify(root.tag, root.prefix): _content(root, envelope=False)}


def _content(root: Element, envelope: bool) -> Any:
    """What stands for the inside of an element; an envelope's declarations are left out."""
    scope, open_, declared = _Scope(), [_Open("")], []
    parent = root.getparent()
    for prefix, uri in (parent.nsmap if parent is not None else {}).items():
        scope.open(prefix or "", uri or "")
        declared.append((prefix or "", uri or ""))
    for kind, node in etree.iterwalk(root, events=_EVENTS):
        if kind == "start":
            inner = _Open(node.text or "")
            if not (envelope and node is root):
                _declarations(inner.found, declared)
            declared = []
            for name, value in node.attrib.items():
                inner.found["@" + scope.attribute(name)] = value
            open_.append(inner)
        elif kind == "end":
            value, outer = open_.pop().value(), open_[-1]
            outer.items = outer.items and node.tag == _ITEM
            outer.children.append((_qualify(node.tag, node.prefix), value))
            outer.texts.append(node.tail or "")
        elif kind == "start-ns":
            prefix, uri = node
            if scope.open(prefix or "", uri or ""):
                declared.append((prefix or "", uri or ""))
        elif kind == "end-ns":
            scope.close()
        else:  # a comment or a processing instruction: the text behind it is its parent's
            open_[-1].texts.append(node.tail or "")
    return open_[0].children[0][1]


def _declarations(found: dict[str, Any], declared: list[tuple[str, str]]) -> None:
    for prefix, uri in declared:
        if uri != ENVELOPE_NAMESPACE:
            found[f"@xmlns:{prefix}" if prefix else "@xmlns"] = uri


def _text(element: Element) -> str:
    parts = [element.text or ""]
    parts.extend(child.tail or "" for child in element)
    return "".join(parts)


def _qualify(tag: str, prefix: str | None) -> str:
    local = tag.rpartition("}")[2]
    return f"{prefix}:{local}" if prefix else local


def from_json(value: Any) -> Element:
    """The element of a JSON value, by the rules above.

    Raises:
        ConversionError: a key cannot be a name in XML, a text cannot stand in XML, the nesting is too deep, or an
            element would have too many attributes or namespaces.
    """
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, inner),) = value.items()
        if not name.startswith(("@", "#")) and not isinstance(inner, list | tuple):
            root, known = _element(None, name, inner, {}, 1)
            _fill(root, inner, known, 1)
            return root
    envelope = {_ENVELOPE_PREFIX: ENVELOPE_NAMESPACE}
    if isinstance(value, Mapping):
        root = etree.Element(_OBJECT, nsmap=envelope)
        _check_width(value)
        _fill(root, value, envelope, 1)
    elif isinstance(value, list | tuple):
        root = etree.Element(_LIST, nsmap=envelope)
        _fill(root, value, envelope, 1)
    else:
        root = etree.Element(_VALUE, nsmap=envelope)
        _set_text(root, value)
    return root


def _element(
    parent: Element, name: str, value: Any, outer: Mapping[str, str], depth: int
) -> tuple[Element, Mapping[str, str]]:
    """The empty element of a value, and the namespaces that are known in it."""
    if depth > MAX_DEPTH:
        raise ConversionError(f"the data is nested more than {MAX_DEPTH} levels deep")
    _check_width(value)
    own = dict(_namespaces(value))
    known = {**outer, **own} if own else outer
    if len(known) > MAX_NAMESPACES:
        raise ConversionError(f"more than {MAX_NAMESPACES} namespaces are declared around one element")
    nsmap: Any = {prefix or None: uri for prefix, uri in own.items()}
    tag = _tag(name, known)
    element = etree.Element(tag, nsmap=nsmap) if parent is None else etree.SubElement(parent, tag, nsmap=nsmap)
    return element, known


def _check_width(value: Any) -> None:
    """Before anything is made of it: each attribute is compared with those that its element has already."""
    wide = isinstance(value, Mapping) and len(value) > MAX_ATTRIBUTES
    if wide and sum(name.startswith("@") for name in value) > MAX_ATTRIBUTES:
        raise ConversionError(f"an element would have more than {MAX_ATTRIBUTES} attributes")


def _namespaces(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, uri in value.items():
            if name == "@xmlns" or name.startswith("@xmlns:"):
                yield name[7:], _scalar(uri, name)


def _fill(element: Element, value: Any, known: Mapping[str, str], depth: int) -> None:
    """Put a value into its element; what it holds comes after it, for nothing here recurses."""
    waiting: list[_Empty] = [(element, value, known, depth)]
    while waiting:
        element, value, known, depth = waiting.pop()
        if isinstance(value, list | tuple):
            waiting.extend((_item(element, depth + 1), item, known, depth + 1) for item in value)
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                _set(element, name, inner, known, depth, waiting)
        else:
            _set_text(element, value)


def _item(element: Element, depth: int) -> Element:
    if depth > MAX_DEPTH:
        raise ConversionError(f"the data is nested more than {MAX_DEPTH} levels deep")
    return etree.SubElement(element, _ITEM, nsmap={_ENVELOPE_PREFIX: ENVELOPE_NAMESPACE})


def _set(element: Element, name: str, value: Any, known: Mapping[str, str], depth: int, waiting: list[_Empty]) -> None:
    if name == "@xmlns" or name.startswith("@xmlns:"):
        return
    if name == "#text":
        _set_text(element, _scalar(value, name))
    elif name.startswith("@"):
        try:
            element.set(_tag(name[1:], known, attribute=True), _scalar(value, name))
        except ValueError as exc:
            raise ConversionError(f'the value of "{_short(name)}" cannot stand in XML: {exc}') from exc
    else:
        for one in value if isinstance(value, list | tuple) else (value,):
            child, inside = _element(element, name, one, known, depth + 1)
            waiting.append((child, one, inside, depth + 1))


def _tag(name: str, known: Mapping[str, str], attribute: bool = False) -> str:
    prefix, colon, local = name.rpartition(":")
    if not _NCNAME.match(local) or (colon and not _NCNAME.match(prefix)):
        raise ConversionError(f'"{_short(name)}" cannot be a name in XML')
    uri = known.get(prefix, _XML_NAMESPACE if prefix == "xml" else None)
    if colon and not uri:
        raise ConversionError(
            f'"{_short(name)}" has the prefix "{_short(prefix)}", and no "@xmlns:{_short(prefix)}" declares it'
        )
    return f"{{{uri}}}{local}" if uri and (colon or not attribute) else local


def _scalar(value: Any, name: str) -> str:
    if isinstance(value, Mapping | list | tuple):
        raise ConversionError(f'the value of "{_short(name)}" must be a text, a number, true, false or null')
    return _as_text(value)


def _set_text(element: Element, value: Any) -> None:
    text = _as_text(value)
    if not text:
        return
    try:
        element.text = text
    except ValueError as exc:
        raise ConversionError(f'the text of "{_short(element.tag)}" cannot stand in XML: {exc}') from exc


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _short(name: str) -> str:
    return name if len(name) <= _QUOTED else f"{name[:_QUOTED]}…"
