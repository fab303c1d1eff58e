from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from actorkit import Event, Http, params
from actorkit.event.context import Failure
from actorkit.testing import Harness
from actorkit_actors.auth.key_cache import KeyCache
from actorkit_actors.auth.token_auth import TokenAuth

KEY, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
CURVE = ec.generate_private_key(ec.SECP256R1())
SECRET = "s" * 32
GIVEN: dict[str, Any] = {"issuer": "https://issuer", "audience": ["orders"]}


def jwk(key: Any, kid: str | None = "one", **more: Any) -> dict[str, Any]:
    algorithm = (
        jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
    )
    found = json.loads(algorithm.to_jwk(key.public_key()))
    return {**found, **({"kid": kid} if kid else {}), **more}


def jwks(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": list(keys)})


def token(key: Any = KEY, alg: str = "RS256", kid: str | None = "one", **claims: Any) -> str:
    said = {"iss": "https://issuer", "aud": "orders", "sub": "ann", "exp": int(time.time()) + 60, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, alg, headers={"kid": kid} if kid else None)


def checked(text: str, scheme: str = "Bearer", **given: Any) -> Event | Failure:
    with Harness(TokenAuth, **{**GIVEN, "jwks": jwks(jwk(KEY)), **given}) as harness:
        harness.put(Event("x", http=Http(headers={"authorization": f"{scheme} {text}"})))
        return one_of(harness)


def one_of(harness: Harness[TokenAuth]) -> Event | Failure:
    failed = harness.errors
    assert all(event.http is not None and "authorization" not in event.http.headers for event in failed)
    all_of: list[Event | Failure | None] = [*harness.taken(), *(event.failure for event in failed)]
    [found] = all_of
    assert found is not None
    return found


def user(found: Event | Failure) -> str:
    assert isinstance(found, Event), found
    assert found.http is not None
    assert "authorization" not in found.http.headers
    return found.http.user


def status(found: Event | Failure) -> int:
    assert isinstance(found, Failure), found
    assert [name for name, _ in found.headers] in (["WWW-Authenticate"], ["Retry-After"])
    return found.status


def test_a_good_token_goes_on_with_its_subject_and_its_claims() -> None:
    found = checked(token(scope="read write"), scopes=["read"], claims_attribute="claims")
    assert user(found) == "ann"
    assert isinstance(found, Event)
    assert found.get("claims")["scope"] == "read write"
    assert user(checked(token(kid=None))) == "ann"
    assert user(checked(token(), scheme="bearer")) == "ann"
    assert user(checked(token(CURVE, "ES256"), jwks=jwks(jwk(CURVE)))) == "ann"
    assert user(checked(token(SECRET, "HS256"), jwks="", secret=SECRET + "\n")) == "ann"
    assert user(checked(token(scp=["read"]), scopes=["read"])) == "ann"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"nbf": int(time.time()) + 600},
        {"iss": "https://other"},
        {"iss": None},
        {"aud": "invoices"},
        {"aud": None},
        {"aud": {"orders": 1}},
    ],
)
def test_a_token_that_is_late_early_or_for_another_is_refused(claims: dict[str, Any]) -> None:
    said = {"iss": "https://issuer", "aud": "orders", "exp": int(time.time()) + 60, **claims}
    signed = jwt.api_jws.encode(json.dumps({k: v for k, v in said.items() if v is not None}).encode(), KEY, "RS256")
    assert status(checked(signed)) == 401


def test_a_token_without_the_scope_is_forbidden() -> None:
    found = checked(token(scope="read"), scopes=["read", "write"])
    assert status(found) == 403
    assert isinstance(found, Failure)
    assert 'error="insufficient_scope"' in found.headers[0][1]


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 7, ["RS256"], "HS256", "RS1"])
def test_alg_none_and_its_like_are_never_taken(algorithm: Any) -> None:
    body = part({"iss": "https://issuer", "aud": "orders", "exp": int(time.time()) + 60, "sub": "eve"})
    for signature in ("", "AAAA", token().rpartition(".")[2]):
        for given in ({}, {"jwks": "", "secret": SECRET}):
            found = checked(f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'one'})}.{body}.{signature}", **given)
            assert status(found) == 401


def test_a_public_key_is_never_taken_for_a_secret() -> None:
    import hashlib
    import hmac

    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = part({"iss": "https://issuer", "aud": "orders", "exp": int(time.time()) + 60, "sub": "eve"})
    for secret in (public, public.strip(), jwks(jwk(KEY)).encode()):
        signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'one'})}.{body}"
        mac = base64.urlsafe_b64encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest()).rstrip(b"=")
        assert status(checked(f"{signed}.{mac.decode()}")) == 401
    [problem] = TokenAuth.check(params.build(TokenAuth.Params, {**GIVEN, "secret": public.decode()}))
    assert problem.path == "secret"


