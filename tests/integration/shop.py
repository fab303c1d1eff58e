"""The orders example as its users have it: a copy of it, orders over HTTP, and what Prometheus says."""

from __future__ import annotations

import base64
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.places import ORDERS

ORDER: Final = b"<order><customer>ACME</customer><item>tea</item><total>12.50</total></order>"
#: For helm: a cluster of tests may have no storage, where a claim stays pending.
STORAGE: Final = ("--set", "storage.ephemeral=true")
#: Texts of the example's own actor, and what makes coroutines of it.
COROUTINE: Final = {
    "from decimal import": "import asyncio\nfrom decimal import",
    "    def consume(": """\
    async def setup(self) -> None:
        self.server = await asyncio.start_server(self.serve, "localhost", 0)
        self.line = await asyncio.open_connection(*self.server.sockets[0].getsockname()[:2])
        self.turn = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
        writer.close()

    async def teardown(self) -> None:
        self.line[1].close()
        self.server.close()

    async def consume(""",
    "        booking = event.data\n": """\
        booking = event.data
        async with self.turn:
            self.line[1].write(b"asked\\n")
            assert await self.line[0].readline() == b"ASKED\\n"
""",
}
USER, PASSWORD = "alice", "wonderland"


def copy(folder: Path, name: str, **changes: str) -> Path:
    """A copy of the example under another name; `changes` are texts of the topology to replace."""
    shutil.copytree(ORDERS, folder, ignore=shutil.ignore_patterns("__pycache__", ".kit"))
    topology = folder / "topology.yaml"
    text = topology.read_text().replace("name: orders\n", f"name: {name}\n", 1)
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    topology.write_text(text)
    return topology


def make_coroutine(topology: Path) -> None:
    """Have the example's own actor ask an asyncio server, over a connection that it keeps, before it books an order."""
    code = topology.parent / "shop" / "shop" / "actors.py"
    text = code.read_text()
    for old, new in COROUTINE.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    code.write_text(text)


def order(url: str, password: str = PASSWORD, timeout_s: float = 30) -> tuple[int, str]:
    """Send an order; status and body of the answer."""
    token = base64.b64encode(f"{USER}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/xml"}
    request = urllib.request.Request(f"{url}/auth", data=ORDER, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def orders(url: str, count: int) -> Counter[int]:
    """Send orders, eight at a time; status → how often it came."""
    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(lambda _number: order(url)[0], range(count)))


def ask(prometheus: str, query: str) -> list[dict[str, Any]]:
    """The series that answer a query."""
    url = f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found


def metric(admin: str, name: str) -> float:
    """The sum of a metric's samples at an instance's admin server."""
    with urllib.request.urlopen(f"{admin}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))


def targets(prometheus: str) -> list[dict[str, Any]]:
    """What Prometheus scrapes."""
    with urllib.request.urlopen(f"{prometheus}/api/v1/targets?state=active", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["activeTargets"]
        return found


def rules(prometheus: str) -> set[str]:
    """Names of the rules that Prometheus has loaded."""
    with urllib.request.urlopen(f"{prometheus}/api/v1/rules", timeout=10) as answer:
        return {rule["name"] for group in json.load(answer)["data"]["groups"] for rule in group["rules"]}
