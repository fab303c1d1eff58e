"""Attributes out of XML, by XPath."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Final

from lxml import etree
from msgspec import Meta

from actorkit import Actor, Event, XMLEvent
from actorkit.errors import MalformedEvent
from actorkit.params import Problem
from actorkit_actors.xml.size import DEFAULT_MAX_ELEMENTS, MaxElements, refuse_large

#: Sets of namespaces for which compiled expressions are kept.
_MAX_KEPT: Final = 64


class XPathAttributes(Actor):
    """Sets attributes of the event to what XPath 1.0 finds in its data, which goes on as it came.

    Nothing found is null, one thing is that, several are a list. An attribute and a text are texts; an element with
    children is its XML, one without its text, "" where there is none; `count()`, `string()` and `boolean()` give a
    number, a text and a truth value.

    A prefix means what `namespaces` says, else what the document's root declares; the root's default namespace has the
    prefix `default`. Expressions know no regular expressions and read nothing but the document. One that compares
    elements with each other takes time by the square of their number, and C code cannot be interrupted: `max_elements`
    bounds it, and after `stuck_after_s` the instance is ended.

    Failures:
        MalformedEvent (400): with `required`, nothing was found; the document is too large; an expression does not fit
            it (a prefix that nobody declares).
        ConversionError (400): the data is not XML.
    """

    NAME: ClassVar[str] = "xpath-attributes"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        attributes: Annotated[dict[str, str], Meta(min_length=1, description="attribute → XPath expression")]
        namespaces: Annotated[dict[str, str], Meta(description="prefix → namespace, for the expressions")] = {}
        required: Annotated[bool, Meta(description="fail events in which an expression finds nothing")] = False
        max_elements: MaxElements = DEFAULT_MAX_ELEMENTS

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Expressions that are none."""
        for name, expression in params.attributes.items():
            try:
                etree.XPath(expression, namespaces=params.namespaces)
            except (etree.XPathError, ValueError, TypeError) as exc:
                yield Problem(f"attributes.{name}", f'"{expression}" is no XPath expression: {exc}')

    def setup(self) -> None:
        """Get ready to keep compiled expressions."""
        #: Namespaces → attribute → its expression.
        self.compiled: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}

    def consume(self, event: XMLEvent) -> Event:
        """Set the attributes."""
        root = event.data
        refuse_large(root, self.params.max_elements)
        found = {name: self._find(name, expression, root) for name, expression in self._expressions(root).items()}
        return event.as_it_came().replace(**found)

    def _expressions(self, root: Any) -> Mapping[str, Any]:
        namespaces = {prefix or "default": uri for prefix, uri in root.nsmap.items()} | self.params.namespaces
        key = tuple(sorted(namespaces.items()))
        compiled = self.compiled.get(key)
        if compiled is None:
            compiled = {
                name: etree.XPath(expression, namespaces=namespaces, regexp=False, smart_strings=False)
                for name, expression in self.params.attributes.items()
            }
            if len(self.compiled) >= _MAX_KEPT:  # Strangers choose the namespaces of documents.
                self.compiled.clear()
            self.compiled[key] = compiled
        return compiled

    def _find(self, name: str, expression: Any, root: Any) -> Any:
        try:
            found = expression(root.getroottree())
        except (etree.XPathError, ValueError) as exc:
            raise MalformedEvent(f'"{expression.path}" for the attribute "{name}" fails: {exc}') from exc
        if isinstance(found, list):
            values = [_value(one) for one in found]
            found = values if len(values) > 1 else values[0] if values else None
        if found is None and self.params.required:
            raise MalformedEvent(f'"{expression.path}" for the attribute "{name}" finds nothing')
        return int(found) if isinstance(found, float) and found.is_integer() else found


def _value(found: Any) -> Any:
    if not isinstance(found, etree._Element):
        return found[1] if isinstance(found, tuple) else str(found)  # a tuple: the namespace axis
    if isinstance(found.tag, str) and len(found):
        return etree.tostring(found, encoding="unicode", with_tail=False)
    return found.text or ""
