"""Carries questions about one actor to its instances, and what somebody wants to do to the one that it is meant for.

The console knows no token: whoever acts says it, and the instance looks whether it is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from actorkit.console.watch import Watch
from actorkit.console.way import read_way
from actorkit.errors import UNREADABLE
from actorkit.observe.fetch import Page, fetch

#: Pages that everybody may read, and those that want the token of their instance.
TOLD: Final = ("/graph", "/recent", "/letters")
ACTIONS: Final = ("/dlq", "/log", "/put", "/tap")
#: Those that only read, and are asked for by GET.
READING: Final = ("/log", "/tap")
#: How long an action is waited for, in seconds: longer than an instance itself waits.
ACTION_S: Final = 150.0
#: Longest body of an action, in bytes.
MAX_BODY_BYTES: Final = 1 << 20


class Unknown(Exception):
    """Raised where there is no such actor, instance or page; the text says so."""


class Relay:
    """The way to the instances that a watch knows."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def told(self, actor: str, page: str) -> list[dict[str, Any]]:
        """A page of each instance of an actor, which is JSON; without those that do not tell.

        Raises:
            Unknown: there is no such actor or page.
        """
        if page not in TOLD:
            raise Unknown(f"page= is one of {', '.join(TOLD)}")
        found = self._pages(self._addresses(actor), page)
        return [{"address": address, **value} for address, one in found.items() if (value := _read(one)) is not None]

    def way(self, trace: str) -> dict[str, Any]:
        """The way of an event, as all instances remember it."""
        known = self._watch.addresses(self._watch.plan.actors)
        addresses = sorted({address for found in known.values() for address in found})
        way = read_way(self._pages(addresses, "/recent").values(), trace)
        return {"hops": [hop.as_json() for hop in way.hops], "sampled_every": way.sampled_every}

    def act(
        self, actor: str, address: str, page: str, query: Mapping[str, str], authorization: str, body: bytes
    ) -> Page:
        """What an instance answers to an action.

        Raises:
            Unknown: there is no such actor, instance or page.
        """
        if page not in ACTIONS:
            raise Unknown(f"page= is one of {', '.join(ACTIONS)}")
        if address not in self._addresses(actor):
            raise Unknown(f'"{actor}" has no instance at "{address}"')
        fields = {"Authorization": authorization, "Content-Type": "application/octet-stream"}
        sent = None if page in READING else body
        answer = fetch(address, f"{page}?{urlencode(query)}", ACTION_S, body=sent, fields=fields)
        return answer or Page(HTTPStatus.BAD_GATEWAY, b"the instance does not answer\n")

    def _addresses(self, actor: str) -> list[str]:
        found = [one for one in self._watch.plan.actors if one.name == actor]
        if not found:
            raise Unknown(f'there is no actor "{actor}"')
        return self._watch.addresses(found)[actor]

    def _pages(self, addresses: list[str], page: str) -> dict[str, Page]:
        found = self._watch.ask_each(addresses, page)
        return {address: one for address, one in found.items() if one.status == HTTPStatus.OK}


def _read(page: Page) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(page.body, type=dict[str, Any])
    except UNREADABLE:
        return None
