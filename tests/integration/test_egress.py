"""A way out: what actors reach beside the topology, on a Docker Engine and on a cluster."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests import needs
from tests.integration import shop
from tests.integration.test_cluster import NAMESPACE, forwarded, run
from tests.integration.test_cluster import namespace as namespace  # a fixture
from tests.integration.test_compose import docker, kit_with
from tests.ports import free_port
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

CODE: Final = '''
import urllib.request

from actorkit import Actor, JSONEvent


class Fetch(Actor):
    """Asks an address, and tells whether somebody answered."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        url: str

    def consume(self, event: JSONEvent) -> JSONEvent:
        try:
            with urllib.request.urlopen(self.params.url, timeout=2) as answer:
                return event.replace({"reached": answer.status == 200})
        except OSError:
            return event.replace({"reached": False})
'''

#: Actor → what stands under its `egress`; HOST and PORT are the server's.
EGRESS: Final = {
    "anywhere": "true",
    "block": '["HOST/32:PORT"]',
    "named": '["somewhere.example:PORT"]',
    "other-port": '["HOST/32:1"]',
    "shut": "false",
}


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of an HTTP server on all addresses of this machine."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Answer) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_port
        listening.shutdown()
        thread.join()


def write(folder: Path, name: str, host: str, port: int, front: int) -> Path:
    """A topology in which each actor tells whether it reaches the server."""
    (folder / "code" / "outside").mkdir(parents=True)
    (folder / "code" / "outside" / "__init__.py").touch()
    (folder / "code" / "outside" / "actors.py").write_text(CODE)
    url = f"http://{host}:{port}/"
    lines = [f"name: {name}", "clear: true", "actors:"]
    lines.append(
        f"  web: {{uses: http-server, params: {{routes: [{{path: /<queue>, methods: [POST]}}]}}, "
        f"expose: {{http: {front}}}}}"
    )
    for actor, egress in EGRESS.items():
        lines += [f"  {actor}:", '    uses: "outside.actors:Fetch"', "    build: ./code"]
        lines += [f"    params: {{url: {url!r}}}"]
        lines += [f"    egress: {egress.replace('HOST', host).replace('PORT', str(port))}"]
    lines += ["connections:", *(f"  - web -> {actor} -> web" for actor in EGRESS)]
    topology = folder / "topology.yaml"
    topology.write_text("\n".join(lines) + "\n")
    return topology


def reached(url: str) -> dict[str, bool]:
    """Actor → whether it reached the server."""
    return {actor: _ask(f"{url}/{actor}") for actor in EGRESS}


def _ask(url: str) -> bool:
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bool(json.load(answer)["reached"])


def test_on_compose_only_an_actor_with_egress_gets_out_and_its_destinations_are_not_filtered(
    server: int, tmp_path: Path
) -> None:
    needs.engine()
    gateway = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    front = free_port()
    topology = write(tmp_path, "h-egress", gateway, server, front)
    kit = kit_with()
    try:
        done = kit("deploy", str(topology), "--no-prometheus")
        assert done.returncode == 0, done.stderr
        everybody = dict.fromkeys(EGRESS, True)
        assert reached(f"http://127.0.0.1:{front}") == everybody | {"shut": False}
    finally:
        kit("down", str(topology), "--volumes")


@pytest.mark.cluster
def test_on_a_cluster_only_what_egress_names_is_reached(
    server: int, namespace: Callable[[str], None], tmp_path: Path
) -> None:
    node = run(
        needs.tool("kubectl"),
        "get",
        "nodes",
        "--output",
        "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}",
    )
    topology = write(tmp_path, "h-egress", node, server, 8080)
    kit = kit_with()
    built = kit("build", str(topology), "--output", "json")
    assert built.returncode == 0, built.stderr
    for row in json.loads(built.stdout):
        namespace(row["image"])
    assert kit("render", "helm", str(topology), "-o", str(tmp_path / "chart")).returncode == 0
    helm = [needs.tool("helm"), "--namespace", NAMESPACE]
    run(*helm, "install", "h-egress", str(tmp_path / "chart"), *shop.STORAGE, "--wait", "--timeout", "180s")
    try:
        with forwarded("service/h-egress-web-http", 8080) as url:
            wanted = {"anywhere": True, "block": True, "named": True, "other-port": False, "shut": False}
            until(lambda: reached(url) == wanted, "each actor reaches what its egress names", 60)
            assert reached(url) == wanted
    finally:
        run(*helm, "uninstall", "h-egress", "--wait")
