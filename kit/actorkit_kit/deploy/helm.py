"""The helm target on a Kubernetes cluster: installed, upgraded, taken back, ended. Its history is helm's own."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actorkit_kit.deploy import pods, workloads
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.workloads import Rollout
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.instance import ActorStatus
from actorkit_kit.kit_folder import place_in
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import folder, helm

OnStatus = Callable[[Sequence[ActorStatus]], None]

#: What helm calls a revision that runs, or ran.
_RAN: Final = ("deployed", "superseded")
#: How helm's word begins for a revision that is not done.
_PENDING: Final = "pending-"
#: Seconds between two looks at the pods.
_LOOK_S: Final = 1.0
#: For so long, in seconds, a pod may be stuck before the deployment is given up: a registry may hiccup.
_PATIENCE_S: Final = 8.0
#: For so long, in seconds, pods that never came up may finish what they hold.
_GONE_S: Final = 120.0
#: Longest wait for helm to end that was told to give up, in seconds.
_GIVE_UP_S: Final = 15.0


@dataclass(frozen=True)
class Revision:
    """A revision of a release, as helm keeps it. `state` is helm's word; `description` says what made it."""

    number: int
    time: str
    state: str
    description: str

    @property
    def ran(self) -> bool:
        return self.state in _RAN


def chart_folder(plan: Plan) -> Path:
    """Where the chart of a deployment is kept: beside the topology."""
    return place_in(plan.base, f"{plan.topology}-helm")


def write_chart(plan: Plan) -> Path:
    """Render the chart to where it is kept.

    Raises:
        KitError: what it holds cannot be read, or the folder cannot be written.
    """
    where = chart_folder(plan)
    folder.write(helm.render(plan), where, helm.PRIVATE)
    return where


def chart_arguments(plan: Plan, where: Path, *, ephemeral: bool) -> list[str]:
    """What brings a release to what a chart says, for `helm`. `ephemeral`: what actors keep ends with their pods."""
    return ["upgrade", "--install", plan.topology, str(where), *chart_options(ephemeral=ephemeral)]


def chart_options(*, ephemeral: bool) -> list[str]:
    """The values that the cluster asks for."""
    return ["--set=storage.ephemeral=true"] if ephemeral else []


@dataclass
class Installer:
    """Brings one release to another state, or leaves it as it was."""

    cluster: Cluster
    release: str
    timeout_s: float
    on_status: OnStatus
    tell: Callable[[str], None]
    #: Leave a failed state as it is.
    keep: bool = False

    def install(self, arguments: Sequence[str], image_hint: str = "") -> str:
        """Install or upgrade the release, and wait until every pod is ready; helm's notes. `image_hint` says what helps
        where an image cannot be had.

        A release that does not come up is taken back to the revision that ran, or uninstalled where none did.

        Raises:
            KitError: there is no helm, or the release did not come up; the message says which pod, why, and what runs
                now.
        """
        rows = history(self.cluster, self.release, missing_ok=True)
        ran = last_that_ran(rows)
        if rows and rows[-1].state.startswith(_PENDING):
            raise KitError(_pending(self.release, rows[-1], ran))
        create = ["--create-namespace"] if self.cluster.namespace else []
        try:
            return self._run(f"helm upgrade --install {self.release}", [*arguments, *create])
        except KitError as exc:
            hint = f" {image_hint}" if "Image" in str(exc) and image_hint else ""
            if self.keep:
                raise KitError(f"{exc}{hint}") from exc
            raise KitError(f"{exc}{hint}\n{self._take_back(ran)}") from exc

    def _take_back(self, ran: Revision | None) -> str:
        """Bring back what ran, or nothing; a sentence that says so."""
        if ran is None:
            self.tell("taking it back")
            try:
                uninstall(self.cluster, self.release, max(self.timeout_s, _GONE_S))
            except KitError as exc:
                return f"The release could not be uninstalled again: {exc}"
            return "The release was uninstalled again; --keep leaves it for a look."
        self.tell(f"going back to revision {ran.number}, which ran before")
        try:
            return self.roll_back(ran.number)
        except KitError as exc:
            return f"Revision {ran.number}, which ran before, could not be put back: {exc}"

    def roll_back(self, number: int) -> str:
        """Go back to a revision, and wait until every pod is ready; a sentence that says so.

        Raises:
            KitError: it did not come up; the message says which pod, and why.
        """
        # It is never cut short: helm would leave the release as one that is being rolled back.
        self._run(f"helm rollback {self.release} {number}", ["rollback", self.release, str(number)], patient=True)
        return f"Revision {number} of {self.release} was put back, and is healthy."

    def _run(self, what: str, arguments: Sequence[str], *, patient: bool = False) -> str:
        """Have helm change the release, and watch its pods meanwhile; what helm wrote. `patient`: to the end of its
        time, also where a pod is stuck.

        Raises:
            KitError: it failed, or a pod is stuck; the message says which pod, and why.
        """
        before = self._rollout()
        whole = [*arguments, "--wait", f"--timeout={self.timeout_s:g}s", *_conflicts(self.cluster)]
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            command = self.cluster.helm_command(*whole)
            process = subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
            try:
                stuck = self._watch(process, before, patient=patient)
            finally:
                _give_up(process)
            out.seek(0)
            errors.seek(0)
            said, complaint = out.read().strip(), errors.read()
        found = self._rollout()
        if process.returncode == 0:
            self.on_status(found.actors())
            return said
        known = {pod.uid for pod in before.pods}
        ill = pods.first_ill([pod for pod in found.pods if pod.uid not in known] or found.pods)
        why = stuck or (pods.failure_report(self.cluster, ill) if ill else "")
        raise KitError(
            f"{what} failed: {'a pod cannot start' if stuck else _complaint(complaint)}" + (f"\n{why}" if why else "")
        )

    def _watch(self, process: subprocess.Popen[str], before: Rollout, *, patient: bool) -> str:
        """Show the state until helm has ended, and end it when a pod is stuck; the report of that one, else ""."""
        since: dict[str, float] = {}
        old = {pod.uid for pod in before.pods}
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
            found = self._rollout()
            if found.versions != before.versions:
                self.on_status(found.actors())
            stuck = [pod for pod in found.pods if pod.stuck and pod.uid not in old]
            since = {pod.uid: since.get(pod.uid, time.monotonic()) for pod in stuck}
            for pod in stuck if not patient else ():
                if pod.crashed or time.monotonic() - since[pod.uid] > _PATIENCE_S:
                    report = pods.failure_report(self.cluster, pod)
                    _give_up(process)
                    return report
        return ""

    def _rollout(self) -> Rollout:
        return workloads.find_rollout(self.cluster, self.release)


