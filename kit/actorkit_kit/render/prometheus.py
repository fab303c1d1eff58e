"""Prometheus' configuration for a plan: every replica of every unit, found through DNS."""

from __future__ import annotations

from typing import Any, Final

from actorkit_kit.plan.model import ADMIN_PORT, Plan

#: Folder of the configuration inside Prometheus' container.
CONFIG_DIR: Final = "/etc/prometheus"
#: Time between two scrapes, and between two looks at the DNS.
INTERVAL: Final = "5s"


def configuration(plan: Plan) -> dict[str, Any]:
    """The content of prometheus.yml. A name in the DNS lists each replica, so scaling needs no change here."""
    job = {
        "job_name": "actorkit",
        "honor_labels": True,
        "dns_sd_configs": [
            {
                "names": sorted(unit.name for unit in plan.units),
                "port": ADMIN_PORT,
                "refresh_interval": INTERVAL,
                "type": "A",
            }
        ],
        "relabel_configs": [
            {"source_labels": ["__meta_dns_name"], "target_label": "actor"},
            {"target_label": "topology", "replacement": plan.topology},
        ],
    }
    return {
        "global": {"evaluation_interval": INTERVAL, "scrape_interval": INTERVAL, "scrape_timeout": "4s"},
        "rule_files": [f"{CONFIG_DIR}/rules/*.yml"],
        "scrape_configs": [job],
    }
