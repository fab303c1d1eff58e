"""Which deployment is meant, by what the command line says and what runs: real `kit`, and a `kubectl` that tells."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.kit.conftest import Kit
from tests.kit.deploy.test_workloads import workload

#: Tells of workloads, and of one context; whatever else is asked is refused.
KUBECTL = """\
#!/bin/sh
for word in "$@"; do
    case $word in
    deployments,*) cat "$(dirname "$0")/workloads.json"; exit ;;
    current-context) echo lab; exit ;;
    view) printf 'lab shop'; exit ;;
    esac
done
echo "error: refused" >&2
exit 1
"""
#: No engine answers there.
NOWHERE = {"DOCKER_HOST": "unix:///nowhere"}


@pytest.fixture
def cluster(tmp_path: Path, kit: Kit) -> Kit:
    """A `kit` on a machine without an engine, with a cluster that has releases."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").write_text(KUBECTL)
    (tmp_path / "bin" / "kubectl").chmod(0o755)
    has(tmp_path, [])
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def run(*arguments: str) -> Any:
        return kit(*arguments, cwd=tmp_path, PATH=path, **NOWHERE)

    return run


def has(folder: Path, releases: list[str]) -> None:
    found = [workload("web", 1, 1, 1, 1) for _ in releases]
    for one, name in zip(found, releases, strict=True):
        one["metadata"]["labels"]["app.kubernetes.io/instance"] = name
    (folder / "bin" / "workloads.json").write_text(json.dumps({"items": found}))


def test_a_name_that_is_nowhere_is_told_with_what_there_is(cluster: Kit, tmp_path: Path) -> None:
    has(tmp_path, ["orders"])
    done = cluster("history", "other", "-n", "shop")
    assert (done.returncode, done.stderr) == (
        2,
        'kit: "other" is not deployed in the namespace "shop" of the context "lab". '
        'There are: orders (the namespace "shop" of the context "lab").\n',
    )


def test_who_names_a_namespace_means_a_cluster_and_else_everybody_is_asked(cluster: Kit, tmp_path: Path) -> None:
    assert "no Docker Engine" not in cluster("history", "other", "-n", "shop").stderr
    done = cluster("history", "other")
    assert done.returncode == 1
    assert done.stderr.startswith('kit: "other" is not found, and not everybody answers: no Docker Engine answers at ')


def test_a_topology_that_is_installed_several_times_needs_the_release(cluster: Kit, tmp_path: Path) -> None:
    has(tmp_path, ["a", "b"])
    done = cluster("down", "shop", "-t", "helm")
    assert (done.returncode, done.stderr) == (
        2,
        'kit: "shop" is installed several times: a, b. Name the release: -d a\n',
    )
    several = cluster("history", "-t", "helm")
    assert (several.returncode, several.stderr.partition(": a (")[0]) == (2, "kit: there are several deployments")


def test_without_kubectl_a_cluster_is_nobodys_matter_until_it_is_named(kit: Kit, tmp_path: Path) -> None:
    named = kit("status", "orders", "-t", "helm", cwd=tmp_path, PATH=str(tmp_path))
    assert (named.returncode, named.stderr) == (
        1,
        'kit: "orders" is not found, and not everybody answers: there is no "kubectl" command. '
        "Install it, then try again.\n",
    )
    assert "kubectl" not in kit("status", "orders", cwd=tmp_path, PATH=str(tmp_path), **NOWHERE).stderr


def test_a_cluster_that_does_not_answer_is_told_in_one_line(kit: Kit, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: gone\n"
        "clusters: [{name: gone, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "contexts: [{name: gone, context: {cluster: gone, user: gone}}]\nusers: [{name: gone, user: {}}]\n"
    )
    done = kit("status", "orders", "-t", "helm", cwd=tmp_path, KUBECONFIG=str(config))
    if "there is no" in done.stderr:
        pytest.skip("needs the command kubectl")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Look at kubectl config get-contexts; --context names another one." in done.stderr


def test_a_bare_deploy_changes_no_release_that_is_not_here(cluster: Kit, tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("name: shop\nactors: {gen: {uses: generator}}\nclear: true\n")
    has(tmp_path, ["shop"])
    assert "no Docker Engine answers" in cluster("deploy").stderr  # to Docker, as it was never deployed elsewhere
