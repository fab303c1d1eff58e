"""The compose target: the whole text, the judges' verdict, and each promise of the file."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Mount, Plan, Port
from actorkit_kit.render import compose, folder
from tests import needs
from tests.kit.render.goldens import GENERATED, GOLDEN, orders, rendered

#: What stands beside the actors.
BESIDE = ("grafana", "prometheus")


def parsed(plan: Plan | None = None) -> dict[str, Any]:
    """compose.yaml as a reader that knows merge keys has it."""
    document: dict[str, Any] = YAML(typ="safe").load(str(rendered("compose", plan)["compose.yaml"]))
    return document


def actors(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in document["services"].items() if name not in BESIDE}


@pytest.fixture
def on_disk(tmp_path: Path) -> Path:
    folder.write(rendered("compose"), tmp_path, compose.PRIVATE)
    return tmp_path


@pytest.mark.parametrize("name", GENERATED["compose"])
def test_the_orders_example_renders_to_the_golden_files(name: str) -> None:
    assert rendered("compose")[name] == (GOLDEN / "compose" / name).read_text()


def test_the_same_topology_renders_to_the_same_bytes_whatever_the_order_of_its_units() -> None:
    plan = orders()
    assert rendered("compose", replace(plan, units=plan.units[::-1])) == rendered("compose", plan)


@pytest.mark.parametrize(
    "profile", [(), ("--profile", "observability"), ("--profile", "dashboards"), ("--profile", "console")]
)
def test_docker_compose_takes_the_file_without_a_word(on_disk: Path, profile: tuple[str, ...]) -> None:
    command = [needs.tool("docker"), "compose", *profile, "config", "--quiet"]
    done = subprocess.run(command, cwd=on_disk, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_file_follows_the_schema_of_the_compose_specification(on_disk: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(on_disk / "compose.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_promtool_takes_the_configuration_and_the_alerts(on_disk: Path) -> None:
    promtool = needs.tool("promtool")
    for what in (["config", "--syntax-only", "prometheus.yml"], ["rules", "alerts.yml"]):
        command = [promtool, "check", *what]
        done = subprocess.run(command, cwd=on_disk / "prometheus", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_container_is_locked_down() -> None:
    for name, service in parsed()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] in ("10001:10001", "65534:65534", "472:0"), name
        assert service["tmpfs"][0] == "/tmp:mode=1777,size=64m", name
        assert service["init"] is True, name
        assert service["restart"] == "unless-stopped", name
        assert service["stop_signal"] == "SIGTERM", name
        assert service["ulimits"]["nofile"]["hard"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert service["logging"]["options"]["max-size"], name
        assert {"interval", "retries", "start_interval", "start_period", "test", "timeout"} == set(
            service["healthcheck"]
        )
        forbidden = {"build", "container_name", "links", "network_mode", "privileged", "platform", "env_file"}
        assert not forbidden & set(service), name


def test_a_container_has_more_time_to_stop_than_its_drain_takes() -> None:
    document = parsed()
    for unit in orders().units:
        assert float(document["services"][unit.name]["stop_grace_period"].rstrip("s")) > unit.drain_timeout_s


def test_only_what_is_published_leaves_the_internal_network() -> None:
    document = parsed()
    assert document["networks"]["data"]["internal"] is True
    for name, service in document["services"].items():
        assert "data" in service["networks"]
        assert ("edge" in service["networks"]) == ("ports" in service), name
    published = {name for name, service in document["services"].items() if "ports" in service}
    assert published == {"web", "console", *BESIDE}


def test_a_port_is_bound_to_this_machine_unless_it_is_public() -> None:
    plan = orders()
    web = plan.unit("web")
    port = parsed()["services"]["web"]["ports"][0]
    assert port == {"host_ip": "127.0.0.1", "protocol": "tcp", "published": "${WEB_HTTP_PORT:-8080}", "target": 8080}
    public = replace(web, ports=tuple(replace(port, public=True) for port in web.ports))
    units = tuple(public if unit is web else unit for unit in plan.units)
    assert "host_ip" not in parsed(replace(plan, units=units))["services"]["web"]["ports"][0]


def test_replicas_of_a_published_actor_have_a_port_each() -> None:
    plan = orders()
    web = replace(plan.unit("web"), replicas=3, ports=(Port("http", 8080, 8080),))
    units = tuple(web if unit.name == "web" else unit for unit in plan.units)
    assert parsed(replace(plan, units=units))["services"]["web"]["ports"][0]["published"] == "8080-8082"


def test_senders_wait_for_receivers_and_only_the_broker_restarts_those_who_need_it() -> None:
    document = parsed()
    for unit in orders().units:
        depends = document["services"][unit.name].get("depends_on", {})
        assert set(depends) == {wait.unit for wait in unit.waits}
        for wait in unit.waits:
            condition = "service_healthy" if wait.healthy else "service_started"
            assert depends[wait.unit]["condition"] == condition
            assert depends[wait.unit].get("restart", False) == (wait.unit == "broker")


def test_values_of_variables_are_strings_that_compose_does_not_interpolate() -> None:
    plan = orders()
    web = replace(plan.unit("web"), environment_extra={"PRICE": "$5 ${HOME}", "FLAG": "yes"})
    units = tuple(web if unit.name == "web" else unit for unit in plan.units)
    environment = parsed(replace(plan, units=units))["services"]["web"]["environment"]
    assert environment["PRICE"] == "$$5 $${HOME}"
    assert environment["FLAG"] == "yes"
    assert environment["ACTORKIT_LOG_LEVEL"] == "${ACTORKIT_LOG_LEVEL:-info}"


def test_a_log_setting_of_the_topology_wins_over_the_shared_one() -> None:
    plan = orders()
    web = replace(plan.unit("web"), environment_extra={"ACTORKIT_LOG_LEVEL": "debug"})
    units = tuple(web if unit.name == "web" else unit for unit in plan.units)
    assert parsed(replace(plan, units=units))["services"]["web"]["environment"]["ACTORKIT_LOG_LEVEL"] == "debug"


def test_files_are_configs_and_secrets_are_secrets_in_a_folder_of_their_owner(on_disk: Path) -> None:
    document = parsed()
    (config,) = document["services"]["to-order"]["configs"]
    source = document["configs"][config["source"]]["file"]
    assert (on_disk / source).read_bytes() == next(iter(orders().unit("to-order").mounts)).source.read_bytes()
    assert document["services"]["auth"]["secrets"] == [{"source": "web-users", "target": "/run/secrets/web-users"}]
    assert (on_disk / "secrets").stat().st_mode & 0o777 == 0o700
    assert (on_disk / "secrets" / "web-users").stat().st_mode & 0o777 == 0o644


def test_a_changed_file_changes_the_label_that_replaces_its_container_and_no_other(tmp_path: Path) -> None:
    plan = orders()
    sheet = tmp_path / "other.xsl"
    sheet.write_text("<other/>")
    unit = plan.unit("to-order")
    changed = replace(unit, mounts=tuple(replace(mount, source=sheet) for mount in unit.mounts))
    after = parsed(replace(plan, units=tuple(changed if other is unit else other for other in plan.units)))
    different = {name for name, service in parsed()["services"].items() if service != after["services"][name]}
    assert different == {"to-order"}


def test_a_secret_may_come_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = orders()
    mount = Mount("web-users", Path(), "/run/secrets/web-users", secret=True, variable="WEB_USERS")
    auth = replace(plan.unit("auth"), mounts=(mount,))
    changed = replace(plan, units=tuple(auth if unit.name == "auth" else unit for unit in plan.units))
    monkeypatch.setenv("WEB_USERS", "alice:x")
    assert rendered("compose", changed)["secrets/web-users"] == b"alice:x"
    monkeypatch.delenv("WEB_USERS")
    with pytest.raises(KitError, match='"web-users" is in the variable WEB_USERS, which is not set'):
        rendered("compose", changed)


def test_prometheus_finds_every_unit_by_its_name() -> None:
    configuration = YAML(typ="safe").load(str(rendered("compose")["prometheus/prometheus.yml"]))
    (discovery,) = configuration["scrape_configs"][0]["dns_sd_configs"]
    assert discovery["names"] == sorted(unit.name for unit in orders().units)
    assert (discovery["type"], discovery["port"]) == ("A", 9600)
    service = parsed()["services"]["prometheus"]
    assert service["profiles"] == ["observability", "dashboards"]
    assert service["image"] == "${PROMETHEUS_IMAGE:-prom/prometheus:v3.5.0}"


def test_services_and_variables_stand_in_alphabetical_order() -> None:
    document = parsed()
    assert list(document["services"]) == sorted(document["services"])
    for service in actors(document).values():
        own = [name for name in service["environment"] if name not in document["x-environment"]]
        assert own == sorted(own)


def test_writing_again_leaves_what_is_the_users_and_takes_what_is_gone(on_disk: Path) -> None:
    (on_disk / ".env").write_text("WEB_HTTP_PORT=9\n")
    (on_disk / "compose.override.yaml").write_text("services: {}\n")
    stale = on_disk / "files" / "gone" / "old.xsl"
    stale.parent.mkdir()
    stale.write_text("")
    before = (on_disk / "compose.yaml").stat().st_mtime_ns
    folder.write(rendered("compose"), on_disk, compose.PRIVATE)
    assert (on_disk / ".env").read_text() == "WEB_HTTP_PORT=9\n"
    assert (on_disk / "compose.override.yaml").exists()
    assert not stale.parent.exists()
    assert (on_disk / "compose.yaml").stat().st_mtime_ns == before


def test_the_console_answers_on_this_machine_and_only_where_it_is_asked_for() -> None:
    service = parsed()["services"]["console"]
    assert service["profiles"] == ["console"]
    (port,) = service["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "${CONSOLE_PORT:-9601}", 9601)
    assert "io.actorkit.topology" not in service["labels"]


def test_the_console_asks_every_actor_by_its_name() -> None:
    plan = json.loads(rendered("compose")["console/plan.json"])
    asked = {actor["name"]: actor["admin"] for actor in plan["actors"]}
    assert asked == {unit.name: [f"{unit.name}:9600"] for unit in orders().units}
    kept = {actor.get("letters", "") for actor in plan["actors"] if actor.get("kind", "actor") == "actor"}
    assert kept <= {"", "dead-letters"}
