"""A certificate of this side of TLS."""

from __future__ import annotations

import ssl
import tempfile

from actorkit.errors import SettingsError


def present(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have connections show a certificate chain, of which the key is given; both are PEM texts, "" for neither.

    Raises:
        SettingsError: they cannot be used, or one is missing.
    """
    if not certificate and not key:
        return
    if not certificate or not key:
        raise SettingsError("a certificate needs both certfile and keyfile")
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as chain:  # mode 0600; OpenSSL reads files only
        chain.write(f"{key}\n{certificate}\n")
        chain.flush()
        try:
            context.load_cert_chain(chain.name)
        except (ssl.SSLError, OSError) as exc:
            raise SettingsError(f"certfile and keyfile cannot be used: {exc.strerror or exc}") from exc


def trust(context: ssl.SSLContext, authorities: str) -> None:
    """Believe certificates of these authorities, a PEM text.

    Raises:
        SettingsError: they cannot be used.
    """
    try:
        context.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError) as exc:
        raise SettingsError(f"the authorities cannot be used: {exc}") from exc


def name_in(certificate: object) -> str:
    """The common name in a certificate as `getpeercert` tells it, else the first of its other names; "" without any."""
    if not isinstance(certificate, dict):
        return ""
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    names = [value for kind, value in subject if kind == "commonName"]
    return str(next(iter([*names, *(value for _, value in certificate.get("subjectAltName", ()))]), ""))
