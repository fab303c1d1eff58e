from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import actorkit
from actorkit.settings import read as read_settings
from actorkit_kit.plan.model import Image, Plan, Port, Unit, Wait, container_addresses, environment
from actorkit_kit.plan.planner import stop_waves
from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import parse
from actorkit_kit.topology.model import DATA_DIR
from tests.kit.plans import ORDERS, plan_of


def waits(plan: Plan, name: str) -> list[Wait]:
    return list(plan.unit(name).waits)


def test_receivers_come_before_senders_and_a_circle_is_broken_at_its_front(shop: Path) -> None:
    plan = plan_of(ORDERS, shop)
    assert waits(plan, "web") == [Wait("auth", healthy=False)]
    assert waits(plan, "auth") == [Wait("to-order", healthy=False)]
    assert waits(plan, "to-order") == [Wait("place", healthy=False)]
    assert waits(plan, "place") == [Wait("broker", healthy=True)]
    assert set(waits(plan, "worker")) == {Wait("execute", healthy=False), Wait("broker", healthy=True)}
    assert waits(plan, "execute") == []
    assert waits(plan, "broker") == []


def test_a_receiver_outside_of_every_circle_must_be_healthy_first(shop: Path) -> None:
    plan = plan_of("name: t\nactors: {gen: {uses: generator}, out: {uses: stdout}}\nconnections: [gen -> out]\n", shop)
    assert waits(plan, "gen") == [Wait("out", healthy=True)]


def test_units_stop_where_events_begin_first_and_the_broker_last(shop: Path) -> None:
    order = [name for wave in stop_waves(plan_of(ORDERS, shop)) for name in wave]
    assert order[0] == "web"
    assert order.index("place") < order.index("worker") < order.index("execute")
    assert order.index("worker") < order.index("broker")


def test_a_topology_that_needs_a_broker_gets_one(shop: Path) -> None:
    plan = plan_of(ORDERS.replace("broker: {replicas: 2}\nclear: true\n", ""), shop)
    (broker,) = plan.of_kind("broker")
    assert (broker.name, broker.replicas, broker.class_path) == ("broker", 1, "actorkit.mdp.broker:Broker")
    assert plan_of(ORDERS, shop).unit("broker").replicas == 2


def test_files_and_secrets_are_mounted_and_the_parameters_point_to_them(shop: Path) -> None:
    plan = plan_of(ORDERS, shop)
    (mount,) = plan.unit("to-order").mounts
    assert (mount.source, mount.target, mount.secret) == (
        shop / "submit.xsl",
        "/etc/actorkit/files/stylesheet-submit.xsl",
        False,
    )
    assert plan.unit("to-order").params == {"stylesheet": {"file": mount.target}}
    (mount,) = plan.unit("auth").mounts
    assert (mount.source, mount.target, mount.secret) == (shop / "secrets/web-users", "/run/secrets/web-users", True)


SHEET = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'


def test_each_file_of_a_folder_is_mounted_and_the_parameter_names_them(shop: Path) -> None:
    (shop / "sheets").mkdir()
    for name in ("b.xsl", "a b.xsl"):
        (shop / "sheets" / name).write_text(SHEET)
    text = ORDERS.replace("{stylesheet: {file: submit.xsl}}", "{chosen_by: sheet, sheets: {folder: sheets}}")
    unit = plan_of(text, shop).unit("to-order")
    assert [mount.source for mount in unit.mounts] == [shop / "sheets" / name for name in ("a b.xsl", "b.xsl")]
    files = unit.params["sheets"]["folder-files"]
    assert list(files.values()) == [mount.target for mount in unit.mounts]
    assert files["b.xsl"] == "/etc/actorkit/files/sheets-b.xsl"
    (finding,) = check(parse(text.replace("folder: sheets", "folder: none"), "t.yaml", shop)).findings
    assert 'params.sheets.folder: there is no folder "none"' in str(finding)


def test_a_secret_from_the_environment_names_its_variable(shop: Path) -> None:
    plan = plan_of(ORDERS + "secrets: {web-users: {env: WEB_USERS}}\n", shop)
    assert [mount.variable for mount in plan.unit("auth").mounts] == ["WEB_USERS"]


def test_images_are_named_after_the_actor_and_users_code_after_the_topology(shop: Path) -> None:
    plan = plan_of(ORDERS, shop)
    version = actorkit.__version__
    assert plan.unit("to-order").image.tag == f"actorkit/xslt:{version}"
    assert plan.unit("to-order").image.extra == "xml"
    assert plan.unit("execute").image.tag == f"orders/execute:{version}"
    assert plan.unit("execute").image.build == shop / "shop"
    assert plan.unit("broker").image.tag == f"actorkit/runtime:{version}"


def test_a_published_port_leads_to_the_parameter_that_holds_it(shop: Path) -> None:
    web = plan_of(ORDERS, shop).unit("web")
    assert web.ports == (Port("http", 8080, 8080, public=False, parameter="port"),)
    assert web.listens == {"port": "host"}
    plan = plan_of(ORDERS.replace("{http: 8080}", "{http: {port: 80, public: true}}"), shop)
    assert (plan.unit("web").ports[0].published, plan.unit("web").ports[0].public) == (80, True)


def test_the_environment_of_every_unit_is_one_that_the_runtime_takes(shop: Path) -> None:
    plan = plan_of(ORDERS, shop)
    addresses = container_addresses(lambda unit: f"orders-{unit}")
    for unit in plan.units:
        settings = read_settings(environment(plan, unit, addresses))
        assert settings.actor == unit.name
        assert json.loads(json.dumps(settings.params)) == unit.params
    settings = read_settings(environment(plan, plan.unit("execute"), addresses))
    assert str(settings.outboxes["worker"][0]) == "tcp://orders-worker:5550#execute"
    assert read_settings(environment(plan, plan.unit("place"), addresses)).brokers == ("tcp://orders-broker:5550",)


