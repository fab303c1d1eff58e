"""How the processes of `kit run` are: what each says of itself."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from actorkit.observe import scale
from actorkit_kit.instance import BROKER_CLASS, InstanceStatus
from actorkit_kit.local.state import published_urls, running_processes

#: Longest wait for a process to say how it is, in seconds.
PATIENCE_S: Final = 2.0
#: Processes that are asked at a time.
AT_A_TIME: Final = 16


def local_instances(base: Path, topology: str) -> list[InstanceStatus]:
    """The instances that `kit run` runs, each with what its `/readyz` says; an empty list when it does not run.

    Raises:
        KitError: what `kit run` wrote cannot be read.
    """
    urls = published_urls(base, topology)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = pool.map(_instance, running_processes(base, topology))
        return [replace(one, urls=tuple(urls.get(one.name, ()))) for one in found]


#: Asks without the proxy that the environment may name: what is asked is on this machine.
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _instance(variables: Mapping[str, str]) -> InstanceStatus:
    health, why = _readiness(variables["ACTORKIT_ADMIN"])
    found = InstanceStatus(variables["ACTORKIT_ACTOR"], variables["ACTORKIT_INSTANCE"], health, why)
    told = scale.ask(variables["ACTORKIT_ADMIN"]) if health == "healthy" else None
    return found.with_work(told or {}, is_broker=variables["ACTORKIT_CLASS"] == BROKER_CLASS)


def _readiness(admin: str) -> tuple[str, str]:
    """Whether the instance is healthy, and why not."""
    try:
        with _DIRECTLY.open(f"http://{admin}/readyz", timeout=PATIENCE_S):
            return "healthy", ""
    except urllib.error.HTTPError as error:
        with error:
            return "unhealthy", error.read().decode(errors="replace").strip() or "not ready"
    except TimeoutError:
        return "unhealthy", "its loop hangs: the admin server does not answer"
    except OSError as exc:
        return "down", f"nobody answers at {admin} ({exc}); kit run starts it again, and tells how it ended"
