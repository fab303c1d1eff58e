"""What `kit deploy --target helm` would change: the manifest of the release, beside what its chart would make now."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from actorkit_kit.deploy import helm, preview, storage, workloads
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.pods import ACTOR_LABEL, CONTAINER
from actorkit_kit.deploy.preview import Change, Preview
from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import folder
from actorkit_kit.render.helm import PRIVATE, render
from actorkit_kit.render.yamltext import dump, load_all

#: Objects of a release by kind and name: `Deployment orders-web`.
Objects = Mapping[str, Mapping[str, Any]]

#: Kinds that make pods.
_WORKLOADS: Final = ("Deployment", "StatefulSet")


def look(plan: Plan, cluster: Cluster) -> Preview:
    """What would change. Nothing is written, here or in the cluster.

    Raises:
        KitError: there is no helm, or the cluster does not answer.
    """
    release = plan.topology
    before = _manifest(cluster, release)
    ephemeral = storage.ends_with_its_pod(plan, cluster)
    with tempfile.TemporaryDirectory(prefix="kit-plan-") as place:
        folder.write(render(plan), Path(place), PRIVATE)
        options = helm.chart_options(ephemeral=ephemeral)
        upgrade = ["--is-upgrade"] if before else []
        # The cluster is asked what it knows: PodMonitors, for example.
        told = cluster.helm("template", release, place, "--dry-run=server", "--no-hooks", *upgrade, *options)
    if told.returncode:
        raise KitError(f"helm template {release} failed: {last_line(told.stderr)}")
    after = _objects(told.stdout)
    rollout = workloads.find_rollout(cluster, release)
    counts = {f"{_kind(one.kind)} {one.name}": one.wanted for one in rollout.workloads}
    whole = _actors(before) ^ _actors(after)
    changes = [
        change
        for name in dict.fromkeys((*before, *after))
        if _is_workload(name) or _actor_of(after.get(name) or before[name]) not in whole
        for change in _object(name, before, after, counts)
    ]
    return Preview(preview.in_order(changes), preview.diff_of(_texts(before), _texts(after)))


def _actors(objects: Objects) -> set[str]:
    """The actors that have pods. What else there is of one that comes or goes, goes without saying."""
    return {_actor_of(one) for name, one in objects.items() if _is_workload(name)}


def _actor_of(one: Mapping[str, Any]) -> str:
    return str(one["metadata"].get("labels", {}).get(ACTOR_LABEL, ""))


def _is_workload(name: str) -> bool:
    return name.startswith(_WORKLOADS)


def _manifest(cluster: Cluster, release: str) -> Objects:
    """What the release is made from; nothing where there is none.

    Raises:
        KitError: helm does not tell.
    """
    done = cluster.helm("get", "manifest", release)
    if done.returncode and "not found" not in done.stderr:
        raise KitError(f"helm get manifest {release} failed: {last_line(done.stderr)}")
    return _objects(done.stdout)


def _objects(manifest: str) -> dict[str, Mapping[str, Any]]:
    found = (one for one in load_all(manifest) if one)
    return {f"{one['kind']} {one['metadata']['name']}": one for one in found}


def _kind(name: str) -> str:
    """A kind as manifests write it."""
    return next(kind for kind in _WORKLOADS if kind.lower() == name)


def _object(name: str, before: Objects, after: Objects, counts: Mapping[str, int]) -> Iterator[Change]:
    """What becomes of one object; of a workload, what becomes of its pods."""
    old, new = before.get(name), after.get(name)
    one: Mapping[str, Any] = new or old or {}
    if _is_workload(name):
        yield from _workload(_actor_of(one), old, new, counts.get(name))
    elif old != new:
        action: preview.Action = "new" if old is None else "gone" if new is None else "changed"
        yield Change(name, action, tuple(_reasons(old, new)))


def _workload(
    actor: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, count: int | None
) -> Iterator[Change]:
    if old is None or new is None:
        there = new or old or {}
        amount = preview.instances(there["spec"].get("replicas", 1) if count is None else count)
        yield Change(actor, "gone" if new is None else "new", (amount,))
        return
    if old["spec"]["template"] != new["spec"]["template"]:
        yield Change(actor, "replaced", tuple(_pod_reasons(old["spec"]["template"], new["spec"]["template"])))
    wanted = new["spec"].get("replicas")
    # Who scales by himself leaves the number out, and an autoscaler has it then.
    if wanted is not None and count is not None and count != wanted:
        yield Change(actor, "scaled", (f"{count} → {preview.instances(wanted)}",))
    if told := tuple(preview.differences(_rest(old), _rest(new))):
        yield Change(actor, "changed", told)


def _rest(workload: Mapping[str, Any]) -> dict[str, Any]:
    """What of a workload is neither its pods nor their number."""
    return {key: value for key, value in workload["spec"].items() if key not in _TOLD}


#: What of a workload is told in other words.
_TOLD: Final = ("template", "replicas")


def _pod_reasons(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for told in preview.differences(old, new):
        if told.startswith("metadata.annotations.checksum/"):
            # A file or a secret that is mounted; the object that holds it is told of as well.
            yield f"what it mounts ({told.partition('/')[2].partition(':')[0]})"
        else:
            yield told.replace(f"spec.containers.{CONTAINER}.", "").replace("image: ", "image ", 1)


def _reasons(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[str]:
    if old is not None and new is not None:
        yield from preview.differences(_without_secrets(old), _without_secrets(new))


def _without_secrets(one: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object as it may be shown: of each secret a hash that tells whether it is the same."""
    if one["kind"] != "Secret":
        return one
    shown = {key: preview.hidden(base64.b64decode(text)).strip() for key, text in (one.get("data") or {}).items()}
    shown |= {key: preview.hidden(text.encode()).strip() for key, text in (one.get("stringData") or {}).items()}
    return {**{key: value for key, value in one.items() if key != "stringData"}, "data": shown}


def _texts(objects: Objects) -> dict[str, str]:
    """Objects as they are compared, each as the text of a file."""
    return {f"{name.replace(' ', '/')}.yaml": dump(_without_secrets(one)) for name, one in objects.items()}
