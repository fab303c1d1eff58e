"""Puts an event into the actor's own inbox, over an edge as any other event, and tells what became of it.

The event has a name whose trace is recorded by every instance, however few are sampled.
"""

from __future__ import annotations

import logging
import os
import time
from http import HTTPStatus
from typing import Any, Final

import gevent
import msgspec
from gevent.event import Event as Flag

from actorkit.admin.query import check_names, number_of
from actorkit.admin.shown import show
from actorkit.edge.connector import Connector
from actorkit.edge.ledger import Root, settle
from actorkit.edge.outcome import Answer, Failed, Outcome
from actorkit.edge.peers import Peers
from actorkit.edge.sender import Sender
from actorkit.errors import UNREADABLE, ActorkitError
from actorkit.event import Event
from actorkit.event.body import BYTES, FORM, JSON, NOTHING, TEXT, XML
from actorkit.event.context import Context, Failure, Http, encode_context
from actorkit.event.ids import new_id
from actorkit.event.parcel import MAX_BODY_BYTES, Parcel, Waiter
from actorkit.graph import BOX
from actorkit.host.host import Host
from actorkit.observe.admin import BadRequest, Request, Response, json_response
from actorkit.transport.endpoint import Endpoint

log = logging.getLogger("actorkit.admin")

#: What a person calls the formats of a body.
FORMATS: Final = {"nothing": NOTHING, "bytes": BYTES, "text": TEXT, "json": JSON, "xml": XML, "form": FORM}

#: How long the event may take, in seconds: where nothing is said, and at most.
WAIT_S: Final = 30.0
MOST_WAIT_S: Final = 600.0

#: Who sends it, in trails, logs and `/graph`.
OPERATOR: Final = "operator"

#: A trace that begins with so many bits of 0 is recorded, whatever the mask of an instance is.
_ZEROS: Final = 32


class Described(msgspec.Struct, forbid_unknown_fields=True):
    """What a request says of the event beside its body."""

    service: str = ""
    attributes: dict[str, Any] = {}
    http: DescribedHttp | None = None


class DescribedHttp(msgspec.Struct, forbid_unknown_fields=True):
    """The HTTP side: a request as a server would have taken it."""

    method: str = "POST"
    path: str = "/"
    query: dict[str, list[str]] = {}
    headers: dict[str, str] = {}

    def as_http(self) -> Http:
        """The same, for an event."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Http(self.method, self.path, self.query, headers)


class Put:
    """The page `/put`."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __call__(self, request: Request) -> Response:
        """Put the event of a request into the inbox, and wait until it is finished with all that it became."""
        check_names(request.query, "inbox", "format", "context", "answers", "seconds")
        seconds = number_of(request.query, "seconds", WAIT_S, MOST_WAIT_S, zero=True)
        peers = self._peers(request.query.get("inbox", ""))
        context = _context(request.query.get("context", ""))
        format_ = FORMATS.get(request.query.get("format", "bytes"))
        if format_ is None:
            raise BadRequest(f"there is no such format; there are {', '.join(FORMATS)}")
        if self._host.draining:
            raise BadRequest("this instance is about to stop; ask another one", HTTPStatus.SERVICE_UNAVAILABLE)
        body = request.body(MAX_BODY_BYTES)
        # Whatever comes back for these, it comes back here: no instance of theirs has that name.
        waiter = Waiter(f"{self._host.instance}/{OPERATOR}-{os.urandom(8).hex()}", os.urandom(16))
        waiters = {actor: waiter for actor in request.query.get("answers", "").split(",") if actor}
        parcel = Parcel(_new_name(), 0, format_, body, context, waiters or None, trail=OPERATOR)
        return self._send(peers, parcel, seconds)

    def _peers(self, given: str) -> Peers:
        """The connection to the inbox that is meant: what is given, else the only one that somebody sends to.

        Raises:
            BadRequest: there is none, or there are several.
        """
        host = self._host
        if host.listener is None:
            raise BadRequest(f"{host.name} takes no events", HTTPStatus.CONFLICT)
        known = sorted({session.inbox for session in host.receiver.sessions.values()})
        if not given and len(known) != 1:
            there = f"there are {', '.join(known)}" if known else "nobody sends to this instance now"
            raise BadRequest(f"say with inbox= into which one; {there}")
        inbox = given or known[0]
        if not BOX.match(inbox):
            raise BadRequest(f'"{inbox:.100}" is not a name for an inbox')
        endpoint = Endpoint.parse(host.listener.endpoint)
        if endpoint.is_every_interface:
            endpoint = Endpoint.tcp("127.0.0.1", endpoint.port)
        return Peers((str(endpoint),), inbox)

    def _send(self, peers: Peers, parcel: Parcel, seconds: float) -> Response:
        host, finished = self._host, Flag()
        outcomes: list[Outcome] = []
        root = Root(finished.set, outcomes.append)
        name = f"{OPERATOR}-{os.urandom(4).hex()}"
        sender = Sender(host.settings.topology, OPERATOR, name, OPERATOR, peers)
        connector = Connector(host.context, sender, lambda: connector.flush(), host.keys)
        begun = time.monotonic()
        log.info("event %016x is put into the inbox %s by hand", parcel.id, peers.inbox)
        sender.put(parcel, root, Event.received(parcel))
        settle(root)
        connector.flush()
        gevent.spawn(_see_off, finished, connector)
        is_finished = finished.wait(seconds)
        told = {
            "id": f"{parcel.id:016x}",
            "trace": f"{parcel.id:016x}",
            "finished": is_finished,
            "seconds": round(time.monotonic() - begun, 6),
            "answers": [_answer(one) for one in outcomes if isinstance(one, Answer)],
            "failures": [_failure(one.failure) for one in outcomes if isinstance(one, Failed)],
        }
        late = HTTPStatus.GATEWAY_TIMEOUT if seconds else HTTPStatus.ACCEPTED
        return json_response(told, HTTPStatus.OK if is_finished else late)


def _see_off(finished: Flag, connector: Connector) -> None:
    """Keep the connection until the event is finished, whoever waits for that: until then it may be sent again."""
    finished.wait(MOST_WAIT_S)
    connector.close()


def _answer(outcome: Answer) -> dict[str, Any]:
    return {"actor": outcome.actor, **show(outcome.parcel, MAX_BODY_BYTES)}


def _failure(failure: Failure) -> dict[str, Any]:
    return {name: getattr(failure, name) for name in ("kind", "message", "status", "actor")}


def _context(text: str) -> bytes:
    """What is said of the event, for the wire.

    Raises:
        BadRequest: it is something else.
    """
    if not text:
        return b""
    try:
        said = msgspec.json.decode(text, type=Described)
        http = said.http.as_http() if said.http is not None else None
        return encode_context(Context(said.service, said.attributes, http))
    except (*UNREADABLE, ActorkitError) as exc:
        raise BadRequest(f"context={text[:200]}: {exc}") from exc


def _new_name() -> int:
    """An id whose trace every instance records."""
    return (new_id() >> _ZEROS) or 1
