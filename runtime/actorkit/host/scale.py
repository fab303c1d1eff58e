"""What autoscalers are told: how much work each actor has before it."""

from __future__ import annotations

from actorkit.host.host import Host


def waiting_by_actor(host: Host) -> dict[str, int]:
    """How many events wait for each actor that an outbox of this instance leads to, by its name: those that wait here,
    and those that it has been sent and has not consumed."""
    found: dict[str, int] = {}
    for connectors in host.connectors.values():
        for connector in connectors:
            sender = connector.sender
            found[sender.leads_to] = found.get(sender.leads_to, 0) + sender.waiting
    return found
