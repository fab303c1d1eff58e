"""Pages of many pods by way of the cluster's API server: one `kubectl proxy` on a socket that only this user may open.

It may be refused, or a NetworkPolicy may keep the API server from pods; then a page is fetched through a port-forward.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import msgspec

from actorkit.observe.fetch import PATIENCE_S, Page
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import ADMIN_PORT

#: Longest wait for the proxy to listen, in seconds, and the time between two looks.
_START_S: Final = 10.0
_LOOK_S: Final = 0.02
#: What may be asked through it: pages of pods' admin servers, and nothing may be changed.
_PATHS: Final = rf"^/api/v1/namespaces/[^/]+/pods/[^/:]+:{ADMIN_PORT}/proxy/"
_METHODS: Final = "POST,PUT,PATCH,DELETE"
#: Statuses that the API server itself answers with where it cannot reach a pod, or may not.
_FROM_THE_SERVER: Final = (401, 403, 404, 500, 502, 503, 504)


class _Connection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class ApiProxy:
    """Asks pods of one namespace through a proxy that listens at `path`."""

    def __init__(self, path: Path, namespace: str) -> None:
        self._path = path
        self._namespace = namespace

    def fetch(self, pod: str, page: str) -> Page | None:
        """A page of a pod's admin server; None where there is no way to it."""
        connection = _Connection(self._path)
        try:
            connection.request("GET", f"/api/v1/namespaces/{self._namespace}/pods/{pod}:{ADMIN_PORT}/proxy{page}")
            answer = connection.getresponse()
            found = Page(answer.status, answer.read())
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()
        return None if _is_refusal(found) else found


def _is_refusal(page: Page) -> bool:
    """Whether the API server answered, not the pod."""
    if page.status not in _FROM_THE_SERVER:
        return False
    try:
        return msgspec.json.decode(page.body, type=dict[str, object]).get("kind") == "Status"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        # In words, where a pod is not reached: "error trying to reach service: …".
        return page.body.startswith(b"error trying to reach service")


@contextmanager
def serve(cluster: Cluster) -> Iterator[ApiProxy]:
    """A proxy as long as the context is open.

    Raises:
        KitError: it does not start.
    """
    # The path of a socket is short (unix(7)), and the folder its owner's alone.
    with tempfile.TemporaryDirectory(prefix="kit-") as folder, tempfile.TemporaryFile("w+") as said:
        path = Path(folder, "api")
        arguments = ("proxy", f"--unix-socket={path}", f"--accept-paths={_PATHS}", f"--reject-methods={_METHODS}")
        process = subprocess.Popen(
            cluster.kubectl(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        try:
            deadline = time.monotonic() + _START_S
            while not path.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise KitError(f"kubectl proxy does not start: {last_line(said.read())}")
                time.sleep(_LOOK_S)
            yield ApiProxy(path, cluster.names[1])
        finally:
            process.terminate()
            process.wait()