def test_a_secret_in_a_key_set_is_no_key_and_a_key_is_used_for_its_own_algorithm_only() -> None:
    oct_key = {"kty": "oct", "kid": "one", "k": base64.urlsafe_b64encode(SECRET.encode()).decode()}
    assert status(checked(token(SECRET, "HS256"), jwks=jwks(oct_key, jwk(KEY)))) == 401
    assert status(checked(token(alg="PS256"), jwks=jwks(jwk(KEY, alg="RS256")))) == 401
    assert status(checked(token(CURVE, "ES256"), jwks=jwks(jwk(KEY)))) == 401
    assert status(checked(token(), jwks=jwks(jwk(KEY, use="enc"), jwk(OTHER, "two")))) == 401


def test_a_foreign_signature_a_broken_token_and_none_are_refused() -> None:
    assert status(checked(token(OTHER))) == 401
    good = token()
    for text in ("", "x", "a.b.c", good[:-4], f"{good}.x", good.replace(".", ".."), "é.é.é", "x" * 20_000):
        assert status(checked(text)) == 401
    assert status(checked(good, scheme="Basic")) == 401
    crit = jwt.encode({"exp": int(time.time()) + 60}, KEY, "RS256", headers={"crit": ["x"], "kid": "one"})
    assert status(checked(crit)) == 401
    deep = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 9000).decode()
    assert status(checked(f"{deep}.e30.e30")) == 401


def test_an_opaque_token_is_one_of_the_list() -> None:
    given = {"jwks": "", "tokens": "# people\nann:0123456789abcdef read\nbob:fedcba9876543210\n"}
    assert user(checked("0123456789abcdef", **given)) == "ann"
    assert user(checked("0123456789abcdef", scopes=["read"], **given)) == "ann"
    assert status(checked("fedcba9876543210", scopes=["read"], **given)) == 403
    assert status(checked("0123456789abcdeF", **given)) == 401
    assert user(checked(token(), **{**given, "jwks": jwks(jwk(KEY))})) == "ann"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "jwks_url"),
        ({"jwks": "{}", **GIVEN}, "jwks"),
        ({"jwks": jwks(jwk(KEY)), "issuer": "a"}, "audience"),
        ({"jwks": jwks(jwk(KEY)), "audience": ["a"]}, "issuer"),
        ({"secret": "short", **GIVEN}, "secret"),
        ({"secret": SECRET, "jwks_url": "https://a/", **GIVEN}, "secret"),
        ({"jwks_url": "http://a/", **GIVEN}, "jwks_url"),
        ({"jwks_url": "https://u:p@a/", **GIVEN}, "jwks_url"),
        ({"tokens": "ann:short"}, "tokens"),
    ],
)
def test_what_cannot_work_is_found_before_anything_starts(given: dict[str, Any], path: str) -> None:
    [problem] = TokenAuth.check(params.build(TokenAuth.Params, given))
    assert problem.path == path
    assert "short" not in problem.message


class Issuer:
    """A server with keys."""

    def __init__(self) -> None:
        self.keys, self.status, self.asked = jwks(jwk(KEY)), 200, 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(issuer.status)
                self.end_headers()
                self.wfile.write(issuer.keys.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/keys"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


def test_keys_are_fetched_once_and_again_when_a_token_names_a_new_one(issuer: Issuer) -> None:
    with Harness(TokenAuth, **GIVEN, jwks_url=issuer.url, jwks_pause_s=1e-9) as harness:

        def put(text: str) -> Event | Failure:
            harness.put(Event("x", http=Http(headers={"authorization": f"Bearer {text}"})))
            return one_of(harness)

        assert [user(put(token())) for _ in range(3)] == ["ann"] * 3
        assert issuer.asked == 1
        issuer.keys = jwks(jwk(OTHER, "two"))
        assert user(put(token(OTHER, kid="two"))) == "ann"
        assert issuer.asked == 2
        assert status(put(token())) == 401  # The old key is gone.
        issuer.status = 500
        assert status(put(token(kid="three"))) == 401
        assert user(put(token(OTHER, kid="two"))) == "ann"  # The keys that are there stay.


def test_an_issuer_that_has_never_answered_makes_no_token_good_or_bad(issuer: Issuer) -> None:
    issuer.status = 500
    with Harness(TokenAuth, **GIVEN, jwks_url=issuer.url) as harness:
        for _ in range(5):
            harness.put(Event("x", http=Http(headers={"authorization": f"Bearer {token()}"})))
        assert [event.failure.status for event in harness.errors if event.failure] == [503] * 5
    assert issuer.asked == 1  # Strangers do not make it ask more often.


def test_keys_grow_old() -> None:
    fetched: list[str] = [jwks(jwk(KEY))]

    def fetch() -> bytes:
        return fetched[0].encode()

    cache = KeyCache(fetch, max_age_s=100, pause_s=10, stale_s=1000)
    assert cache.wants("one", 0)
    cache.refresh(0)
    assert [key.key_id for key in cache.find("one", 0)] == ["one"]
    assert not cache.wants("one", 99)
    assert cache.wants("one", 100)
    assert not cache.wants("unknown", 5)
    assert cache.wants("unknown", 10)
    fetched[0] = "junk"
    cache.refresh(100)
    assert cache.trouble
    assert cache.find("one", 999)
    with pytest.raises(Exception, match="cannot be had"):
        cache.find("one", 1000)
