"""Responses out of what came back for a request: an event, a failure, or an error of the server's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from actorkit import Event
from actorkit.errors import CHALLENGE, ErrorMessage
from actorkit.event import body as bodies
from actorkit_actors.http import accept, message, problem
from actorkit_actors.http.message import Request, Response
from actorkit_actors.http.routes import Fixed

Headers = list[tuple[str, str]]

#: How long a client that is refused for want of room shall wait, in seconds.
RETRY_AFTER_S = 1


def of_event(
    answer: Event,
    request: Request,
    fits: Callable[[str, bytes], None],
    log: logging.Logger,
    enveloped: bool = False,
) -> Response:
    """The response that an event stands for; `request.trace` is the event's. `fits` is called with a body before it is
    written as another format, and may raise. `enveloped`: JSON stands in `{"data": …}`."""
    http, failure = answer.http, answer.failure
    headers: Headers = [("X-Request-ID", request.trace)]
    for name, value in http.reply_headers if http is not None else ():
        if message.is_header(name, value):
            headers.append((name, value))
        else:
            log.warning("the answer has the header %r, which may not be sent", name)
    status = http.status if http is not None and 200 <= http.status <= 599 else 0
    if failure is not None:
        status = status if status >= 400 else failure.status if 300 <= failure.status <= 599 else 500
        headers = [pair for pair in headers if pair[0].lower() != "content-type"]
        return of_errors(status, failure.errors, request.headers, request.trace, [*headers, *failure.headers])
    if status == 401:
        headers = without_doubles([*headers, ("WWW-Authenticate", CHALLENGE)])
    format_, content = answer.encoded()
    if format_ == bodies.NOTHING:
        return Response(status or 204, headers=headers)
    if len(headers) > 1 and any(name.lower() == "content-type" for name, _ in headers):
        return Response(status or 200, content, headers=headers)
    media_type, content = accept.write(request.headers.get("accept", ""), format_, content, fits, enveloped)
    return Response(status or 200, content, media_type, headers)


def of_route(fixed: Fixed, trace: str) -> Response:
    """The response that a route itself has."""
    headers = [("X-Request-ID", trace), *fixed.headers.items()]
    return Response(fixed.status, fixed.text.encode(), fixed.content_type if fixed.text else "", headers)


def of_errors(
    status: int,
    errors: Sequence[ErrorMessage],
    asked: Mapping[str, str],
    trace: str,
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """Errors for the client whose request had the headers `asked`. What no actor meant for it (status 500) is not told;
    the log has it by its trace."""
    if status == 500:
        errors = [ErrorMessage(f"the request could not be answered; see the log for {trace}")]
    more: Headers = [("X-Request-ID", trace)]
    if status == 401:
        more.append(("WWW-Authenticate", CHALLENGE))
    if status == 503:
        more.append(("Retry-After", str(RETRY_AFTER_S)))
    media_type, content = problem.write(asked, errors)
    return Response(status, content, media_type, without_doubles([*headers, *more]))


def without_doubles(headers: Iterable[tuple[str, str]]) -> Headers:
    """The header fields that may be sent; of those with one name the first, but for those that an actor may repeat."""
    there: set[str] = set()
    kept: Headers = []
    for name, value in headers:
        key = name.lower()
        if (key not in there or key in _REPEATED) and message.is_header(name, value):
            there.add(key)
            kept.append((name, value))
    return kept


#: Fields that mean something each time (RFC 9110 §5.3, RFC 6265 §3).
_REPEATED = frozenset({"set-cookie", "link", "vary", "warning"})
