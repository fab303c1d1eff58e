"""What stands beside the graph in a topology: how it is written, and which mistakes are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from ruamel.yaml import YAML

from actorkit.transport import topology_keys
from actorkit_kit.plan.model import Plan
from actorkit_kit.topology.check import Checked, check
from actorkit_kit.topology.document import parse
from tests.kit.conftest import Kit
from tests.kit.plans import plan_of

GRAPH = """\
name: t
actors:
  gen: {uses: generator}
  ask: {uses: mdp-client, params: {service: a}}
connections: [gen -> ask]
"""


def checked(text: str, base: Path) -> Checked:
    return check(parse(text, "topology.yaml", base))


def told(text: str, base: Path) -> list[str]:
    """The findings, those that hold only on networks behind the others."""
    found = checked(text, base)
    return [*map(str, found.findings), *(f"network: {finding}" for finding in found.on_networks)]


def same(one: Plan, other: Plan) -> bool:
    return replace(one, digest="", units=tuple(sorted(one.units, key=str))) == replace(
        other, digest="", units=tuple(sorted(other.units, key=str))
    )


@pytest.mark.parametrize(
    ("section", "actor"),
    [
        ("clear: true\nbroker: {replicas: 2}", "broker: {uses: mdp-broker, params: {clear: true}, replicas: 2}"),
        (
            "broker: {params: {queue_limit: 3}, expose: {mdp: 5550}}",
            "broker: {uses: mdp-broker, params: {queue_limit: 3}, expose: {mdp: 5550}}",
        ),
        ("registration: {}", "registration: {uses: mdp-registration-service}"),
        ("titanic: {params: {limit: 9}}", "titanic: {uses: mdp-titanic, params: {limit: 9}}"),
    ],
)
def test_a_section_is_short_for_one_actor_of_its_name(shop: Path, section: str, actor: str) -> None:
    short = plan_of(GRAPH + section + "\n", shop)
    long = plan_of(GRAPH.replace("connections:", f"  {actor}\nconnections:"), shop)
    assert same(short, long)


def test_the_class_path_of_the_catalogue_is_as_good_as_the_name(shop: Path) -> None:
    by_name = plan_of(GRAPH.replace("connections:", "  b: {uses: mdp-broker}\nconnections:"), shop).unit("b")
    path = '"actorkit_actors.mdp.mdp_broker:MDPBroker"'
    by_path = plan_of(GRAPH.replace("connections:", f"  b: {{uses: {path}}}\nconnections:"), shop).unit("b")
    assert (by_name.kind, by_name.class_path, by_name.image.tag) == (
        "broker",
        "actorkit.mdp.broker:Broker",
        by_path.image.tag,
    )
    assert replace(by_path, uses="mdp-broker") == by_name


@pytest.mark.parametrize(("more", "there"), [("", False), (", lease_s: 5", True)])
def test_an_actor_may_need_a_broker_for_one_of_its_parameters(shop: Path, more: str, there: bool) -> None:
    cron = f'{{uses: cron-generator, replicas: 2, params: {{cron: "* * * * *"{more}}}}}'
    plan = plan_of(f"name: t\nactors: {{tick: {cron}, show: {{uses: stdout}}}}\nconnections: [tick -> show]\n", shop)
    assert [unit.name for unit in plan.units if unit.kind == "broker"] == ["broker"] * there
    assert bool(plan.meets(plan.unit("tick"))) == there


@pytest.mark.parametrize("more", ["", "broker: {}\n", "clear: false\n", "registration: {}\n"])
def test_a_topology_says_once_whether_it_may_be_in_the_clear(shop: Path, more: str) -> None:
    (finding,) = told(GRAPH + more, shop)
    assert finding.startswith("network: topology.yaml:5:1: connections: edges and brokers can be reached")
    assert finding.endswith("(kit keys makes them), or say that it may be so: clear: true.")


def test_edges_alone_say_it_too(shop: Path) -> None:
    text = "name: t\nactors: {a: {uses: generator}, b: {uses: stdout}}\nconnections: [a -> b]\n"
    (finding,) = told(text, shop)
    assert finding.startswith(
        "network: topology.yaml:3:1: connections: edges can be reached from other machines and have"
    )
    assert told(text + "clear: true\n", shop) == []


def test_a_server_without_a_graph_may_say_it_in_its_own_parameters(shop: Path) -> None:
    text = "name: t\nactors:\n  east: {uses: mdp-broker}\n"
    (finding,) = told(text, shop)
    assert finding.startswith('network: topology.yaml:3:3: actors.east: "east" can be reached')
    assert told(text.replace("mdp-broker", "mdp-broker, params: {clear: true}"), shop) == []


@pytest.mark.parametrize("more", ["clear: true\n", "keys: {secret: topology-keys}\n"])
def test_leave_and_keys_settle_it(shop: Path, more: str) -> None:
    (shop / "secrets" / "topology-keys").write_bytes(msgspec.json.encode(topology_keys.generate()))
    assert told(GRAPH + more, shop) == []


def test_keys_and_leave_to_do_without_contradict_each_other(shop: Path) -> None:
    (shop / "secrets" / "topology-keys").write_bytes(msgspec.json.encode(topology_keys.generate()))
    (finding,) = told(GRAPH + "clear: true\nkeys: {secret: topology-keys}\n", shop)
    assert finding.startswith("topology.yaml:6:1: clear: ")


def test_a_public_port_of_a_broker_in_the_clear_is_a_mistake_for_kit_run_too(shop: Path) -> None:
    (finding,) = told(GRAPH + "broker: {expose: {mdp: {port: 5550, public: true}}}\n", shop)
    assert finding.startswith("topology.yaml:6:1: broker: ")


def test_what_needs_a_network_is_refused_and_the_rest_works(kit: Kit, shop: Path) -> None:
    (shop / "topology.yaml").write_text(GRAPH)
    for command in (("validate", "."), ("render", "compose", ".", "-o", "out"), ("render", "helm", ".", "-o", "out")):
        done = kit(*command, cwd=shop)
        assert done.returncode == 2, command
        assert "topology.yaml:5:1: connections: " in done.stdout + done.stderr
    assert kit("graph", ".", cwd=shop).returncode == 0


@pytest.mark.parametrize(
    ("actors", "more", "place", "words"),
    [
        ("", "broker: {params: {queue_limt: 3}}", "6:19: broker.params.queue_limt", 'Did you mean "queue_limit"?'),
        ("", "broker: {replica: 3}", "6:10: broker.replica", 'Did you mean "replicas"?'),
        ("", "registration: {replicas: 2}", "6:26: registration.replicas", "has one instance"),
        ("", "titanic: {clear: true}", "6:11: titanic.clear", 'there is no key "clear" here'),
        ("", "clear: maybe", "6:8: clear", "Write true or false."),
        ("", "broker: {clear: true}", "6:10: broker.clear", 'there is no key "clear" here'),
        ("  broker: {uses: stdout}\n", "", "5:3: actors.broker", "is the broker's own. Choose another."),
        ("  broker: {uses: mdp-broker}\n", "broker: {}", "5:3: actors.broker", 'there is a section "broker:"'),
        ("  titanic: {uses: stdout}\n", "titanic: {}", "5:3: actors.titanic", "Remove one of them."),
        ("  r: {uses: mdp-registration-service, replicas: 2}\n", "", "5:49: actors.r.replicas", "has one instance"),
        ("  k: {uses: mdp-titanic, replicas: 2}\n", "", "5:36: actors.k.replicas", "has one instance"),
    ],
)
def test_a_mistake_beside_the_graph_is_one_finding_with_its_place(
    shop: Path, actors: str, more: str, place: str, words: str
) -> None:
    found = checked(GRAPH.replace("connections:", f"{actors}connections:") + more + "\n", shop).findings
    (finding,) = map(str, found)
    assert finding.startswith(f"topology.yaml:{place}: ")
    assert words in finding


def test_nothing_is_connected_to_what_stands_beside_the_graph(shop: Path) -> None:
    text = GRAPH.replace("connections: [gen -> ask]", "  b: {uses: mdp-broker}\nconnections: [gen -> ask, gen -> b]")
    (finding,) = map(str, checked(text, shop).findings)
    assert '"b" stands beside the graph: no event goes to it or comes from it.' in finding


def test_two_published_ports_that_are_the_same_are_found_beside_the_graph_too(shop: Path) -> None:
    text = GRAPH + "broker: {expose: {mdp: 5550}}\nregistration: {expose: {mdp: 5550}}\n"
    (finding,) = map(str, checked(text, shop).findings)
    assert 'registration.expose.mdp: port 5550 is published by "broker" already.' in finding


def test_defaults_hold_for_a_broker_that_is_not_written(shop: Path) -> None:
    plan = plan_of(GRAPH + "defaults: {drain_timeout_s: 7}\n", shop)
    assert plan.unit("broker").drain_timeout_s == 7


PROGRAM = """\
from actorkit.director import Director
from actorkit_actors.flow.generator import Generator
from actorkit_actors.mdp.mdp_broker import MDPBroker
from actorkit_actors.mdp.mdp_client import MDPClient

director = Director("program", clear=True)
director.connect_queue(
    director.register_actor(Generator, "gen"), director.register_actor(MDPClient, "ask", service="a")
)
director.register_actor(MDPBroker, "broker", port=7001)
"""


def test_a_broker_of_a_director_is_the_broker_of_its_deployment(kit: Kit, shop: Path) -> None:
    (shop / "app.py").write_text(PROGRAM)
    done = kit("render", "compose", "app.py:director", "-o", "out", cwd=shop)
    assert (done.returncode, done.stderr) == (0, "wrote out\n")
    services = YAML(typ="safe").load((shop / "out" / "compose.yaml").read_text())["services"]
    variables = services["broker"]["environment"]
    assert (variables["ACTORKIT_CLASS"], variables["ACTORKIT_PARAMS"]) == (
        "actorkit.mdp.broker:Broker",
        '{"clear":true}',
    )
    assert services["ask"]["environment"]["ACTORKIT_BROKERS"] == "tcp://broker:5550"
