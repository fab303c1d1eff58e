"""The targets: what a topology becomes, and what then runs it."""

from __future__ import annotations

from enum import StrEnum


class Target(StrEnum):
    """`kit run`, a Docker Engine, or a release on Kubernetes."""

    LOCAL = "local"
    COMPOSE = "compose"
    HELM = "helm"
