"""Requests to the admin server of one instance that want its token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlencode

from actorkit_kit.deployments.deployment import Deployment
from actorkit_kit.errors import KitError, UsageError

#: How much longer than the instance itself is waited for its answer, in seconds.
MARGIN_S: Final = 10.0

_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def ask(
    deployment: Deployment,
    instance: str,
    path: str,
    query: Mapping[str, str],
    timeout_s: float,
    data: bytes | None = None,
) -> Iterator[Any]:
    """The answer of an instance, to be read as long as the context is open; with `data` to a POST.

    Raises:
        UsageError: the instance does not understand the request; it says why.
        KitError: it refuses, or does not answer.
    """
    token = deployment.token(instance)
    with deployment.admin(instance) as address:
        url = f"http://{address}{path}?{urlencode(query)}"
        fields = {"Authorization": f"Bearer {token.strip()}", "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(url, data, fields)
        try:
            with _open(request, instance, path, timeout_s + MARGIN_S) as answer:
                yield answer
        except (OSError, HTTPException) as exc:
            raise KitError(f'"{instance}" does not answer: {exc}') from exc


def _open(request: urllib.request.Request, instance: str, path: str, timeout_s: float) -> Any:
    """The answer, also one that comes before the event is finished."""
    try:
        return _DIRECTLY.open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.GATEWAY_TIMEOUT:
            return error
        with error:
            said = error.read().decode(errors="replace").strip()
        raise _complaint(instance, path, error.code, said) from error


def _complaint(instance: str, path: str, status: int, said: str) -> Exception:
    if status == 404:
        return KitError(f'"{instance}" has no {path}: it runs an older version. Deploy it again.')
    text = f'"{instance}" says: {said or status}'
    return UsageError(text) if status in (400, 409) else KitError(text)


def put(
    deployment: Deployment, instance: str, body: bytes, query: Mapping[str, str], timeout_s: float
) -> dict[str, Any]:
    """Put an event into an inbox of an instance; what it says became of it.

    Raises:
        UsageError, KitError: as `ask` does.
    """
    with ask(deployment, instance, "/put", query, timeout_s, body) as answer:
        return dict(json.loads(answer.read()))
