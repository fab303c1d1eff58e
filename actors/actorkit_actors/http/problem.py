"""How errors are told to a client: as JSON, as XML or as text, whichever it prefers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from actorkit.errors import ConversionError, ErrorMessage
from actorkit.event import body
from actorkit.event.plain import is_too_deep
from actorkit.observe import texts
from actorkit_actors.http.accept import checked_offers
from actorkit_actors.http.media import HeaderTooLong, content_type, format_of

#: What XML 1.0 §2.2 has no character for.
_NO_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def write(headers: Mapping[str, str], errors: Sequence[ErrorMessage]) -> tuple[str, bytes]:
    """Errors for the client whose request had these headers: (media type, body).

    Where it does not mind, it gets what it sent: XML for XML, text for text, JSON for anything else. JSON as well where
    it wants none of the three.
    """
    media_type, format_ = _choose(headers)
    if format_ == body.XML:
        return media_type, _xml(errors)
    if format_ == body.TEXT:
        lines = (f"{error.message} ({error.code})\n" if error.code else f"{error.message}\n" for error in errors)
        return "text/plain; charset=utf-8", body.as_utf8("".join(lines)).encode()
    return media_type, msgspec.json.encode({"errors": [_as_object(error, details=True) for error in errors]})


def _choose(headers: Mapping[str, str]) -> tuple[str, str]:
    try:
        sent = format_of(content_type(headers.get("content-type", ""))[0])
        if sent == body.BYTES:
            sent = body.JSON
        types = checked_offers(headers.get("accept", ""), sent)
    except HeaderTooLong:
        types = ()
    return types[0] if types else ("application/json", body.JSON)


def _as_object(error: ErrorMessage, details: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"message": error.message}
    if error.code:
        found["code"] = error.code
    # Details may come from another process, which had more of its stack left: what is too deep stays out.
    if details and error.details and not is_too_deep(error.details):
        found["details"] = error.details
    return found


def _xml(errors: Sequence[ErrorMessage]) -> bytes:
    from actorkit.event import xml

    def written(details: bool) -> bytes:
        found = texts.change_texts([_as_object(error, details) for error in errors], _for_xml)
        return xml.serialise(xml.from_json({"errors": {"error": found}}))

    try:
        return written(details=True)
    except ConversionError:  # Details may have keys that are no names in XML.
        return written(details=False)


def _for_xml(text: str) -> str:
    """The text without what XML has no character for: a message may quote anything."""
    return _NO_XML.sub("\ufffd", text)
