"""Places in an event: what an XPath, a JSONPath, or a path from the event itself leads to.

XPath 1.0 is evaluated by libxml2 (lxml), JSONPath (RFC 9535) by python-jsonpath. Neither is asked for by the runtime
itself: an actor that selects needs the extra that brings it. Both take time by the size of the document and by the
expression, which the author wrote; expressions never come from an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from actorkit.errors import ConversionError, SettingsError
from actorkit.event.event import Event
from actorkit.event.views import JSONEvent, XMLEvent

#: Prefix of the document's default namespace in an XPath.
DEFAULT_PREFIX: Final = "default"

#: Functions of RFC 9535 whose patterns Python's backtracking `re` would match: a text could make them never end.
_BACKTRACKING: Final = ("match", "search")


class View:
    """An event as the formats that selectors look at; each is made once, when it is first wanted."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self._made: dict[type[Event], Any] = {}

    def of(self, wanted: type[Event]) -> Any:
        """The data as that class has it; None where it cannot be had."""
        if wanted not in self._made:
            try:
                self._made[wanted] = self.event.convert(wanted).data
            except ConversionError:
                self._made[wanted] = None
        return self._made[wanted]


#: What a selector becomes: the values that it leads to. Elements stay elements.
Find = Callable[[View], list[Any]]


class Selector(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place in an event, told in one of three ways."""

    xpath: Annotated[str, Meta(description="XPath 1.0 in the data as XML")] = ""
    jsonpath: Annotated[str, Meta(description="JSONPath (RFC 9535) in the data as JSON")] = ""
    at: Annotated[str, Meta(description="path from the event: data/total, attributes/kind, http/headers/host")] = ""
    namespaces: Annotated[
        dict[str, str],
        Meta(description="prefix → namespace for the XPath; others are the document's, its default one is default:"),
    ] = {}

    @property
    def given(self) -> tuple[str, ...]:
        """The ways in which it is told; exactly one is right."""
        return tuple(name for name in ("xpath", "jsonpath", "at") if getattr(self, name))

    def compile(self) -> Find:
        """Make it ready.

        Raises:
            SettingsError: it is told in no way or in several, or cannot be read; or a library is missing.
        """
        if len(self.given) != 1:
            raise SettingsError(f"give one of xpath, jsonpath and at; there are {len(self.given)}")
        if self.xpath:
            return _compile_xpath(self.xpath, self.namespaces)
        if self.jsonpath:
            return _compile_jsonpath(self.jsonpath)
        return _compile_lookup(self.at)


def text_of(value: Any) -> str:
    """A selected value as text: an element is all the text in it, what is no text is its JSON."""
    if isinstance(value, str):
        return value
    if hasattr(value, "itertext"):
        return "".join(value.itertext())
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():  # XPath has no other numbers
        value = int(value)
    return msgspec.json.encode(value, enc_hook=str).decode()


def _compile_lookup(path: str) -> Find:
    steps = path.split("/")
    # The data by itself is the text of the body: it need not be read for that.
    if steps == ["data"]:
        return lambda view: [view.event.text()]

    def find(view: View) -> list[Any]:
        try:
            value = view.event.lookup(steps)
        except ConversionError:
            return []
        return [] if value is None else [value]

    return find


def _compile_xpath(expression: str, namespaces: Mapping[str, str]) -> Find:
    try:
        from lxml import etree
    except ImportError as exc:
        raise SettingsError("xpath needs lxml. Install it: actorkit[xml]") from exc

    # Their own regular expressions (EXSLT) backtrack: they are left out.
    @lru_cache(maxsize=64)  # the documents' namespaces, which strangers choose
    def compile_with(bound: tuple[tuple[str, str], ...]) -> Any:
        return etree.XPath(expression, namespaces=dict(bound), regexp=False, smart_strings=False)

    try:
        compile_with(tuple(namespaces.items()))
    except (etree.XPathSyntaxError, ValueError, TypeError) as exc:
        raise SettingsError(f'xpath: "{expression}" is no XPath: {exc}') from exc

    def find(view: View) -> list[Any]:
        root = view.of(XMLEvent)
        if root is None:
            return []
        bound = {**_namespaces(root), **namespaces}
        try:
            found = compile_with(tuple(bound.items()))(root)
        except etree.XPathError:  # a prefix that the document does not have, or a value of another kind
            return []
        return found if isinstance(found, list) else [found]

    return find


def _namespaces(root: Any) -> dict[str, str]:
    """The namespaces that a document declares in its root and in the root's children; the root's win."""
    found: dict[str, str] = {}
    for element in (*root, root):
        for prefix, name in element.nsmap.items():
            found[prefix or DEFAULT_PREFIX] = name
    return found


def _compile_jsonpath(expression: str) -> Find:
    try:
        from jsonpath import JSONPathEnvironment, JSONPathError
    except ImportError as exc:
        raise SettingsError("jsonpath needs python-jsonpath. Install it: actorkit[json]") from exc
    environment = JSONPathEnvironment(strict=True)
    for name in _BACKTRACKING:
        environment.function_extensions.pop(name, None)
    try:
        path = environment.compile(expression)
    except (JSONPathError, ValueError, RecursionError) as exc:
        raise SettingsError(f'jsonpath: "{expression}" is no JSONPath: {exc}') from exc

    def find(view: View) -> list[Any]:
        data = view.of(JSONEvent)
        try:
            return list(path.findall(data)) if isinstance(data, dict | list) else []
        except JSONPathError:  # deeper than it goes
            return []

    return find
