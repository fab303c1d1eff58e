"""A cookie for the client."""

from __future__ import annotations

import re
from collections.abc import Iterable
from secrets import token_hex
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from actorkit import Actor, Event, Http
from actorkit.errors import SettingsError, UnprocessableEvent
from actorkit.params import Problem
from actorkit_actors.http import cookie


class CookieSet(Actor):
    """Gives the answer a cookie whose value stands in the event, signed where there is a secret.

    With `random`, where nothing stands there, it is 128 random bits as a text, which the event then has there: for the
    actor behind it that keeps a session under it.

    A signed value can be read by everybody, and changed by nobody; it is good for the cookie of this name only. It is
    sent by https only, and scripts do not see it, unless the parameters say otherwise.

    Failures:
        UnprocessableEvent (422): what stands in the event is no text, has a character that a cookie cannot have (a
            blank, a quotation mark, a comma, a semicolon, a line break), or is longer than 4,096 bytes.
    """

    NAME: ClassVar[str] = "cookie-set"
    EXTRA: ClassVar[str] = "cookie"

    class Params(Actor.Params, frozen=True, kw_only=True):
        cookie: Annotated[str, Meta(description="name of the cookie")]
        path: Annotated[str, Meta(description="where its value stands in the event, as attributes/session")] = ""
        random: Annotated[
            bool, Meta(description="whether a value is made where there is none; path is an attribute")
        ] = False
        delete: Annotated[bool, Meta(description="whether the client shall forget it; then it needs no value")] = False
        secrets: Annotated[
            str,
            Meta(
                description="secrets to sign with, one a line: the last one signs; none: it is not signed",
                extra={"secret": True, "file": True},
            ),
        ] = ""
        max_age_s: Annotated[int, Meta(ge=0, description="how long the client keeps it; 0: until it is closed")] = 0
        url_path: Annotated[str, Meta(description="paths that it is sent to")] = "/"
        domain: Annotated[str, Meta(description="domain that it is sent to; none: this host only")] = ""
        secure: Annotated[bool, Meta(description="whether it is sent by https only")] = True
        http_only: Annotated[bool, Meta(description="whether scripts do not see it")] = True
        same_site: Annotated[
            Literal["Strict", "Lax", "None"], Meta(description="whether requests from other sites bring it")
        ] = "Lax"

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        if not cookie.NAME.match(params.cookie):
            yield Problem("cookie", "this is no name of a cookie; write it in letters, digits, - and _")
        for key in ("url_path", "domain"):
            if not cookie.ATTRIBUTE.match(getattr(params, key)):
                yield Problem(key, "it has a semicolon or another character that cannot stand there")
        if bool(params.path) == params.delete:
            yield Problem("path", "either the path of a value or delete has to be given, and not both")
        if params.random and not re.fullmatch("attributes/[^/]+", params.path):
            yield Problem("path", "a random value goes into an attribute; write attributes/session")
        if params.same_site == "None" and not params.secure:
            yield Problem("same_site", "browsers take None with secure only")
        if any(len(one) < 16 for one in params.secrets.split()):
            yield Problem("secrets", "a secret with less than 16 characters can be guessed")

    def setup(self) -> None:
        """Make what every cookie ends with.

        Raises:
            SettingsError: a parameter cannot be used.
        """
        params = self.params
        for problem in self.check(params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        secrets = params.secrets.split()
        self._seal = cookie.Seal(secrets, params.cookie) if secrets else None
        ends = [f"Path={params.url_path}", f"SameSite={params.same_site}"]
        ends += [f"Domain={params.domain}"] if params.domain else []
        if params.delete or params.max_age_s:
            ends.append(f"Max-Age={0 if params.delete else params.max_age_s}")
        ends += [word for word, wanted in (("Secure", params.secure), ("HttpOnly", params.http_only)) if wanted]
        self._ends = "; ".join(["", *ends])

    def consume(self, event: Event) -> Event:
        """Give the answer the cookie.

        Raises:
            UnprocessableEvent: there is no value that it could have.
        """
        value = "" if self.params.delete else self._value(event)
        event.http = http = event.http or Http()
        http.reply_headers = [*http.reply_headers, ("Set-Cookie", f"{self.params.cookie}={value}{self._ends}")]
        return event

    def _value(self, event: Event) -> str:
        if self.params.random and event.lookup(self.params.path) is None:
            event.set(self.params.path.partition("/")[2], token_hex(16))
        found = event.lookup(self.params.path)
        value = str(found)
        if isinstance(found, bool) or not isinstance(found, str | int) or not cookie.VALUE.match(value):
            raise UnprocessableEvent(f'"{self.params.path}" of the event cannot be the value of a cookie')
        value = self._seal.sign(value) if self._seal is not None else value
        if len(self.params.cookie) + len(value) > cookie.MAX_BYTES:
            raise UnprocessableEvent(f'"{self.params.path}" of the event is longer than the value of a cookie may be')
        return value
