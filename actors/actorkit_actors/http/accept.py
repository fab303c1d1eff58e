"""What an answer is written as, by the client's `Accept` (RFC 9110 §12.5.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from actorkit.errors import ConversionError, NotAcceptable
from actorkit.event import body, envelope
from actorkit_actors.http.media import MAX_HEADER_LENGTH, HeaderTooLong

_JSON: Final = (("application/json", body.JSON),)
_XML: Final = (("application/xml", body.XML), ("text/xml", body.XML))
_TEXT: Final = (("text/plain", body.TEXT),)

#: What an answer of a format can be written as, the first one preferred.
_OFFERS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    body.JSON: (*_JSON, *_XML, *_TEXT),
    body.XML: (*_XML, *_JSON, *_TEXT),
    body.TEXT: (*_TEXT, *_JSON, *_XML),
    body.FORM: (("application/x-www-form-urlencoded", body.FORM), *_JSON, *_XML, *_TEXT),
    body.BYTES: (("application/octet-stream", body.BYTES), *_JSON, *_XML, *_TEXT),
}

#: Types that are JSON or XML as well (RFC 6839), by how they end.
_SUFFIXES: Final = {"+json": body.JSON, "+xml": body.XML}

#: What no RFC knows, and is plain to read.
_MEANT: Final = {
    "*/*+json": "application/json",
    "application/*+json": "application/json",
    "*/*+xml": "application/xml",
    "application/*+xml": "application/xml",
}

#: What browsers ask for first, and is for people.
_NOT_DATA: Final = frozenset({"application/xhtml+xml"})


def media_ranges(header: str) -> MIMEAccept:
    """The media ranges of an `Accept` header, in lower case and without parameters; what cannot be read is left out."""
    return MIMEAccept([(_range(value), q) for value, q in parse_accept_header(header)])


def _range(value: str) -> str:
    media_range = value.partition(";")[0].strip().lower()
    return _MEANT.get(media_range, media_range)


@lru_cache(maxsize=256)
def offers_for(header: str, format_: str) -> tuple[tuple[str, str], ...]:
    """The media types, with their formats, in which the client takes such an answer, the best first. No header: all."""
    offers = _OFFERS[format_]
    if not header:
        return offers
    ranges = media_ranges(header)
    weighed = [(ranges.quality(name), name, target) for name, target in offers]
    for name, q in ranges:
        _, plus, suffix = name.rpartition("+")
        target = _SUFFIXES.get(plus + suffix)
        if target is not None and name.startswith("application/") and name not in _NOT_DATA:
            weighed.append((q, name, target))
    order = [target for _, target in offers]
    # Of equals, the format that is preferred; of these the plain type, which stands first.
    weighed.sort(key=lambda offer: (-offer[0], order.index(offer[2])))
    return tuple((name, target) for q, name, target in weighed if q > 0)


def write(
    header: str, format_: str, content: bytes, fits: Callable[[str, bytes], None], enveloped: bool = False
) -> tuple[str, bytes]:
    """The answer as the client wants it: (media type, body). Its own format is kept where the client does not mind.
    `fits` is called before it is written as another one, and may raise. `enveloped`: JSON stands in `{"data": …}`.

    Raises:
        NotAcceptable: it cannot be had in anything that the client accepts.
        HeaderTooLong: the header is longer than `MAX_HEADER_LENGTH`.
    """
    for media_type, target in checked_offers(header, format_):
        name = "text/plain; charset=utf-8" if media_type == "text/plain" else media_type
        wrapped = enveloped and target == body.JSON
        if target == format_ and not wrapped:
            return name, content
        fits(format_, content)
        try:
            value = body.load(format_, content, target)
            return name, body.dump(envelope.wrap(value) if wrapped else value)[1]
        except ConversionError:
            continue
    raise NotAcceptable(f'the answer cannot be had as "{header}"')


def checked_offers(header: str, format_: str) -> tuple[tuple[str, str], ...]:
    """As `offers_for`, for a header of any length.

    Raises:
        HeaderTooLong: it is longer than `MAX_HEADER_LENGTH`.
    """
    if len(header) > MAX_HEADER_LENGTH:
        raise HeaderTooLong(f"the Accept header is longer than {MAX_HEADER_LENGTH} characters")
    return offers_for(header, format_)
