"""Forms: application/x-www-form-urlencoded, as browsers send them (URL Standard §5).

The data is a mapping of the fields' names to lists of texts, in the order in which the names first came. As JSON a
field with one value is that text, and one with several a list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from actorkit.errors import ConversionError

#: Most fields of a form, and the longest form in bytes: to read its escapes takes a hundred times as long as text.
MAX_FIELDS: Final = 1000
MAX_FORM_BYTES: Final = 1 << 20

Form = dict[str, list[str]]


def parse(content: bytes) -> Form:
    """Read a form, every value kept.

    Raises:
        ConversionError: it is too long, has too many fields, or is not UTF-8.
    """
    if len(content) > MAX_FORM_BYTES:
        raise ConversionError(f"the form has {len(content)} bytes; it may have {MAX_FORM_BYTES}")
    try:
        text = content.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except UnicodeError as exc:
        raise ConversionError(f"the form is not UTF-8: {exc}") from exc
    except ValueError as exc:
        raise ConversionError(f"the form has more than {MAX_FIELDS} fields") from exc
    found: Form = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def write(form: Form) -> bytes:
    """Write a form. A field without values is left out.

    Raises:
        ConversionError: it has too many fields, or text that cannot be written as UTF-8.
    """
    pairs = [(name, value) for name, values in form.items() for value in values]
    if len(pairs) > MAX_FIELDS:
        raise ConversionError(f"the form has {len(pairs)} fields; it may have {MAX_FIELDS}")
    try:
        return urlencode(pairs, errors="strict").encode()
    except UnicodeEncodeError as exc:
        raise ConversionError("the form has half a surrogate pair, which UTF-8 has no bytes for") from exc


def to_json(form: Form) -> dict[str, Any]:
    """The JSON object of a form."""
    return {name: values[0] if len(values) == 1 else values for name, values in form.items()}


def from_json(value: Any) -> Form:
    """The form of a JSON object whose values are texts, numbers, true, false, null, or lists of these. A number and a
    truth value become their text in JSON, null the empty text.

    Raises:
        ConversionError: it is none; the message tells the field.
    """
    if not isinstance(value, Mapping):
        raise ConversionError(f"a form is made of an object; this is a {type(value).__name__}")
    form: Form = {}
    for name, inner in value.items():
        values = inner if isinstance(inner, list | tuple) else [inner]
        if any(isinstance(one, Mapping | list | tuple) for one in values):
            raise ConversionError(f'the field "{name[:100]}" of the form would hold an object or a list of lists')
        form[name] = [_text(one) for one in values]
    return form


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode().strip('"')


def unwrap(content: bytes) -> tuple[str, bytes] | None:
    """The document that a form wraps, as (format, body): a form whose only field is `XML` or `JSON`, in any case. None
    for every other form.

    Raises:
        ConversionError: it is no form.
    """
    from actorkit.event import body

    form = parse(content)
    if len(form) != 1:
        return None
    ((name, values),) = form.items()
    format_ = {"xml": body.XML, "json": body.JSON}.get(name.lower())
    return (format_, values[0].encode()) if format_ and len(values) == 1 else None
