"""Whether the body of a request is taken, and as what: by its route, its kind and the memory that it needs."""

from __future__ import annotations

from actorkit.errors import UnsupportedMediaType
from actorkit_actors.http import media
from actorkit_actors.http.budget import SMALL_BYTES
from actorkit_actors.http.guard import Guard
from actorkit_actors.http.message import Request
from actorkit_actors.http.routes import Route


def read(request: Request, route: Route, guard: Guard, forms: media.Forms = "json") -> tuple[str, bytes]:
    """The body of a request for its event: (format, bytes). The request is without it afterwards.

    Raises:
        UnsupportedMediaType: the route does not take its kind, or nobody does.
        MalformedEvent: it is not what its content type says.
        ServiceUnavailable: there is no room for what it takes at present.
        BodyTooLarge: there never is.
    """
    content = request.body
    header = request.headers.get("content-type", "")
    if content:
        _check_kind(request, route, header)
    if len(content) > SMALL_BYTES:
        guard.check_room(media.weight(header, content))
    format_, read = media.read(header, content, forms)
    more = len(read) - len(content)
    if more > 0 and request.lease is not None and not request.lease.grow(more):
        raise guard.no_room()
    request.body = b""
    return format_, read


def _check_kind(request: Request, route: Route, header: str) -> None:
    if "content-encoding" in request.headers:
        encoding = request.headers["content-encoding"].lower()
        if encoding != "identity":
            raise UnsupportedMediaType(f'the content encoding "{encoding}" is not taken here; send the body as it is')
    media_type = media.content_type(header)[0]
    taken = media.within(media_type, route.ctypes) if route.ctypes else media.is_known(media_type)
    if not taken:
        raise UnsupportedMediaType(
            f'the content type "{media_type}" is not taken here; there is {", ".join(route.ctypes or media.KNOWN)}'
        )


def check_room_to_convert(format_: str, content: bytes, guard: Guard) -> None:
    """Whether a body may be written as another format.

    Raises:
        ServiceUnavailable: there is no room for what that takes at present.
        BodyTooLarge: there never is.
    """
    if len(content) > SMALL_BYTES:
        guard.check_room(media.parsing_bytes(format_, content) or len(content) * media.REWRITTEN_BYTES)
