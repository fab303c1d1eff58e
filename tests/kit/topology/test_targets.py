"""What a topology has otherwise in one target: how it is merged, and where its mistakes are told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from actorkit_kit.plan.model import Plan
from actorkit_kit.plan.planner import make_plan
from actorkit_kit.topology import targets
from actorkit_kit.topology.check import check, check_all
from actorkit_kit.topology.document import parse
from actorkit_kit.topology.schema import schema
from tests.kit.conftest import Kit
from tests.kit.plans import ORDERS

OVERLAY = """\
targets:
  compose:
    secrets: {web-users: {file: /etc/passwd}}
    actors:
      web: {expose: {http: {port: 80, public: true}}, env: {ZONE: b}}
      execute: {env: {RACK: "7"}, replicas: 1}
  helm:
    clear: null
    keys: {secret: topology-keys}
    broker: {replicas: 3}
    defaults: {resources: {memory_mb: 512}, drain_timeout_s: 60}
    actors:
      web: {expose: null, params: {routes: [{path: "/other", methods: [GET], outbox: auth}]}}
      worker: {resources: {cpus: 2}}
"""


def told(text: str, base: Path) -> list[str]:
    return [str(finding).partition(": ")[2] for finding in check_all(parse(text, "topology.yaml", base))]


def plan_for(target: str, base: Path, text: str = ORDERS + OVERLAY) -> Plan:
    return make_plan(check(parse(text, "topology.yaml", base), target))


def merged(base: dict[str, Any], over: dict[str, Any]) -> Any:
    text = json.dumps({**base, "targets": {"helm": over}})
    data = targets.for_target(parse(text, "topology.yaml", Path()), "helm").data
    return {name: value for name, value in data.items() if name != "targets"}


def test_each_target_has_its_own_values_over_the_topologys(shop: Path) -> None:
    local, compose, helm = (plan_for(target, shop) for target in ("local", "compose", "helm"))
    assert local.units == plan_for("", shop).units == plan_for("local", shop, ORDERS).units
    assert [(port.published, port.public) for port in local.unit("web").ports] == [(8080, False)]
    assert [(port.published, port.public) for port in compose.unit("web").ports] == [(80, True)]
    assert dict(compose.unit("execute").environment_extra) == {"ZONE": "a", "RACK": "7"}
    assert [plan.unit("execute").replicas for plan in (local, compose, helm)] == [3, 1, 3]
    assert [plan.unit("broker").replicas for plan in (local, compose, helm)] == [2, 2, 3]
    assert helm.unit("web").ports == ()
    assert [route["path"] for route in helm.unit("web").params["routes"]] == ["/other"]
    worker = helm.unit("worker")
    assert (worker.memory_mb, worker.cpus, worker.drain_timeout_s, worker.replicas) == (512, 2.0, 60.0, 2)
    assert (local.unit("web").keys, helm.unit("web").keys) == ("", "/run/secrets/topology-keys")


@pytest.mark.parametrize(
    ("base", "over", "wanted"),
    [
        ({"clear": True}, {"clear": None}, {}),
        ({}, {"clear": True}, {"clear": True}),
        (
            {"actors": {"a": {"params": {"x": {"secret": "s"}, "y": 1}}}},
            {"actors": {"a": {"params": {"x": {"file": "f"}}}}},
            {"actors": {"a": {"params": {"x": {"file": "f"}, "y": 1}}}},
        ),
        (
            {"secrets": {"s": {"file": "f"}, "t": {"file": "g"}}},
            {"secrets": {"s": {"env": "S"}}},
            {"secrets": {"s": {"env": "S"}, "t": {"file": "g"}}},
        ),
        ({"actors": {"a": {}}}, {"actors": {"b": {"replicas": 2}, "a": {"uses": "x"}}}, {"actors": {"a": {}}}),
        (
            {"actors": {"a": {"egress": True}}},
            {"actors": {"a": {"egress": ["b:1"]}}},
            {"actors": {"a": {"egress": ["b:1"]}}},
        ),
        ({"broker": None}, {"broker": {"env": {"A": "b"}}}, {"broker": {"env": {"A": "b"}}}),
        ({"name": "a"}, {"name": "b", "connections": []}, {"name": "a"}),
        ({"actors": []}, {"actors": {"a": {}}}, {"actors": {"a": {}}}),
    ],
)
def test_sections_are_merged_and_single_values_replaced(
    base: dict[str, Any], over: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert merged(base, over) == wanted


def test_a_topology_with_good_values_for_each_target_has_no_mistake(shop: Path) -> None:
    keyed = OVERLAY.replace("    clear: null\n    keys: {secret: topology-keys}\n", "")
    assert told(ORDERS + keyed, shop) == []


@pytest.mark.parametrize(
    ("overlay", "wanted"),
    [
        (
            "helm: {actors: {worker: {replicas: 0}}}",
            "targets.helm.actors.worker.replicas: 0 is out of range. Write a whole number from 1 to 1000.",
        ),
        (
            "helm: {actors: {auth: {params: {user: {secret: web-users}}}}}",
            'targets.helm.actors.auth.params.user: there is no parameter "user". Did you mean "users"?',
        ),
        (
            "compose: {actors: {worker: {repicas: 2}}}",
            'targets.compose.actors.worker.repicas: there is no key "repicas" here. Did you mean "replicas"?',
        ),
        (
            "compose: {actors: {wroker: {replicas: 2}}}",
            'targets.compose.actors.wroker: the topology has no actor "wroker". Did you mean "worker"?',
        ),
        (
            "local: {actors: {auth: {uses: xslt}}}",
            'targets.local.actors.auth.uses: "uses" is the same in all targets. Write it in the topology itself.',
        ),
        (
            "local: {connections: []}",
            'targets.local.connections: "connections" is the same in all targets. Write it in the topology itself.',
        ),
        ("hlem: {}", 'targets.hlem: there is no key "hlem" here. Did you mean "helm"?'),
        ("helm: 5", "targets.helm: this is a number, not a mapping. Write it as name: value, a line each."),
        (
            "helm: {clear: maybe}",
            "targets.helm.clear: this is a text. Write true or false.",
        ),
    ],
)
def test_a_mistake_is_told_where_it_was_written(overlay: str, wanted: str, shop: Path) -> None:
    text = f"{ORDERS}targets:\n  {overlay}\n"
    line = len(text.splitlines())
    found = check_all(parse(text, "topology.yaml", shop))
    assert [f"{finding.path}: {finding.message}" for finding in found if finding.line == line] == [wanted]


def test_a_mistake_of_the_topology_that_only_some_targets_have_says_which(shop: Path) -> None:
    text = ORDERS.replace("clear: true\n", "targets: {compose: {clear: true}}\n")
    (found,) = told(text, shop)
    assert found.startswith("connections: in the target helm: edges and brokers can be reached")
    text = (
        ORDERS.replace("web-users", "nobody") + "targets: {compose: {secrets: {nobody: {file: secrets/web-users}}}}\n"
    )
    (found,) = told(text, shop)
    assert "in the targets local and helm: the secret" in found


def test_secrets_of_every_target_stay_out_of_the_images_of_all(shop: Path) -> None:
    (shop / "shop" / "other-users").write_text("{}")
    overlay = "targets: {helm: {secrets: {web-users: {file: shop/other-users}}}}\n"
    for target in ("compose", "helm"):
        assert shop / "shop" / "other-users" in plan_for(target, shop, ORDERS + overlay).secret_files


def test_the_schema_knows_what_targets_may_have() -> None:
    validator = jsonschema.Draft7Validator(schema())

    def problems(text: str) -> list[str]:
        return [error.json_path for error in validator.iter_errors(YAML(typ="safe", pure=True).load(text))]

    assert problems(ORDERS + OVERLAY.replace("clear: null", "clear: false").replace("expose: null, ", "")) == []
    assert problems(ORDERS + "targets: {helm: {actors: {auth: {uses: xslt}}}}\n") == ["$.targets.helm.actors.auth"]
    assert problems(ORDERS + "targets: {hlem: {}}\n") == ["$.targets"]
    assert problems(ORDERS + "targets: {helm: {broker: {params: {queue_limit: many}}}}\n") != []


def test_the_verbs_use_the_values_of_their_target(kit: Kit, shop: Path) -> None:
    (shop / "topology.yaml").write_text(ORDERS + "targets: {helm: {actors: {worker: {replicas: 7}}}}\n")
    assert kit("validate", "topology.yaml", cwd=shop).returncode == 0
    for target, folder, wanted in (("compose", "out", "replicas: 2"), ("helm", "chart", "replicas: 7")):
        assert kit("render", target, "topology.yaml", "-o", folder, cwd=shop).returncode == 0
        written = shop / folder / ("compose.yaml" if target == "compose" else "values.yaml")
        assert wanted in written.read_text()
    assert re.search("worker ×.2<", kit("graph", "topology.yaml", cwd=shop).stdout)
    drawn = kit("graph", "topology.yaml", "--target", "helm", cwd=shop).stdout
    assert re.search("worker ×.7<", drawn)
    (shop / "topology.yaml").write_text(ORDERS + "targets: {helm: {actors: {worker: {replicas: 0}}}}\n")
    assert kit("render", "compose", "topology.yaml", "-o", "out", cwd=shop).returncode == 0
    assert kit("render", "helm", "topology.yaml", "-o", "chart", cwd=shop).returncode == 2
    assert kit("validate", "topology.yaml", cwd=shop).returncode == 2
