"""The orders example, start to end: `python examples/orders/demo.py` (that is `make demo`).

Runs the topology as local processes, sends an order with the right and with a wrong password, shows both answers and
the metrics that count them, and stops everything.
"""

from __future__ import annotations

import base64
import io
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

TOPOLOGY = Path(__file__).with_name("topology.yaml")
ORDER = b"<order><customer>ACME</customer><item>tea</item><total>12.50</total></order>"
USER, PASSWORD = "alice", "wonderland"
#: Longest wait for an answer, and for the end of everything, in seconds.
ANSWER_TIMEOUT_S, STOP_TIMEOUT_S = 30, 60

#: What is shown of the metrics: actor, and how the lines begin.
METRICS = (
    ("auth", "actorkit_events_in_total"),
    ("auth", "actorkit_events_failed_total"),
    ("execute", "actorkit_events_in_total"),
)


def main() -> int:
    """Run the demonstration; the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a pipe shows each line when it is written, as a terminal does
    command = [sys.executable, "-m", "actorkit_kit", "run", str(TOPOLOGY), "-o", "json", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as kit:
        try:
            line = kit.stdout.readline() if kit.stdout else ""
            if not line:
                return kit.wait() or 1
            actors = {row["actor"]: row for row in json.loads(line)["actors"]}
            print("running:", ", ".join(f"{name} x{row['replicas']}" for name, row in actors.items()), "\n")
            return show(actors, kit)
        finally:
            if kit.poll() is None:
                kit.kill()


def show(actors: dict[str, dict[str, list[str]]], kit: subprocess.Popen[str]) -> int:
    """Send the orders, show the answers and the metrics, stop; the exit status."""
    url = actors["web"]["urls"][0] + "/auth"
    right = send(url, PASSWORD)
    wrong = send(url, "not " + PASSWORD)
    print("what the metrics say:")
    for name, prefix in METRICS:
        for admin in actors[name]["admin"]:
            print_metrics(admin, prefix)
    kit.send_signal(signal.SIGTERM)
    status = kit.wait(STOP_TIMEOUT_S)
    print(f"\nstopped with status {status}")
    return status if (right, wrong) == (200, 401) else 1


def send(url: str, password: str) -> int:
    """POST the order and print the answer; its HTTP status."""
    credentials = base64.b64encode(f"{USER}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/xml"}
    request = urllib.request.Request(url, data=ORDER, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read()
    print(f'POST {url} as {USER} with the password "{password}"\n  {status} {body.decode().strip()}\n')
    return int(status)


def print_metrics(admin: str, prefix: str) -> None:
    """Print the samples that begin so and are not zero."""
    with urllib.request.urlopen(f"{admin}/metrics", timeout=ANSWER_TIMEOUT_S) as page:
        for sample in page.read().decode().splitlines():
            if sample.startswith(prefix) and not sample.endswith(" 0.0"):
                print(f"  {sample}")


if __name__ == "__main__":
    sys.exit(main())
