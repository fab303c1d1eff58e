"""HTTP Basic authentication (RFC 7617). `python -m actorkit_actors.auth.basic_auth NAME` writes a line for `users`."""

from __future__ import annotations

import base64
import binascii
import getpass
import hashlib
import hmac
import os
import sys
import time
from collections.abc import Iterable
from typing import Annotated, ClassVar

import gevent
from gevent.event import Event as Flag
from gevent.threadpool import ThreadPool
from msgspec import Meta

from actorkit import Actor, AnswerTimeout, Event, Held, RateExceeded, ServiceUnavailable, Unauthorized
from actorkit.errors import EventError, SettingsError
from actorkit.observe import redact
from actorkit.params import Problem
from actorkit_actors.auth import hashes
from actorkit_actors.auth.budget import hashes_at_a_time
from actorkit_actors.auth.checks import Check, Checks
from actorkit_actors.auth.failures import Failures, network
from actorkit_actors.auth.remembered import Remembered
from actorkit_actors.auth.users import parse


class BasicAuth(Actor):
    """Passes on what carries a known name and password, with the name as the event's `http.user`.

    Anything else fails. The credentials are taken off the event either way. A class of yours with `authenticate` asks
    whom it likes, as a directory, about those that `users` has not; it may have none (`users: ""`).

    Failures:
        Unauthorized (401): the name or the password is wrong, or there is none; with `WWW-Authenticate`.
        RateExceeded (429): too many wrong logins for the name, or from the address; with `Retry-After`.
        ServiceUnavailable (503): too many logins wait for being looked at.
    """

    NAME: ClassVar[str] = "basic-auth"

    class Params(Actor.Params, frozen=True, kw_only=True):
        users: Annotated[
            str,
            Meta(
                description="a line `name:password` for each user; the password plain or hashed, "
                "as `python -m actorkit_actors.auth.basic_auth NAME` writes it",
                extra={"secret": True, "file": True},
            ),
        ]
        realm: Annotated[str, Meta(description="what the password is for, as a browser shows it")] = "actorkit"
        failures_per_name: Annotated[
            int, Meta(ge=0, description="wrong logins for one name that are looked at in a row; 0: no limit")
        ] = 30
        failures_per_address: Annotated[
            int,
            Meta(ge=0, description="the same from one client's address; 0, for clients that share one: no limit"),
        ] = 100
        failure_interval_s: Annotated[
            float, Meta(gt=0, description="time after which one more wrong login is looked at")
        ] = 2.0
        hashes: Annotated[
            int, Meta(ge=0, le=64, description="hashes that are computed at a time; 0: what memory and cores allow")
        ] = 0

    params: Params
    #: None until `setup` has made them.
    _pool: ThreadPool | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        for mistake in cls._mistakes_in(params.users):
            yield Problem("users", mistake)
        mistake = _realm_mistake(params.realm)
        if mistake:
            yield Problem("realm", mistake)

    @classmethod
    def _mistakes_in(cls, users: str) -> list[str]:
        return parse(users).mistakes if users.strip() or not cls._asks() else []

    @classmethod
    def _asks(cls) -> bool:
        return cls.authenticate is not BasicAuth.authenticate

    def authenticate(self, name: str, password: str) -> bool:  # noqa: ARG002  # the names are the subclass's contract
        """Whether this is the user's password. For a subclass: called for users that are not among `users`, unless too
        many wrong logins came before; `concurrency` says how many at a time. What it raises fails the event."""
        return False

    def setup(self) -> None:
        """Read the users.

        Raises:
            SettingsError: a line is not `name:password`, or the realm cannot be sent.
        """
        users = parse(self.params.users)
        if mistakes := self._mistakes_in(self.params.users):
            raise SettingsError("; ".join(f"users: {mistake}" for mistake in mistakes))
        if mistake := _realm_mistake(self.params.realm):
            raise SettingsError(f"realm: {mistake}")
        realm = self.params.realm.strip().replace("\\", "\\\\").replace('"', '\\"')
        self._challenge = f'Basic realm="{realm}", charset="UTF-8"'
        redact.learn(list(users.plain.values()))
        self._key = os.urandom(32)
        self._hashed = hashes.Hashed(users.hashed)
        self._plain = {name: self._digest(password.encode()) for name, password in users.plain.items()}
        self._users = frozenset((*users.plain, *users.hashed))
        self._remembered = Remembered()
        interval_s = self.params.failure_interval_s
        self._names = Failures(self.params.failures_per_name, interval_s)
        self._addresses = Failures(self.params.failures_per_address, interval_s)
        self._checks = Checks(self._is_clean)
        if self._hashed.costs:
            most = max(cost.memory_bytes for cost in self._hashed.costs)
            count = self.params.hashes or hashes_at_a_time(most)
            self.log.info("%d hashes of %d MiB at a time", count, most >> 20)
            self._pool, self._there = ThreadPool(count), Flag()
            self._workers = [gevent.spawn(self._work) for _ in range(count)]

    def teardown(self) -> None:
        """End the workers."""
        if self._pool is not None:
            gevent.killall(self._workers)
            self._pool.kill()

    def consume(self, event: Event) -> Event | None:
        """Check the credentials; those that have to be hashed are looked at later, in their turn.

        Raises:
            Unauthorized: they are missing or wrong.
            RateExceeded: there were too many wrong ones.
        """
        http = event.http
        header = http.headers.pop("authorization", "") if http is not None else ""
        credentials = parse_credentials(header)
        if http is None or credentials is None:
            raise self._refusal(header)
        name, password = credentials[0].decode("utf-8", "replace"), credentials[1]
        digest = self._digest(b"\0".join(credentials))
        known = self._remembered.name_of(digest)
        if known is not None:  # Known good ones wait for nobody.
            http.user = known
            return event
        check = Check(digest, name, password, network(http.remote))
        self._limit(check)
        if name in self._plain and hmac.compare_digest(self._digest(password), self._plain[name]):
            self._remembered.add(digest, name)
            http.user = name
            return event
        if self._asks() and name not in self._users:
            if self.authenticate(name, password.decode("utf-8", "replace")):
                http.user = name
                return event
            self._count(check)
            raise self._refusal(header)
        if not self._hashed.costs:
            self._count(check)
            raise self._refusal(header)
        for held, _ in self._checks.add(check, (self.hold(event), event)):
            held.fail(ServiceUnavailable("too many logins are being looked at; try again", retry_after_s=1))
        self._there.set()
        return None

    def _work(self) -> None:
        """Look at those that wait, one after another."""
        while True:
            check = self._checks.take()
            if check is None:
                self._there.clear()
                self._there.wait()
                continue
            self._finish(check)

    def _finish(self, check: Check) -> None:
        """Look at one pair of name and password, and let its events go on or fail."""
        refusal: EventError | None = None
        try:
            self._limit(check)
            if all(_is_late(event) for _, event in check.waiting):
                refusal = AnswerTimeout("nobody waits for the answer any more")
            elif self._hash(check):
                self._remembered.add(check.digest, check.name)
            else:
                self._count(check)
                refusal = self._refusal("given")
        except EventError as exc:
            refusal = exc
        except Exception:
            self.log.exception("a login could not be looked at")
            refusal = ServiceUnavailable("the login could not be looked at; try again", retry_after_s=1)
        for held, event in self._checks.done(check):
            self._let_go(held, event, check.name, refusal)

    def _let_go(self, held: Held, event: Event, name: str, refusal: EventError | None) -> None:
        if refusal is not None:
            held.fail(refusal)
            return
        try:
            if event.http is not None:
                event.http.user = name
            held.complete(event)
        except Exception as exc:
            self.log.exception("an event whose login was right could not be sent on")
            held.fail(exc)

    def _hash(self, check: Check) -> bool:
        """Whether the password is right; that is found out in a native thread."""
        return self._pool is not None and bool(self._pool.apply(self._hashed.right, (check.name, check.password)))

    def _digest(self, content: bytes) -> bytes:
        return hashlib.blake2b(content, key=self._key, digest_size=32).digest()

    def _is_clean(self, check: Check) -> bool:
        now = time.monotonic()
        return self._names.clean(check.name, now) and self._addresses.clean(check.address, now)

    def _limit(self, check: Check) -> None:
        now = time.monotonic()
        wait_s = max(self._names.wait_s(check.name, now), self._addresses.wait_s(check.address, now))
        if wait_s > 0:
            raise RateExceeded("there were too many wrong logins; try again later", retry_after_s=wait_s)

    def _count(self, check: Check) -> None:
        now = time.monotonic()
        self._names.add(check.name, now)
        self._addresses.add(check.address, now)
        if self._names.wait_s(check.name, now) or self._addresses.wait_s(check.address, now):
            self.log.warning("too many wrong logins, the last for %.60r from %s", check.name, check.address)

    def _refusal(self, header: str) -> Unauthorized:
        text = "the name or the password is wrong" if header else "a name and a password are required"
        return Unauthorized(text, challenge=self._challenge)


def _is_late(event: Event) -> bool:
    left_s = event.deadline
    return left_s is not None and left_s <= 0


def _realm_mistake(realm: str) -> str:
    """What keeps a realm from being sent (RFC 9110 §5.5); "" for nothing."""
    # One that comes from a file ends with a line break.
    bad = next(
        (character for character in realm.strip() if not (" " <= character <= "~" or "\xa0" <= character <= "\xff")), ""
    )
    return f"{bad!r} cannot stand in a header; write it in letters of ISO 8859-1" if bad else ""


def parse_credentials(header: str) -> tuple[bytes, bytes] | None:
    """Name and password of an `Authorization` header (RFC 7617 §2); the password may hold colons."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon and b"\0" not in name else None


def main(arguments: list[str]) -> int:
    """Write the line of one user; the password is asked for, or read from standard input when that is no terminal."""
    if len(arguments) != 1 or ":" in arguments[0] or not arguments[0]:
        sys.stderr.write("usage: python -m actorkit_actors.auth.basic_auth NAME\n")
        return 2
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        sys.stderr.write("The password is empty; nothing was written.\n")
        return 1
    sys.stdout.write(f"{arguments[0]}:{hashes.make_hash(password.encode())}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