@pytest.mark.parametrize(
    "change",
    [
        lambda base: (base / "submit.xsl").write_text((base / "submit.xsl").read_text() + "<!-- new -->"),
        lambda base: (base / "shop/shop/more.py").write_text("X = 1\n"),
        lambda base: (base / "topology.yaml").write_text(ORDERS.replace("replicas: 3", "replicas: 4")),
    ],
)
def test_the_digest_changes_with_all_that_decides_about_the_deployment_and_with_nothing_else(
    shop: Path, tmp_path_factory: pytest.TempPathFactory, change: object
) -> None:
    (shop / "topology.yaml").write_text(ORDERS)
    before = plan_of(ORDERS, shop).digest
    moved = tmp_path_factory.mktemp("moved") / "elsewhere"
    shutil.copytree(shop, moved)
    (moved / "shop/shop/__pycache__").mkdir(exist_ok=True)
    (moved / "shop/shop/__pycache__/actors.pyc").write_bytes(b"junk")
    assert plan_of((moved / "topology.yaml").read_text(), moved).digest == before
    assert callable(change)
    change(moved)
    assert plan_of((moved / "topology.yaml").read_text(), moved).digest != before


BESIDE = """\
name: t
actors:
  gen: {uses: generator}
  ask: {uses: mdp-client, params: {service: a}}
  answer: {uses: mdp-worker, params: {service: a}}
  east: {uses: mdp-broker, replicas: 2}
  west: {uses: mdp-broker, params: {port: 7000}}
connections: [gen -> ask, answer -> answer]
titanic: {}
clear: true
"""


def brokers_of(plan: Plan) -> dict[str, str]:
    variables = {unit.name: environment(plan, unit, container_addresses(lambda name: name)) for unit in plan.units}
    return {name: found["ACTORKIT_BROKERS"] for name, found in variables.items() if "ACTORKIT_BROKERS" in found}


def test_who_needs_a_broker_is_told_of_all_brokers(shop: Path) -> None:
    both = "tcp://east:5550 tcp://west:5550"
    assert brokers_of(plan_of(BESIDE, shop)) == {"ask": both, "answer": both, "titanic": both}


def test_with_a_registration_service_all_meet_there_and_it_starts_first_and_stops_last(shop: Path) -> None:
    plan = plan_of(BESIDE + "registration: {}\n", shop)
    assert brokers_of(plan) == dict.fromkeys(
        ("ask", "answer", "titanic", "east", "west"), "registry+tcp://registration:5550"
    )
    assert waits(plan, "east") == [Wait("registration", healthy=True)]
    assert {wait.unit for wait in waits(plan, "ask")} == {"registration", "east", "west"}
    order = [name for wave in stop_waves(plan) for name in wave]
    assert order.index("ask") < order.index("titanic") < order.index("east") < order.index("registration")
    for unit in plan.units:
        assert read_settings(environment(plan, unit, container_addresses(lambda name: name))).actor == unit.name


def test_two_registration_services_are_both_told_and_asked(shop: Path) -> None:
    two = "".join(f"  {name}: {{uses: mdp-registration-service}}\n" for name in ("one", "two"))
    plan = plan_of(BESIDE.replace("connections:", f"{two}connections:"), shop)
    assert brokers_of(plan)["ask"] == brokers_of(plan)["east"] == "registry+tcp://one:5550 registry+tcp://two:5550"


def test_a_broker_of_a_deployment_binds_its_inbox_and_titanic_keeps_its_folder_on_a_volume(shop: Path) -> None:
    plan = plan_of(BESIDE, shop)
    west, titanic = plan.unit("west"), plan.unit("titanic")
    assert west.params == {"clear": True}
    assert (west.receives, west.begins, west.listens) == (True, False, {})
    assert west.image.tag == f"actorkit/runtime:{actorkit.__version__}"
    assert titanic.keeps == {"folder": "/var/lib/actorkit/data"}
    assert titanic.params == {"folder": "/var/lib/actorkit/data"}
    assert (titanic.receives, titanic.begins, titanic.serves) == (False, False, True)


def with_folder(folder: str) -> str:
    return BESIDE.replace("titanic: {}", f"titanic: {{params: {{folder: {folder}}}}}")


def test_a_folder_that_a_topology_gives_is_the_one_that_is_kept(shop: Path) -> None:
    titanic = plan_of(with_folder("/var/lib/actorkit/data/mine"), shop).unit("titanic")
    assert titanic.params["folder"] == "/var/lib/actorkit/data/mine"
    assert titanic.volumes == {"folder": "/var/lib/actorkit/data"}


def test_several_folders_share_the_volume_at_the_one_that_the_image_has() -> None:
    unit = Unit("a", "actor", "a", "a:A", Image("i"), keeps={"b": f"{DATA_DIR}/b", "a": f"{DATA_DIR}/a", "c": "/c"})
    assert unit.volumes == {"a": DATA_DIR, "c": "/c"}


@pytest.mark.parametrize("folder", ["/srv", "data", "/var/lib/actorkit/data/../x", "/var/lib/actorkit/database"])
def test_a_folder_that_cannot_be_kept_is_a_finding(shop: Path, folder: str) -> None:
    (finding,) = check(parse(with_folder(folder), "t.yaml", shop)).findings
    told = (
        f"titanic.params.folder: '{folder}' cannot be kept: a container has a volume at {DATA_DIR}. Write a folder in"
    )
    assert told in str(finding)
