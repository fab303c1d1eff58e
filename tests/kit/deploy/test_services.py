"""What is read of a compose file, as compose tells it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from actorkit_kit.deploy import meeting, services


def read(document: dict[str, Any]) -> dict[str, services.Service]:
    def compose(*arguments: str) -> str:
        return json.dumps(document) if "json" in arguments else "web aaa\ntitanic bbb\nprometheus ccc\nboth ddd\n"

    return services.read_services(compose)


OURS = {"io.actorkit.topology": "orders"}
LABELS = {"io.actorkit.actor": "x", **OURS}
DOCUMENT: dict[str, Any] = {
    "networks": {
        "data": {"name": "orders_data", "internal": True},
        "edge": {"name": "orders_edge"},
        "egress": {"name": "orders_egress"},
    },
    "services": {
        "web": {
            "image": "actorkit/http-server:1",
            "labels": LABELS,
            "deploy": {"replicas": 2},
            "networks": {"data": None, "edge": None},
            "ports": [{"published": "8080", "target": 8080}],
            "secrets": [{"source": "key"}],
            "depends_on": {"titanic": {}},
        },
        "titanic": {"labels": LABELS, "volumes": [{"type": "volume", "source": "titanic-folder"}]},
        "both": {"labels": LABELS, "networks": {"edge": None, "egress": None}, "ports": [{"published": "1"}]},
        "store": {"labels": {"com.example": "x"}},
        "prometheus": {"labels": {"io.actorkit.kind": "prometheus", **OURS}, "networks": {"data": None}},
    },
}


def test_who_may_be_there_twice_follows_from_volumes_and_ports() -> None:
    found = read(DOCUMENT)
    assert found["web"] == services.Service(
        name="web",
        image="actorkit/http-server:1",
        digest="aaa",
        replicas=2,
        actor=True,
        published=({"published": "8080", "target": 8080},),
        networks=frozenset({"orders_data", "orders_edge"}),
        outside=frozenset({"orders_edge"}),
        alone=False,
        secrets=frozenset({"key"}),
        after=("titanic",),
    )
    assert found["titanic"].alone
    assert found["both"].alone
    assert not found["prometheus"].actor
    assert [name for name, service in found.items() if service.foreign] == ["store"]


def test_receivers_start_before_senders_also_in_a_circle() -> None:
    found = read(DOCUMENT)
    order = services.starting_order(found)
    assert order.index("titanic") < order.index("web")
    circle = {**DOCUMENT["services"], "titanic": {"labels": LABELS, "depends_on": {"web": {}}}}
    assert sorted(services.starting_order(read({**DOCUMENT, "services": circle}))) == sorted(circle)


def test_a_chain_of_any_length_has_an_order() -> None:
    names = [f"s{number:05}" for number in range(5_000)]
    chain: dict[str, Any] = {name: {"depends_on": {after: {}}} for name, after in pairwise(names)} | {names[-1]: {}}
    assert services.starting_order(read({"services": chain})) == names[::-1]


def test_an_instance_knows_as_many_peers_as_the_outbox_that_knows_least() -> None:
    text = (
        'actorkit_peers{actor="a",destination="back",outbox="x",topology="t"} 3\n'
        'actorkit_peers{actor="a",destination="back",outbox="y",topology="t"} 2.0\n'
        'actorkit_peers{actor="a",destination="web",outbox="y",topology="t"} 1\n'
    )
    assert meeting.read_peers(text) == {"back": 2, "web": 1}
