"""A dead letter: an event as it came to the actor that failed on it, why it failed, and where.

Written as a JSON object, the `record`, and the body beside it: a body may be long, and is not read to look for one.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from actorkit.errors import ConversionError, ErrorMessage, MalformedEvent
from actorkit.event import Event
from actorkit.event.context import Context, Failure, Http, decode_context, encode_context
from actorkit.event.ids import derive_id
from actorkit.event.parcel import Parcel
from actorkit.observe import redact

#: The attribute that holds the record where a letter travels to its box as an event.
ATTRIBUTE: Final = "letter"

#: Longest record, in bytes: with it the event that carries it still has a context that an edge takes.
MAX_RECORD_BYTES: Final = 14 << 20

#: Goes into the id of a letter's event when it is sent again. The same letter gives the same id each time, so that a
#: repeat is recognised.
_AGAIN: Final = int.from_bytes(b"again", "big")

#: What a record must hold.
_REQUIRED: Final = {"id": str, "trace": str, "trail": list, "actor": str, "instance": str, "inbox": str, "format": str}


@dataclass(frozen=True)
class Letter:
    """One event that failed. `record` is everything but the body, as docs/dead-letters.md has it."""

    record: Mapping[str, Any]
    body: bytes

    @classmethod
    def read(cls, text: str | bytes, body: bytes) -> Letter:
        """Read a letter that `text` wrote.

        Raises:
            MalformedEvent: it is none.
        """
        try:
            record = json.loads(text)
            letter = cls(record, body)
            wrong = next((name for name, type_ in _REQUIRED.items() if not isinstance(record[name], type_)), "")
            if wrong:
                raise TypeError(f'"{wrong}" is of a wrong type')
            _ = int(letter.trace, 16), int(letter.id, 16), float(letter.time), letter.failure, letter.context
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
            raise MalformedEvent(f"this is no dead letter: {type(exc).__name__}: {exc}") from exc
        return letter

    @property
    def text(self) -> str:
        """The record as JSON."""
        return json.dumps(self.record, ensure_ascii=False)

    @property
    def id(self) -> str:
        """The id of the event that failed; with the actor the letter's name."""
        return str(self.record["id"])

    @property
    def trace(self) -> str:
        return str(self.record["trace"])

    @property
    def key(self) -> str:
        """The key of the event that failed (`Event.key`)."""
        return self.trace + self.id

    @property
    def trail(self) -> tuple[str, ...]:
        return tuple(self.record["trail"])

    @property
    def time(self) -> float:
        """When it failed, in seconds since 1970."""
        return float(self.record["time"])

    @property
    def actor(self) -> str:
        return str(self.record["actor"])

    @property
    def inbox(self) -> str:
        return str(self.record["inbox"])

    @property
    def format(self) -> str:
        return str(self.record["format"])

    @property
    def left_out(self) -> tuple[str, ...]:
        """Header fields that held credentials and were not kept, and "context" where more was left out."""
        return tuple(self.record.get("left_out", ()))

    @cached_property
    def failure(self) -> Failure:
        reason = self.record["reason"]
        messages = [ErrorMessage(**message) for message in reason.get("messages", ())]
        headers = [(name, value) for name, value in reason.get("headers", ())]
        return Failure(**{**reason, "messages": messages, "headers": headers})

    @cached_property
    def context(self) -> Context:
        """What travelled beside the body."""
        found = self.record
        http = Http(**found["http"]) if found["http"] is not None else None
        told = Context(found["service"], found["attributes"], http)
        try:
            return decode_context(base64.b64decode(found["context"]["base64"])) if "context" in found else told
        except ConversionError:
            return told

    @property
    def again_id(self) -> int:
        """The id of the event when it is sent again: another one, as it is meant to be consumed again."""
        return derive_id(int(self.id, 16), _AGAIN, 1)

    def parcel(self) -> Parcel:
        """The event as it came to the actor, under its new id, and marked as one that may have been sent before: only
        then does its receiver look for a repeat."""
        context = Context(self.context.service, self.context.attributes, self.context.http)
        return Parcel(
            self.again_id,
            int(self.trace, 16),
            self.format,
            self.body,
            encode_context(context),
            redelivered=True,
            trail="/".join(self.trail),
        )

    def shown(self, attempts: int = 1) -> dict[str, Any]:
        """All of it as one JSON object: its body as text where it is UTF-8, else as base64."""
        found = dict(self.record)
        try:
            body: dict[str, str] = {"text": self.body.decode()}
        except UnicodeDecodeError:
            body = _base64(self.body)
        first = {name: found.pop(name) for name in list(found) if name in _BEFORE_THE_BODY}
        return {**first, "key": self.key, "attempts": attempts, "format": found.pop("format"), "body": body, **found}


_BEFORE_THE_BODY: Final = ("id", "trace", "trail", "time", "actor", "instance", "inbox", "reason")


def letter_of(event: Event, failure: Failure, *, actor: str, instance: str, inbox: str) -> Letter:
    """The letter of an event that failed, with the event as it came. Where JSON has no words for all that travelled
    beside the body, or that cannot be read, it stands there a second time as it came. Header fields that hold
    credentials are left out of both."""
    came = event.as_it_came()
    format_, content = came.encoded()
    written = event.origin.context if event.origin is not None else b""
    context, left_out = _without_secrets(came.context)
    if left_out:
        written = encode_context(context)
    attributes = json.loads(json.dumps(context.attributes, default=repr, skipkeys=True), parse_constant=str)
    told = Context(context.service, attributes, context.http, context.failure, context.trace)
    more: dict[str, Any] = {"left_out": left_out} if left_out else {}
    if written and written != encode_context(told):
        # What nobody can read may hold anything.
        if redact.may_hold_secret(written):
            more["left_out"] = [*left_out, "context"]
        else:
            more["context"] = _base64(written)
    record = {
        "id": event.id,
        "trace": event.trace,
        "trail": list(event.trail),
        "time": round(time.time(), 3),
        "actor": actor,
        "instance": instance,
        "inbox": inbox,
        "reason": msgspec.to_builtins(_mapping(failure)),
        "format": format_,
        "service": context.service,
        "attributes": attributes,
        "http": _mapping(context.http) if context.http is not None else None,
        **more,
    }
    return Letter(record, content)


def letter_context(letter: Letter) -> bytes:
    """The context of the event that carries a letter to its box: the record is its attribute. The body is the event's
    own."""
    text = letter.text
    if len(text.encode()) > MAX_RECORD_BYTES:
        # Twice what the event itself may carry beside its body: once as JSON, once as it came.
        left_out = [*(name for name in letter.left_out if name != "context"), "context"]
        record = {name: value for name, value in letter.record.items() if name != "context"}
        text = Letter({**record, "attributes": {}, "http": None, "left_out": left_out}, b"").text
    return encode_context(Context(attributes={ATTRIBUTE: text}))


def _without_secrets(context: Context) -> tuple[Context, list[str]]:
    """The context without header fields that hold credentials, and the names of those."""
    http = context.http
    if http is None:
        return context, []
    shown = redact.headers(http.headers), redact.pairs(http.reply_headers)
    gone = [pair[0] for pair in (*http.headers.items(), *http.reply_headers) if redact.is_secret(*pair)]
    left_out = sorted({name.lower() for name in gone})
    if not left_out:
        return context, []
    http = msgspec.structs.replace(http, headers=shown[0], reply_headers=shown[1])
    return msgspec.structs.replace(context, http=http), left_out


def _base64(content: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(content).decode()}


def _mapping(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
