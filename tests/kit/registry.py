"""A registry of images on this machine, for tests."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests import needs
from tests.fleet import Process
from tests.ports import free_port
from tests.until import until


@contextmanager
def running_registry(folder: Path) -> Iterator[str]:
    """A registry of the CNCF's distribution project, which keeps its blobs in a folder: host:port."""
    address = f"127.0.0.1:{free_port()}"
    storage = {"filesystem": {"rootdirectory": str(folder / "blobs")}}
    configuration = {"version": 0.1, "storage": storage, "http": {"addr": address}, "log": {"level": "error"}}
    (folder / "config.yml").write_text(json.dumps(configuration))
    command = [needs.tool("docker-registry"), "serve", str(folder / "config.yml")]
    with Process({}, folder / "log.txt", command=command) as process:
        until(lambda: not process.alive or status(address, "/v2/") == 200, "the registry answers")
        assert process.alive, process.said()
        yield address


def status(address: str, path: str) -> int:
    """The status that a registry answers with; 0 while nobody answers."""
    kinds = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    with closing(http.client.HTTPConnection(address, timeout=5)) as connection:
        try:
            connection.request("HEAD", path, headers={"Accept": kinds})
        except OSError:
            return 0
        return connection.getresponse().status
