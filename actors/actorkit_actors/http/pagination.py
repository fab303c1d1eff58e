"""Links to the pages before and behind an answer."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import urlencode

from msgspec import Meta

from actorkit import Actor, Event, Http, JSONEvent
from actorkit.errors import MalformedEvent
from actorkit.event import body
from actorkit_actors.http import target

#: The largest offset, which every database takes.
_MAX_OFFSET: Final = (1 << 63) - 1


class Pagination(Actor):
    """Adds the links to the page before and the page behind to an answer that is a list of JSON.

    A request names its page as `?limit=20&offset=40`; `ask: true`, on the way to what answers, puts both numbers into
    the attributes `limit` and `offset`, for a query. On the way back, the list gets its links: there is a next page
    where this one is full, and a previous one where it does not begin at 0. All else in the query stays. The links are
    a header field (`Link`, RFC 8288), or with `links: data` a part of the data: `{"data": […], "_pagination": {"prev":
    …, "next": …}}`. What is no list, has failed, or has no request goes on as it is.

    Failures:
        MalformedEvent (400): limit or offset is no whole number, or is less than it may be.
    """

    NAME: ClassVar[str] = "pagination"
    EXTRA: ClassVar[str] = "http"

    class Params(Actor.Params, frozen=True, kw_only=True):
        ask: Annotated[bool, Meta(description="whether this is the way to what answers")] = False
        limit: Annotated[int, Meta(ge=1, description="entries of a page where the request does not say")] = 50
        max_limit: Annotated[int, Meta(ge=1, description="most entries of a page, whatever is asked for")] = 1000
        links: Annotated[Literal["header", "data"], Meta(description="where the links are")] = "header"

    params: Params

    def consume(self, event: Event) -> Event:
        """Read the page, or link those beside it."""
        http = event.http
        if http is None or event.failure is not None:
            return event
        limit = min(_number(http, "limit", 1, self.params.limit), self.params.max_limit)
        offset = _number(http, "offset", 0, 0)
        if self.params.ask:
            return event.replace(limit=limit, offset=offset)
        entries = event.data if event.encoded()[0] == body.JSON else None
        if not isinstance(entries, list):
            return event
        links: dict[str, str] = {}
        if offset > 0:
            links["prev"] = _page(http, limit, max(0, offset - limit))
        if len(entries) >= limit:
            links["next"] = _page(http, limit, offset + limit)
        if self.params.links == "data":
            return event.become(JSONEvent, {"data": entries, "_pagination": links})
        if links:
            told = ", ".join(f'<{address}>; rel="{name}"' for name, address in links.items())
            http.reply_headers = [*http.reply_headers, ("Link", told)]
        return event


def _number(http: Http, name: str, least: int, default: int) -> int:
    given = http.query.get(name, [str(default)])[-1]
    if not (given.isascii() and given.isdigit()) or not least <= int(given[:20]) <= _MAX_OFFSET:
        raise MalformedEvent(f"{name} is no whole number from {least} on")
    return int(given)


def _page(http: Http, limit: int, offset: int) -> str:
    query = {**http.query, "limit": [str(limit)], "offset": [str(offset)]}
    return f"{target.escape(http.path)}?{urlencode(query, doseq=True)}"
