"""How much work waits in a deployment, as its instances tell it at `/scale`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from actorkit.observe.fetch import Page
from actorkit_kit.instance import InstanceStatus


def with_work(
    instances: Sequence[InstanceStatus], told: Mapping[str, Page], brokers: Collection[str]
) -> list[InstanceStatus]:
    """The instances, each with what it says of the work that waits. `brokers` are the names of those that tell of
    services. That is left out where nobody tells: images of an older version have no such page."""
    found = {name: _read(page) for name, page in told.items()}
    return [one.with_work(found.get(one.name, {}), is_broker=one.name in brokers) for one in instances]


def _read(page: Page) -> dict[str, int]:
    if page.status != 200:
        return {}
    try:
        return msgspec.json.decode(page.body, type=dict[str, int])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
