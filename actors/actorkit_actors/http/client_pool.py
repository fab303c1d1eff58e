"""The connections of an http-client, made of its parameters."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import urllib3

from actorkit.errors import SettingsError
from actorkit.transport.certificate import present
from actorkit_actors.http import target
from actorkit_actors.http.addresses import Addresses, pools


class Wanted(Protocol):
    """The parameters that say how connections are made."""

    @property
    def concurrency(self) -> int: ...
    @property
    def private_networks(self) -> Sequence[str]: ...
    @property
    def proxy(self) -> str: ...
    @property
    def cafile(self) -> str: ...
    @property
    def certfile(self) -> str: ...
    @property
    def keyfile(self) -> str: ...
    @property
    def insecure(self) -> bool: ...


def make(params: Wanted, allowed: Addresses) -> urllib3.PoolManager:
    """A pool whose connections go to allowed addresses only, or to the proxy.

    Raises:
        SettingsError: a certificate cannot be used.
    """
    options: dict[str, Any] = {
        "maxsize": params.concurrency,
        "block": True,
        "retries": False,
        "ssl_context": tls_context(params),
    }
    if params.proxy:
        login = urllib3.util.parse_url(params.proxy).auth
        headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
        return urllib3.ProxyManager(without_login(params.proxy), proxy_headers=headers, **options)
    pool = urllib3.PoolManager(**options)
    pool.pool_classes_by_scheme = pools(allowed)
    return pool


def addresses(params: Wanted) -> Addresses:
    """The addresses that may be connected to.

    Raises:
        SettingsError: a network is none.
    """
    return Addresses(params.private_networks)


def tls_context(params: Wanted) -> ssl.SSLContext:
    """What connections by TLS are made with.

    Raises:
        SettingsError: a certificate cannot be used.
    """
    try:
        context = ssl.create_default_context(cadata=params.cafile or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if params.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    except (OSError, ValueError) as exc:
        raise SettingsError(f"cafile cannot be used: {exc}") from exc
    present(context, params.certfile, params.keyfile)
    return context


def shown(url: str) -> str:
    """As much of an address as people may see: paths and queries may hold what is secret."""
    scheme, host, port = target.origin(url)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def without_login(url: str) -> str:
    """An address without the name and the password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
