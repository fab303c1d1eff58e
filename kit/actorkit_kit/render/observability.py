"""What stands beside the actors of a compose deployment: Prometheus, and Grafana with the topology's dashboard.

Prometheus is in the profile `observability`, both are in `dashboards`. Whatever they read is rendered, so neither has
to be set up, and Grafana keeps nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from actorkit_kit.plan.model import Plan
from actorkit_kit.render import alerts, dotenv, mounts, prometheus
from actorkit_kit.render.dashboard import SOURCE, dashboard
from actorkit_kit.render.yamltext import Quoted, dump, header

#: Names of the services.
PROMETHEUS: Final = "prometheus"
GRAFANA: Final = "grafana"
#: Processes and threads that one container may have.
PIDS: Final = 256
#: Open files that one container may have; engines refuse more than their own limit.
OPEN_FILES: Final = 16384
#: What they read: name of the config → path of the file in the folder.
CONFIGS: Final = {
    "grafana-dashboard": "grafana/dashboard.json",
    "grafana-folder": "grafana/folder.yml",
    "grafana-source": "grafana/source.yml",
    "prometheus": "prometheus/prometheus.yml",
    "prometheus-alerts": "prometheus/alerts.yml",
}
#: Where they read it in their containers.
_TARGETS: Final = {
    "grafana-dashboard": "/etc/grafana/dashboards/actorkit.json",
    "grafana-folder": "/etc/grafana/provisioning/dashboards/actorkit.yml",
    "grafana-source": "/etc/grafana/provisioning/datasources/actorkit.yml",
    "prometheus": f"{prometheus.CONFIG_DIR}/prometheus.yml",
    "prometheus-alerts": f"{prometheus.CONFIG_DIR}/rules/alerts.yml",
}
#: Grafana shows, and nobody logs in: it has no password that somebody could forget to change.
_SETTINGS: Final = {
    "GF_ANALYTICS_CHECK_FOR_UPDATES": Quoted("false"),
    "GF_ANALYTICS_REPORTING_ENABLED": Quoted("false"),
    "GF_AUTH_ANONYMOUS_ENABLED": Quoted("true"),
    "GF_AUTH_ANONYMOUS_ORG_ROLE": Quoted("Viewer"),
    "GF_AUTH_BASIC_ENABLED": Quoted("false"),
    "GF_AUTH_DISABLE_LOGIN_FORM": Quoted("true"),
}


def files(plan: Plan) -> dict[str, str]:
    """What they read, by path in the folder."""
    found = {path: header(plan) + dump(content) for path, content in _yaml(plan).items()}
    return {**found, CONFIGS["grafana-dashboard"]: dashboard(plan)}


def _yaml(plan: Plan) -> dict[str, Mapping[str, Any]]:
    source = {"name": "Prometheus", "uid": SOURCE, "type": "prometheus", "url": f"http://{PROMETHEUS}:9090"}
    provider = {"name": "actorkit", "folder": "actorkit", "type": "file"}
    return {
        CONFIGS["grafana-folder"]: {
            "apiVersion": 1,
            "providers": [{**provider, "options": {"path": "/etc/grafana/dashboards"}}],
        },
        CONFIGS["grafana-source"]: {"apiVersion": 1, "datasources": [{**source, "isDefault": True}]},
        CONFIGS["prometheus-alerts"]: alerts.rules(plan),
        CONFIGS["prometheus"]: prometheus.configuration(plan),
    }


def services(plan: Plan, labels: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The services by name; `labels` are those that whatever is of the deployment has."""
    return {
        GRAFANA: {
            **_service(plan, GRAFANA, labels, 3000, "/api/health", "256M"),
            "depends_on": {PROMETHEUS: {"condition": "service_started"}},
            "environment": _SETTINGS,
            "image": Quoted(f"${{GRAFANA_IMAGE:-{dotenv.GRAFANA_IMAGE}}}"),
            "profiles": ["dashboards"],
            "tmpfs": [Quoted("/tmp:mode=1777,size=64m"), Quoted("/var/lib/grafana:mode=1777,size=256m")],
            "user": Quoted("472:0"),
        },
        PROMETHEUS: {
            **_service(plan, PROMETHEUS, labels, 9090, "/-/ready", "512M"),
            "command": [
                Quoted(f"--config.file={prometheus.CONFIG_DIR}/prometheus.yml"),
                Quoted("--storage.tsdb.path=/prometheus"),
                Quoted("--storage.tsdb.retention.time=${PROMETHEUS_RETENTION:-15d}"),
            ],
            "image": Quoted(f"${{PROMETHEUS_IMAGE:-{dotenv.PROMETHEUS_IMAGE}}}"),
            "profiles": ["observability", "dashboards"],
            "tmpfs": [Quoted("/tmp:mode=1777,size=64m")],
            "user": Quoted("65534:65534"),
            "volumes": [{"source": "prometheus", "target": "/prometheus", "type": "volume"}],
        },
    }


def _service(plan: Plan, name: str, labels: Mapping[str, Any], port: int, health: str, memory: str) -> dict[str, Any]:
    """What both have."""
    read = [config for config in CONFIGS if config.startswith(name)]
    kind = {"io.actorkit.files": Quoted(_digest(plan, read)), "io.actorkit.kind": Quoted(name)}
    return {
        "configs": [{"source": config, "target": _TARGETS[config]} for config in read],
        "deploy": {
            "replicas": 1,
            "resources": {
                "limits": {"cpus": Quoted("1"), "memory": Quoted(memory), "pids": PIDS},
                "reservations": {"memory": Quoted("64M")},
            },
        },
        "healthcheck": {
            "interval": "5s",
            "retries": 3,
            "start_interval": "1s",
            "start_period": "30s",
            "test": ["CMD", "wget", "-q", "--spider", Quoted(f"http://127.0.0.1:{port}{health}")],
            "timeout": "3s",
        },
        "labels": dict(sorted({**labels, **kind}.items())),
        "networks": ["data", "edge"],
        "ports": [
            {
                "host_ip": Quoted("127.0.0.1"),
                "protocol": "tcp",
                "published": Quoted(f"${{{name.upper()}_PORT:-{port}}}"),
                "target": port,
            }
        ],
        "stop_grace_period": "30s",
        "ulimits": {"nofile": {"hard": OPEN_FILES, "soft": OPEN_FILES}},
    }


def _digest(plan: Plan, read: Sequence[str]) -> str:
    """A hash of what one reads, as for an actor's files; without headers, which each change of the topology changes."""
    found = {path: dump(content) for path, content in _yaml(plan).items()}
    found[CONFIGS["grafana-dashboard"]] = dashboard(plan)
    content = sorted((path.rpartition("/")[2], found[path]) for path in (CONFIGS[config] for config in read))
    return mounts.digest(mounts.File("", key, "", text.encode()) for key, text in content)
