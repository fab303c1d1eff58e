"""One connection as its sender sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from actorkit.graph import NAME, NAME_RULE, Options
from actorkit.transport.endpoint import Endpoint


@dataclass(frozen=True)
class Peers:
    """One connection as seen by its sender: `endpoints` of the destination, the `inbox` there, options, and which
    `actor` the destination is, where that is not what the outbox is named after; "" otherwise.

    As text: `tcp://auth:5550#web`, `tcp://a:1,tcp://b:1?window=64&delivery=at-most-once#web`. A name stands for all of
    its addresses; a `*` in an ipc path for all sockets that match.
    """

    endpoints: tuple[str, ...]
    inbox: str
    options: Options = field(default_factory=Options)
    actor: str = ""

    def __str__(self) -> str:
        default = Options()
        given = {name: getattr(self.options, name) for name in ("delivery", "window", "key")}
        different = {name: value for name, value in given.items() if value != getattr(default, name)}
        named = {"actor": self.actor} if self.actor else {}
        query = "&".join(f"{name}={value}" for name, value in {**different, **named}.items())
        return f"{','.join(self.endpoints)}{'?' if query else ''}{query}#{self.inbox}"

    @classmethod
    def parse(cls, text: str) -> Peers:
        """Read the text form.

        Raises:
            ValueError: the text is no connection; the message says what was wanted.
        """
        rest, hash_, inbox = text.partition("#")
        if not hash_ or not inbox:
            raise ValueError(f'"{text}" names no inbox. Write it as tcp://host:5550#inbox.')
        addresses, _, query = rest.partition("?")
        endpoints = tuple(addresses.split(","))
        for endpoint in endpoints:
            Endpoint.parse(endpoint)
        given: dict[str, str] = dict(part.partition("=")[::2] for part in query.split("&") if part)
        actor = given.pop("actor", "")
        if actor and not NAME.match(actor):
            raise ValueError(f'"{text}": actor is "{actor}", and no name of an actor; wanted: {NAME_RULE}.')
        try:
            options = msgspec.convert(given, Options, strict=False)
        except msgspec.ValidationError as exc:
            raise ValueError(f'"{text}": {exc}') from exc
        unknown = given.keys() - {"delivery", "window", "key"}
        if unknown:
            raise ValueError(
                f'"{text}" has the unknown option "{min(unknown)}". There are delivery, window, key and actor.'
            )
        return cls(endpoints, inbox, options, actor)
