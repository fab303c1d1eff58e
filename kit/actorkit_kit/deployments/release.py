"""What runs on Kubernetes: a release of Helm, found by its labels in one namespace."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from actorkit.observe.fetch import Page, fetch
from actorkit.transport.endpoint import Endpoint
from actorkit_kit.console import note
from actorkit_kit.deploy import helm, pods, workloads
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.log_lines import LogLine
from actorkit_kit.deploy.pods import ACTOR_LABEL, CONTAINER, RELEASE_LABEL, TOPOLOGY_LABEL, Pod
from actorkit_kit.deploy.workloads import Rollout, Workload, read_workload
from actorkit_kit.deployments import api_proxy, pod_logs
from actorkit_kit.deployments.deployment import OnStatus, PastRevision, State, no_instance, no_token
from actorkit_kit.deployments.forward import forward_port
from actorkit_kit.deployments.pages import Pages
from actorkit_kit.deployments.work import with_work
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.free_ports import LOOPBACK
from actorkit_kit.instance import BROKER_CLASS, InstanceStatus
from actorkit_kit.plan.model import ADMIN_PORT, INBOX_PORT, TOKEN_VARIABLE
from actorkit_kit.remote import brokers, dead_letters
from actorkit_kit.remote.brokers import Brokers, BrokersApart, BrokersTogether
from actorkit_kit.remote.dead_letters import DeadLetterBox
from actorkit_kit.render import console
from actorkit_kit.target import Target

#: The component of the console; no actor's name begins with a digit.
_CONSOLE: Final = "0-console"
#: Seconds between two looks at pods that are to become healthy.
_LOOK_S: Final = 1.0


@dataclass(frozen=True)
class Release:
    """A release of a chart of ours. `name` is helm's, `topology` that of what it was made from."""

    cluster: Cluster
    name: str
    topology: str
    target: Target = Target.HELM

    @property
    def where(self) -> str:
        return self.cluster.where

    @property
    def _selector(self) -> str:
        return f"--selector={RELEASE_LABEL}={self.name},{TOPOLOGY_LABEL}"

    def _rollout(self) -> Rollout:
        return workloads.find_rollout(self.cluster, self.name)

    def state(self) -> State:
        """How its pods are: by what the cluster says, and by what each says of itself."""
        found = self.cluster.get(f"{workloads.KINDS},pods,services", self._selector)
        rollout, urls = workloads.read_rollout(found), _urls(found)
        with self.pages() as pages:
            mute = pages.get("/readyz", [pod.name for pod in rollout.pods if pod.mute])
            told = [replace(pod, why=mute[pod.name].text) if pod.name in mute else pod for pod in rollout.pods]
            work = pages.get("/scale", [pod.name for pod in rollout.pods if pod.healthy])
        seen = replace(rollout, pods=tuple(told))
        instances = with_work([pod.instance() for pod in told], work, {pod.name for pod in told if _is_broker(pod)})
        return State(tuple(seen.actors(urls)), tuple(_with_urls(instances, urls)))

    def logs(self, actors: Sequence[str], tail: int, *, follow: bool) -> Iterator[LogLine]:
        """Their lines, by `kubectl logs`; with `follow` those of pods that come later too."""
        return pod_logs.read_logs(self.cluster, self.name, actors, tail, follow=follow)

    def scale(self, wanted: Mapping[str, int], timeout_s: float, on_status: OnStatus) -> None:
        """What `kubectl scale` does; helm's next upgrade by `kit deploy` takes the number back."""
        there = {workload.actor: workload for workload in self._rollout().workloads}
        self._check_scale(wanted, there)
        for actor, amount in sorted(wanted.items()):
            reference = there[actor].reference
            self.cluster.change(f'"{actor}" cannot be scaled', "scale", reference, f"--replicas={amount}")
        self._wait(wanted, timeout_s, on_status)

    def _check_scale(self, wanted: Mapping[str, int], there: Mapping[str, Workload]) -> None:
        scaled = {
            str(one["spec"].get("scaleTargetRef", {}).get("name")): one["metadata"]["name"]
            for one in self.cluster.get("horizontalpodautoscalers")
        }
        for actor in wanted:
            if actor not in there:
                raise UsageError(f'"{self.name}" has no actor "{actor}". It has: {", ".join(sorted(there))}.')
            if scaler := scaled.get(there[actor].name):
                raise UsageError(
                    f'"{actor}" has as many pods as the autoscaler "{scaler}" says. Change scale: in the topology, '
                    "and deploy again."
                )

    def _wait(self, wanted: Mapping[str, int], timeout_s: float, on_status: OnStatus) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            found = self._rollout()
            on_status([row for row in found.actors() if row.actor in wanted])
            if all(workload.settled for workload in found.workloads if workload.actor in wanted):
                return
            ill = pods.first_ill(pod for pod in found.pods if pod.actor in wanted)
            if time.monotonic() > deadline or (ill and ill.stuck):
                why = f"\n{pods.failure_report(self.cluster, ill)}" if ill else ""
                raise KitError(f"not every pod is healthy after {timeout_s:g} s; a longer --timeout may help.{why}")
            time.sleep(_LOOK_S)

    def history(self) -> list[PastRevision]:
        """Helm's own, revisions that failed included."""
        return [
            PastRevision(row.number, row.time, row.state, row.description)
            for row in helm.history(self.cluster, self.name)
        ]

    def roll_back(self, number: int | None, timeout_s: float, on_status: OnStatus) -> str:
        """What `helm rollback` does; it becomes a revision of its own."""
        chosen = helm.find_revision(helm.history(self.cluster, self.name), number)
        installer = helm.Installer(self.cluster, self.name, timeout_s, on_status, lambda text: note(f"kit: {text}"))
        return installer.roll_back(chosen.number)

    def down(self, timeout_s: float, *, volumes: bool) -> None:
        """What `helm uninstall` does; with `volumes` the claims of what its actors kept go as well."""
        helm.uninstall(self.cluster, self.name, timeout_s)
        if volumes:
            claims = ("persistentvolumeclaims", f"--selector={RELEASE_LABEL}={self.name}")
            self.cluster.change("its volumes cannot be deleted", "delete", *claims, f"--timeout={timeout_s:g}s")

    def brokers(self) -> Brokers:
        """Its brokers, each asked inside its own pod: no pod may reach another one's broker but its own peers."""
        found = [pod for pod in pods.list_pods(self.cluster, self.name) if _is_broker(pod)]
        running = [pod for pod in found if pod.healthy or pod.mute]
        if not found:
            raise brokers.no_broker(self.name)
        if not running:
            states = ", ".join(f"{pod.name} is {pod.health}" for pod in found)
            raise KitError(f'no broker of "{self.name}" runs: {states}. See: kit status {self.name}')
        endpoint = str(Endpoint.tcp(LOOPBACK, INBOX_PORT))
        return BrokersApart(
            tuple(
                BrokersTogether(
                    {pod.name: endpoint}, pod.variables.get(brokers.KEYS, ""), self._inside(pod, brokers.MODULE)
                )
                for pod in running
            )
        )

    def dead_letters(self, *, alive: bool) -> DeadLetterBox:  # the box itself says who does not run
        """The box, reached inside its pod."""
        found = [pod for pod in pods.list_pods(self.cluster, self.name) if dead_letters.VARIABLE in pod.variables]
        running = [pod for pod in found if pod.healthy or pod.mute]
        if not found:
            raise dead_letters.no_box(self.name)
        if not running:
            raise KitError(f"the dead-letter box does not run: {pods.failure_report(self.cluster, found[0])}")
        return DeadLetterBox(self._inside(running[0], dead_letters.MODULE))

    def _inside(self, pod: Pod, module: str) -> tuple[str, ...]:
        """What runs a module in a pod, with this process's input."""
        where = ("exec", "--stdin", pod.name, f"--container={CONTAINER}", "--", "python", "-m", module)
        return tuple(self.cluster.kubectl(*where))

    @contextmanager
    def pages(self) -> Iterator[Pages]:
        """Asks the pods by way of the API server, and through a port-forward where that has no way to them."""
        with api_proxy.serve(self.cluster) as proxy:

            def ask(name: str, path: str) -> Page | None:
                found = proxy.fetch(name, path)
                if found is not None:
                    return found
                try:
                    with forward_port(self.cluster, name, ADMIN_PORT) as address:
                        return fetch(address, path)
                except KitError:
                    return None

            yield Pages(ask)

    @contextmanager
    def admin(self, instance: str) -> Iterator[str]:
        """A port-forward to the pod."""
        there = [pod.name for pod in pods.list_pods(self.cluster, self.name)]
        if instance not in there:
            raise no_instance(self.name, instance, there)
        with forward_port(self.cluster, instance, ADMIN_PORT) as address:
            yield address

    @contextmanager
    def console(self) -> Iterator[str]:
        """A port-forward to its pod."""
        found = self.cluster.get("pods", f"--selector={RELEASE_LABEL}={self.name},{ACTOR_LABEL}={_CONSOLE}")
        if not found:
            todo = f"Give it one: helm upgrade {self.name} CHART --reuse-values --set console.enabled=true"
            raise UsageError(f'"{self.name}" has no console. {todo}')
        with forward_port(self.cluster, found[0]["metadata"]["name"], console.PORT) as address:
            yield f"http://{address}"

    def token(self, instance: str) -> str:
        """What stands in the pod's file, read by a command inside of it."""
        found = {pod.name: pod for pod in pods.list_pods(self.cluster, self.name)}
        if instance not in found:
            raise no_instance(self.name, instance, list(found))
        path = found[instance].variables.get(TOKEN_VARIABLE)
        if not path:
            raise no_token(instance)
        inside = ("exec", instance, f"--container={CONTAINER}", "--", "cat", path)
        return self.cluster.change(f'the token of "{instance}" cannot be read', *inside)


