"""A cookie of the client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

from msgspec import Meta

from actorkit import Actor, Event, Unauthorized
from actorkit.errors import SettingsError
from actorkit.params import Problem
from actorkit_actors.http import cookie


class CookieRead(Actor):
    """Puts the value of a cookie of the request into an attribute of the event.

    With `secrets` only what `cookie-set` has signed for this name is a value, and only for `max_age_s`. An attribute of
    that name that is there goes, so that it never is of anybody else.

    Failures:
        Unauthorized (401): there is no cookie, or none that was signed here, where it is `required`.
    """

    NAME: ClassVar[str] = "cookie-read"
    EXTRA: ClassVar[str] = "cookie"

    class Params(Actor.Params, frozen=True, kw_only=True):
        cookie: Annotated[str, Meta(description="name of the cookie")]
        attribute: Annotated[str, Meta(description="attribute that gets its value; none: that of its name")] = ""
        secrets: Annotated[
            str,
            Meta(
                description="secrets that it may be signed with, one a line; none: it is taken as it is",
                extra={"secret": True, "file": True},
            ),
        ] = ""
        max_age_s: Annotated[int, Meta(ge=0, description="how old a signature may be; 0: of any age")] = 0
        required: Annotated[bool, Meta(description="whether an event without it fails")] = False

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        if not cookie.NAME.match(params.cookie):
            yield Problem("cookie", "this is no name of a cookie; write it in letters, digits, - and _")
        if params.max_age_s and not params.secrets.split():
            yield Problem("max_age_s", "only signed cookies have an age; give secrets")
        if any(len(one) < 16 for one in params.secrets.split()):
            yield Problem("secrets", "a secret with less than 16 characters can be guessed")

    def setup(self) -> None:
        """Take the secrets.

        Raises:
            SettingsError: a parameter cannot be used.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        secrets = self.params.secrets.split()
        self._seal = cookie.Seal(secrets, self.params.cookie) if secrets else None
        self._attribute = self.params.attribute or self.params.cookie

    def consume(self, event: Event) -> Event:
        """Read the cookie.

        Raises:
            Unauthorized: there is none that is good, and there has to be.
        """
        value = cookie.parse(event.http.headers.get("cookie", "")).get(self.params.cookie) if event.http else None
        if value is not None and self._seal is not None:
            value = self._seal.read(value, self.params.max_age_s)
        event.attributes.pop(self._attribute, None)
        if value is not None:
            event.set(self._attribute, value)
        elif self.params.required:
            raise Unauthorized(f"a good cookie {self.params.cookie} is required", challenge="Cookie")
        return event