def _pending(release: str, last: Revision, ran: Revision | None) -> str:
    """What is said where a release is being changed, or a helm that was killed has left it so."""
    way_out = f"kit rollback {ran.number} -d {release}" if ran else f"kit down {release}"
    return (
        f'"{release}" is being changed: its revision {last.number} is {last.state} since {last.time}. Wait until that '
        f"has ended; where nobody is at it any more, say {way_out}, and deploy again."
    )


def _give_up(process: subprocess.Popen[str]) -> None:
    """End helm so that it notes the release as failed; by force where it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_GIVE_UP_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _complaint(errors: str) -> str:
    said = last_line(errors).removeprefix("Error: ")
    return said.removeprefix("UPGRADE FAILED: ").removeprefix("INSTALLATION FAILED: ")


def history(cluster: Cluster, release: str, *, missing_ok: bool = False) -> list[Revision]:
    """The revisions of a release, the last one last; empty for none where that may be.

    Raises:
        KitError: there is no such release, or no cluster answers.
    """
    done = cluster.helm("history", release, "--output=json", "--max=256")
    if done.returncode:
        if missing_ok and "not found" in done.stderr:
            return []
        raise KitError(f"helm history {release} failed: {last_line(done.stderr)}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return [Revision(int(row["revision"]), row["updated"], row["status"], row["description"]) for row in found]


def last_that_ran(rows: Sequence[Revision], before: int | None = None) -> Revision | None:
    """The last revision that came up, or the last of those before another one."""
    found = [row for row in rows if row.ran and (before is None or row.number < before)]
    return max(found, key=lambda row: row.number, default=None)


def find_revision(rows: Sequence[Revision], number: int | None) -> Revision:
    """The revision of that number; without one, the last that ran before the present one.

    Raises:
        UsageError: there is none.
    """
    found = last_that_ran(rows, before=rows[-1].number if rows else 0)
    if number is not None:
        found = next((row for row in rows if row.number == number), None)
    if found is None:
        raise UsageError(
            f"there is no such revision to go back to. There are: {', '.join(str(row.number) for row in rows)}."
        )
    return found


def uninstall(cluster: Cluster, release: str, timeout_s: float) -> None:
    """Uninstall a release, and wait until its pods have finished what they hold and are gone.

    Raises:
        KitError: helm could not, or a pod is still there.
    """
    done = cluster.helm("uninstall", release, "--wait", f"--timeout={timeout_s:g}s")
    if done.returncode:
        raise KitError(f"helm uninstall {release} failed: {last_line(done.stderr)}")
    selector = f"--selector={pods.RELEASE_LABEL}={release},{pods.TOPOLOGY_LABEL}"
    cluster.change(
        f"not every pod of {release} is gone", "wait", "--for=delete", "pods", selector, f"--timeout={timeout_s:g}s"
    )


def _conflicts(cluster: Cluster) -> list[str]:
    """For Helm 4, what takes back a number of replicas that kubectl has set."""
    return [] if cluster.helm("version", "--short").stdout.startswith("v3") else ["--force-conflicts"]
