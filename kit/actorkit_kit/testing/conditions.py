"""Whether an event is what an expectation says, and if not, why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from actorkit.event import body
from actorkit_kit.testing.contents import content_of, difference_between, is_same, shown
from actorkit_kit.testing.messages import Sighting
from actorkit_kit.topology.case import Expectation


def complaint_about(expectation: Expectation, sighting: Sighting) -> str:
    """The first condition that does not hold for an event, with what there is instead; "" where all hold."""
    return next(_complaints(expectation, sighting), "")


def _complaints(expectation: Expectation, sighting: Sighting) -> Iterator[str]:
    status = sighting.status or 200  # where nobody has chosen one
    if expectation.status not in (0, status):
        yield f"the status is {status}, not {expectation.status}"
    if expectation.message:
        message = sighting.failure.message if sighting.failure is not None else _text(sighting)
        if not re.search(expectation.message, message):
            yield f'the message is "{message}", which "{expectation.message}" does not match'
    for name, wanted in expectation.attributes.items():
        if name not in sighting.attributes:
            yield f'there is no attribute "{name}"'
        elif sighting.attributes[name] != wanted:
            yield f'the attribute "{name}" is {shown(sighting.attributes[name])}, not {shown(wanted)}'
    for name, wanted in expectation.headers.items():
        found = sighting.headers.get(name.lower())
        if found != wanted:
            yield f'the header field "{name}" is {shown(found)}, not {shown(wanted)}'
    yield from _about_data(expectation, sighting)


def _about_data(expectation: Expectation, sighting: Sighting) -> Iterator[str]:
    if expectation.matches and not re.search(expectation.matches, _text(sighting)):
        yield f'"{expectation.matches}" matches nothing in it'
    try:
        for path, wanted in expectation.json.items():
            found = _at_jsonpath(path, _value(sighting))
            if not _is_found(found, wanted):
                yield f"{path} is {_told(found)}, not {shown(wanted)}"
        for path, wanted in expectation.xpath.items():
            found = _at_xpath(path, sighting)
            if not _is_found(found, wanted):
                yield f"{path} is {_told(found)}, not {shown(wanted)}"
    except Exception as exc:  # noqa: BLE001  # whatever reads the data says that it cannot
        yield f"the data cannot be read: {' '.join(str(exc).split())}"
    if expectation.data is not None:
        if expectation.data.file is not None and not expectation.data.file.is_file():
            yield f'there is no file "{expectation.data.file}". Write it with kit test --update'
        elif not is_same(content_of(expectation.data), (sighting.format, sighting.content)):
            difference = difference_between(content_of(expectation.data), (sighting.format, sighting.content))
            yield f"the data is another:\n{difference}"


def _text(sighting: Sighting) -> str:
    return sighting.content.decode(errors="replace")


def _value(sighting: Sighting) -> Any:
    """The data as JSON; that of an answer may be JSON in whatever it says that it is."""
    return body.load(sighting.format, sighting.content, body.JSON)


def _at_jsonpath(path: str, value: Any) -> list[Any]:
    import jsonpath

    if not isinstance(value, dict | list):  # the library reads a text as JSON, and takes no other value
        return [value] if path == "$" else []
    return [match.obj for match in jsonpath.finditer(path, value)]


def _at_xpath(path: str, sighting: Sighting) -> list[Any]:
    from lxml import etree

    root: Any = body.load(sighting.format, sighting.content, body.XML)
    namespaces = {prefix: uri for element in root.iter() for prefix, uri in element.nsmap.items() if prefix}
    found = etree.XPath(path, namespaces=namespaces)(root)
    if not isinstance(found, list):
        return [found]
    return [one if isinstance(one, str) else _text_of(one) for one in found]


def _is_found(found: list[Any], wanted: Any) -> bool:
    """Whether a path finds one value, which is the wanted one; or several, all of which are wanted, in their order."""
    if len(found) == 1 and _is_equal(found[0], wanted):
        return True
    several = isinstance(wanted, list) and len(found) == len(wanted)
    return several and all(_is_equal(one, other) for one, other in zip(found, wanted, strict=True))


def _is_equal(found: Any, wanted: Any) -> bool:
    """Whether they are the same; a number is what its text in XML says."""
    if isinstance(found, str) and isinstance(wanted, int | float) and not isinstance(wanted, bool):
        try:
            return float(found) == wanted
        except ValueError:
            return False
    if isinstance(found, str) and isinstance(wanted, str):
        return found.strip() == wanted.strip()
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def _told(found: list[Any]) -> str:
    if not found:
        return "not there"
    return shown(found[0]) if len(found) == 1 else ", ".join(json.dumps(one, ensure_ascii=False) for one in found)


def _text_of(element: Any) -> str:
    return "".join(element.itertext())
