"""What is asked of the process in which an actor is tried."""

from __future__ import annotations

from typing import Any

import msgspec


class TryRequest(msgspec.Struct, frozen=True):
    """An actor and one event for it; the event's data comes on standard input.

    `folder` holds the code of an author's class. `format` is the letter of the data's format, "" where it is to be
    seen: text where it is UTF-8, bytes otherwise. `http` is method and path, where the event came over HTTP. `count` is
    how many events are wanted of a source. `shown` are the outboxes whose events are written, empty: all.
    """

    class_path: str
    folder: str
    params: dict[str, Any]
    outboxes: tuple[str, ...]
    shown: tuple[str, ...] = ()
    format: str = ""
    attributes: dict[str, Any] = {}
    service: str = ""
    http: tuple[str, str] | None = None
    brokers: tuple[str, ...] = ()
    count: int = 1
    as_json: bool = False
