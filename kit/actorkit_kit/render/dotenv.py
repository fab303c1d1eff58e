"""The settings of a compose deployment: `.env.example`, and the names of the variables that move published ports."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Final

from actorkit_kit.plan.model import Plan
from actorkit_kit.render.yamltext import header

#: The image of Prometheus.
PROMETHEUS_IMAGE: Final = "prom/prometheus:v3.5.0"
#: The image of Grafana.
GRAFANA_IMAGE: Final = "grafana/grafana:12.0.0"


def port_variables(plan: Plan) -> dict[tuple[str, str], str]:
    """(unit, port) → the variable in `.env` that moves the port: `WEB_HTTP_PORT`.

    Ports that would have the same one, as `c` of `a-b` and `b-c` of `a`, get a hash of both names at its end.
    """
    ports = [(unit.name, port.name) for unit in plan.units for port in unit.ports]
    taken = Counter(_variable(*port) for port in ports)
    return {port: _variable(*port) if taken[_variable(*port)] == 1 else _unique_name(*port) for port in ports}


def _variable(unit: str, port: str) -> str:
    return f"{unit}_{port}_port".upper().replace("-", "_")


def _unique_name(unit: str, port: str) -> str:
    """A name that no other port has: `_PORT`, with which all others end, stands inside of it."""
    return f"{_variable(unit, port)}_{hashlib.sha256(f'{unit}/{port}'.encode()).hexdigest()[:6].upper()}"


def env_example(plan: Plan) -> str:
    """Every setting with its default, as a comment."""
    settings: dict[str, tuple[str, str]] = {
        "ACTORKIT_LOG_FORMAT": ("json", "`text` or `json`"),
        "ACTORKIT_LOG_LEVEL": ("info", "`debug`, `info`, `warning` or `error`"),
        "CONSOLE_PORT": ("9601", "port on this host where the console answers, with --profile console"),
        "GRAFANA_IMAGE": (GRAFANA_IMAGE, "the image of Grafana"),
        "GRAFANA_PORT": ("3000", "port on this host where Grafana answers, with --profile dashboards"),
        "PROMETHEUS_IMAGE": (PROMETHEUS_IMAGE, "the image of Prometheus"),
        "PROMETHEUS_PORT": ("9090", "port on this host where Prometheus answers, with --profile observability"),
        "PROMETHEUS_RETENTION": ("15d", "how long Prometheus keeps what it scraped"),
    }
    variables = port_variables(plan)
    for unit in plan.units:
        for port in unit.ports if unit.replicas == 1 else ():
            meaning = f"port on this host of {unit.name}'s {port.name}"
            settings[variables[unit.name, port.name]] = (str(port.published), meaning)
    lines = [f"# {meaning}\n#{name}={default}\n" for name, (default, meaning) in sorted(settings.items())]
    return header(plan, "Copy this to .env and take the # away from what you change.") + "\n" + "\n".join(lines)
