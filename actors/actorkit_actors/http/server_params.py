"""Parameters of http-server."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from actorkit import Actor
from actorkit.event.parcel import MAX_BODY_BYTES
from actorkit_actors.http import media
from actorkit_actors.http.routes import Route

Port = Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0: a free one")]


class ServerParams(Actor.Params, frozen=True, kw_only=True):
    """What http-server is told; memory and connections follow from the container where nothing is said."""

    host: Annotated[str, Meta(description="address to listen on")] = "0.0.0.0"
    port: Port = 8080
    routes: Annotated[tuple[Route, ...], Meta(min_length=1, description="what is let in, and where it goes")] = (
        Route(path="/<queue>"),
    )
    base_path: Annotated[str, Meta(description="what the paths of all routes begin with, as /api; none: no")] = ""
    forms: Annotated[
        media.Forms,
        Meta(description="what a form becomes: JSON, a form, or the document in its only field XML or JSON"),
    ] = "json"
    envelope: Annotated[bool, Meta(description="whether JSON answers that are no errors get the key `data`")] = False
    timeout_s: Annotated[float, Meta(gt=0, description="longest wait for an answer; then 504")] = 30.0
    idle_timeout_s: Annotated[
        float,
        Meta(gt=0, description="longest pause of a connection, and longest time that a request may take to come"),
    ] = 60.0
    max_body_bytes: Annotated[
        int, Meta(ge=0, le=MAX_BODY_BYTES, description="largest body of a request; beyond it 413")
    ] = 8 << 20
    max_header_bytes: Annotated[int, Meta(ge=256, description="most that headers may take; beyond it 431")] = 32 << 10
    max_requests: Annotated[int, Meta(ge=1, description="requests that wait for answers at a time; beyond it 503")] = (
        1024
    )
    finish_expired: Annotated[
        bool, Meta(description="whether actors go on with a request whose client has been answered 504 or hung up")
    ] = False
    memory_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="what requests and answers may take in memory until they are finished, all together; "
            "beyond it 503; 0: a quarter of the container's memory",
        ),
    ] = 0
    max_connections: Annotated[
        int,
        Meta(
            ge=0,
            description="open connections; more are not accepted until one is closed, the longest idle first; "
            "0: what an eighth of the container's memory is enough for",
        ),
    ] = 0
    certfile: Annotated[
        str, Meta(description="certificate chain for TLS, PEM text; none: no TLS", extra={"file": True})
    ] = ""
    keyfile: Annotated[
        str, Meta(description="private key of the certificate, PEM text", extra={"file": True, "secret": True})
    ] = ""
    access_log: Annotated[bool, Meta(description="log a line for each request")] = False
