"""Bearer tokens (RFC 6750): JWT of an issuer, and opaque ones from a list."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final

import jwt
from gevent.lock import BoundedSemaphore
from jwt import PyJWK
from jwt.exceptions import ExpiredSignatureError, InvalidAudienceError, InvalidIssuerError, PyJWTError
from msgspec import Meta

from actorkit import Actor, Event, Forbidden, Unauthorized
from actorkit.errors import SettingsError
from actorkit.observe import redact
from actorkit.params import Problem
from actorkit_actors.auth import jwks_fetch, key_cache
from actorkit_actors.auth.key_cache import KeyCache
from actorkit_actors.auth.opaque_tokens import Bearer, OpaqueTokens

#: The algorithms that a kind of key is for (RFC 7518 §3.1, RFC 8037): a token never chooses what its key is taken for.
_FITTING: Final = {
    "RSA": frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    "EC": frozenset(("ES256", "ES384", "ES512")),
    "OKP": frozenset(("EdDSA", "Ed25519")),
}
_ALGORITHMS: Final = frozenset().union(*_FITTING.values())
_WITH_SECRET: Final = frozenset(("HS256", "HS384", "HS512"))
#: Longest token that is looked at, in characters, and the shortest secret, in bytes (RFC 7518 §3.2).
_MAX_TOKEN: Final = 16 << 10
_MIN_SECRET_BYTES: Final = 32


class InsufficientScope(Forbidden):
    """Raised when a token is good, and not for this (RFC 6750 §3.1)."""

    def __init__(self, message: str, challenge: str = "") -> None:
        super().__init__(message, code="insufficient_scope")
        self._challenge = challenge

    def reply_headers(self) -> list[tuple[str, str]]:
        return [("WWW-Authenticate", self._challenge)]


class TokenAuth(Actor):
    """Passes on what carries a good bearer token, with its subject as the event's `http.user`.

    Anything else fails. The token is taken off the event either way. A token is a JWT, signed with a key of the issuer
    (`jwks_url`, which is asked again when a token names a new key, or `jwks`) or with a secret that both know
    (`secret`); or an opaque text, one of `tokens`.

    A JWT has to have an expiry, the issuer and the audience that are given here, and every one of `scopes`. Which
    algorithm is taken is decided by the kind of the key: none is never one, and a public key is never a secret.

    While the issuer's keys cannot be had the old ones count for `jwks_stale_s`. Runs in greenlets.

    Failures:
        Unauthorized (401): there is no token, or none that is good here; with `WWW-Authenticate`.
        InsufficientScope (403): the token is good, and has not all of `scopes`; with `WWW-Authenticate`.
        ServiceUnavailable (503): the keys of the issuer cannot be had; with `Retry-After`.
    """

    NAME: ClassVar[str] = "token-auth"
    EXTRA: ClassVar[str] = "auth"

    class Params(Actor.Params, frozen=True, kw_only=True):
        concurrency: Annotated[int, Meta(ge=1, le=10_000, description="events that are looked at at a time")] = 16
        issuer: Annotated[str, Meta(description="who makes the JWTs: their `iss`")] = ""
        audience: Annotated[tuple[str, ...], Meta(description="whom JWTs are for: one of these is in their `aud`")] = ()
        jwks_url: Annotated[str, Meta(description="where the issuer has its keys, by https")] = ""
        jwks: Annotated[str, Meta(description="the issuer's keys themselves, a JWK Set", extra={"file": True})] = ""
        secret: Annotated[
            str,
            Meta(
                description="secret that the issuer signs with (HS256 and so on)", extra={"secret": True, "file": True}
            ),
        ] = ""
        tokens: Annotated[
            str,
            Meta(
                description="opaque tokens, a line `name:token scope scope` for each",
                extra={"secret": True, "file": True},
            ),
        ] = ""
        scopes: Annotated[tuple[str, ...], Meta(description="scopes that a token has to have, all of them")] = ()
        claims_attribute: Annotated[str, Meta(description="attribute that gets a JWT's claims; none: no")] = ""
        leeway_s: Annotated[float, Meta(ge=0, le=300, description="how far the issuer's clock may be off")] = 30.0
        jwks_max_age_s: Annotated[float, Meta(gt=0, description="age at which the keys are fetched again")] = 300.0
        jwks_stale_s: Annotated[float, Meta(gt=0, description="age up to which they count while they cannot be")] = (
            3600.0
        )
        jwks_pause_s: Annotated[float, Meta(gt=0, description="shortest time between two times of fetching")] = 10.0
        cafile: Annotated[
            str,
            Meta(description="authorities to trust for jwks_url, PEM text; none: the system's", extra={"file": True}),
        ] = ""
        realm: Annotated[
            str, Meta(pattern=r"^[ !#-\[\]-~]*$", description="what the token is for, as a client is told")
        ] = "actorkit"

        @property
        def has_jwt(self) -> bool:
            """Whether JWTs are taken."""
            return bool(self.jwks_url or self.jwks or self.secret)

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        sources = [name for name in ("jwks_url", "jwks", "secret") if getattr(params, name)]
        if len(sources) > 1:
            yield Problem(sources[1], f"there is {sources[0]} already; one of them says whose tokens are taken")
        if not sources and not params.tokens.strip():
            yield Problem("jwks_url", "no token is ever taken; give jwks_url, jwks, secret or tokens")
        if params.has_jwt and not params.issuer:
            yield Problem("issuer", "a JWT of whomever would be taken; name its issuer")
        if params.has_jwt and not params.audience:
            yield Problem("audience", "a JWT for whomever would be taken; name whom it has to be for")
        if params.jwks_url and (wrong := jwks_fetch.mistake(params.jwks_url)):
            yield Problem("jwks_url", wrong)
        if params.secret and len(params.secret.strip().encode()) < _MIN_SECRET_BYTES:
            yield Problem("secret", f"it has less than {_MIN_SECRET_BYTES} bytes, and can be guessed from a token")
        if params.secret.lstrip().startswith("-----BEGIN"):
            yield Problem("secret", "this is a key in PEM; a public key is no secret. Give it in jwks")
        for mistake in OpaqueTokens(params.tokens).mistakes:
            yield Problem("tokens", mistake)
        for path in ("jwks", "cafile"):
            if text := getattr(params, path):
                try:
                    _ = key_cache.parse(text) if path == "jwks" else jwks_fetch.fetcher("", text)
                except ValueError as exc:
                    yield Problem(path, str(exc))

    def setup(self) -> None:
        """Read tokens and keys.

        Raises:
            SettingsError: a parameter cannot be used.
        """
        params = self.params
        for problem in self.check(params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        self._opaque = OpaqueTokens(params.tokens)
        redact.learn([*self._opaque.tokens, params.secret])
        self._challenge = f'Bearer realm="{params.realm}"'
        self._scopes = frozenset(params.scopes)
        self._keys = tuple(key_cache.parse(params.jwks)) if params.jwks else ()
        self._cache: KeyCache | None = None
        self._fetching = BoundedSemaphore()
        if params.jwks_url:
            fetch = jwks_fetch.fetcher(params.jwks_url, params.cafile)
            self._cache = KeyCache(fetch, params.jwks_max_age_s, params.jwks_pause_s, params.jwks_stale_s)

    def consume(self, event: Event) -> Event:
        """Look at the token.

        Raises:
            Unauthorized: there is none, or none that is good.
            InsufficientScope: it is not for this.
        """
        http = event.http
        header = http.headers.pop("authorization", "") if http is not None else ""
        scheme, _, token = header.partition(" ")
        token = token.strip()
        if http is None or scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
            raise Unauthorized("a bearer token is required", challenge=self._challenge)
        bearer = self._opaque.find(token)
        if bearer is None:
            if not self.params.has_jwt:
                raise self._refusal("it is not known")
            claims = self._claims(token)
            bearer = Bearer(str(claims.get("sub") or claims.get("client_id") or ""), scopes_of(claims))
            if self.params.claims_attribute:
                event.set(self.params.claims_attribute, claims)
        if missing := sorted(self._scopes - bearer.scopes):
            challenge = f'{self._challenge}, error="insufficient_scope"'
            raise InsufficientScope(f"the token lacks the scope {', '.join(missing)}", challenge)
        http.user = bearer.name
        return event

    def _claims(self, token: str) -> dict[str, Any]:
        """What a JWT says, once all of it is checked."""
        try:
            header = jwt.get_unverified_header(token)
        except (PyJWTError, ValueError, RecursionError) as exc:
            raise self._refusal("it is no JWT") from exc
        algorithm, kid = header.get("alg"), header.get("kid")
        if "crit" in header or not isinstance(algorithm, str) or not isinstance(kid, str | None):
            raise self._refusal("its header is not understood")
        if self.params.secret:
            if algorithm not in _WITH_SECRET:
                raise self._refusal("its algorithm is not taken here")
            return self._decode(token, self.params.secret.strip(), algorithm)
        if algorithm not in _ALGORITHMS:
            raise self._refusal("its algorithm is not taken here")
        fitting = [key for key in self._candidates(kid) if _fits(key, algorithm)]
        for key in fitting[:-1]:
            try:
                return self._decode(token, key, algorithm)
            except Unauthorized:
                continue
        if not fitting:
            raise self._refusal("its key is not known")
        return self._decode(token, fitting[-1], algorithm)

    def _candidates(self, kid: str | None) -> Sequence[PyJWK]:
        cache = self._cache
        if cache is None:
            return [key for key in self._keys if kid is None or key.key_id in (None, kid)]
        if cache.wants(kid, time.monotonic()):
            with self._fetching:  # The others wait for what the first one gets.
                if cache.wants(kid, time.monotonic()):
                    cache.refresh(time.monotonic())
                    if cache.trouble:
                        self.log.warning("the keys of the issuer were not renewed: %s", cache.trouble)
        return cache.find(kid, time.monotonic())

    def _decode(self, token: str, key: PyJWK | str, algorithm: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key if isinstance(key, PyJWK) else key,
                algorithms=[algorithm],
                audience=list(self.params.audience),
                issuer=self.params.issuer,
                leeway=self.params.leeway_s,
                options={"require": ["exp", "iss", "aud"]},
            )
        except ExpiredSignatureError as exc:
            raise self._refusal("it has expired") from exc
        except (InvalidAudienceError, InvalidIssuerError) as exc:
            raise self._refusal("it is of another issuer or for another audience") from exc
        except (PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as exc:
            raise self._refusal("its signature or what it says is not right") from exc
        return claims

    def _refusal(self, why: str) -> Unauthorized:
        return Unauthorized(f"the token is not taken: {why}", challenge=f'{self._challenge}, error="invalid_token"')


def scopes_of(claims: dict[str, Any]) -> frozenset[str]:
    """The scopes of a JWT: `scope` (RFC 8693 §4.2), or `scp` as some issuers have it; a text or a list."""
    found: set[str] = set()
    for value in (claims.get("scope"), claims.get("scp")):
        if isinstance(value, str):
            found.update(value.split())
        elif isinstance(value, list):
            found.update(one for one in value if isinstance(one, str))
    return frozenset(found)


def _fits(key: PyJWK, algorithm: str) -> bool:
    """Whether a key may be used with an algorithm: its kind is for it, and it names no other one."""
    named = key._jwk_data.get("alg")
    return algorithm in _FITTING.get(str(key.key_type), ()) and named in (None, algorithm)