def _is_broker(pod: Pod) -> bool:
    return pod.variables.get("ACTORKIT_CLASS") == BROKER_CLASS


def _urls(found: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Where the published ports of each actor are reached: at a load balancer's address, else inside the cluster."""
    urls: dict[str, list[str]] = {}
    for one in found:
        ports = one.get("spec", {}).get("ports", ()) if one["kind"] == "Service" else ()
        if any(port.get("name") == "inbox" for port in ports):
            continue
        outside = one.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
        metadata = one["metadata"]
        hosts = [each.get("hostname") or each.get("ip", "") for each in outside]
        hosts = hosts or [f"{metadata['name']}.{metadata['namespace']}"]
        actor = metadata.get("labels", {}).get(ACTOR_LABEL, "?")
        urls.setdefault(actor, []).extend(f"http://{host}:{port['port']}" for host in hosts for port in ports)
    return urls


def _with_urls(instances: Iterable[InstanceStatus], urls: Mapping[str, Sequence[str]]) -> Iterator[InstanceStatus]:
    for instance in instances:
        yield replace(instance, urls=tuple(urls.get(instance.actor, ())))


def find_releases(cluster: Cluster) -> list[Release]:
    """The releases of our charts in a namespace, sorted by name.

    Raises:
        KitError: there is no kubectl, or the cluster does not tell.
    """
    found = [read_workload(one) for one in cluster.get(workloads.KINDS, f"--selector={TOPOLOGY_LABEL}")]
    names = sorted({(workload.release, workload.topology) for workload in found})
    return [Release(cluster, release, topology) for release, topology in names]
