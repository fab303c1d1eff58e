"""`python -m actorkit.mdp.cli`: ask a service once, or brokers for their services. `kit` runs it.

Runs where the brokers can be reached. One BrokerQuery (msgpack) on stdin, one CallResult or a list of BrokerReports on
stdout.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from actorkit.errors import EX_CONFIG, UNREADABLE, ActorkitError, SettingsError
from actorkit.mdp.broker.mmi import ServiceReport
from actorkit.mdp.client.client import Client
from actorkit.mdp.directory.discovery import Discovery
from actorkit.mdp.errors import NoAnswer, ServiceFailed
from actorkit.transport import topology_keys
from actorkit.transport.endpoint import REGISTRY
from actorkit.transport.keys import ClientKeys

#: Longest time to ask one broker about itself, in seconds.
ASK_TIMEOUT_S: Final = 3.0

#: How a line on standard error begins that tells people something at once, and is no mistake.
FOR_PEOPLE: Final = "note: "

#: How a call ended: answered; the service failed; nobody took the request; it was taken and not answered in time.
End: TypeAlias = Literal["answered", "failed", "untaken", "unanswered"]


class BrokerQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to do: call `service`, or without one, ask every broker for its services. `keys`: a file with CURVE keys."""

    #: Name for people → endpoint; `registry+` endpoints are looked up.
    brokers: dict[str, str]
    service: str = ""
    body: list[bytes] = []
    timeout_s: float = ASK_TIMEOUT_S
    keys: str = ""
    #: Whether the brokers are actorkit's, and take a note of how long the caller waits.
    notes: bool = True


class CallResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended; `status` is that of the error, as in HTTP."""

    end: End
    body: list[bytes] = []
    error: str = ""
    status: int = 200


class BrokerReport(msgspec.Struct, frozen=True, kw_only=True):
    """The services of one broker; `error` says why they are not known."""

    broker: str
    services: dict[str, ServiceReport] = {}
    error: str = ""


def main() -> int:
    """Do what the query on stdin says; returns the exit status: 0, or EX_CONFIG with one line on standard error."""
    try:
        query = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=BrokerQuery)
        keys = read_keys(Path(query.keys)) if query.keys else None
    except UNREADABLE as exc:
        print(f"actorkit: the query on stdin cannot be read: {exc}", file=sys.stderr)  # noqa: T201  # a command's output
        return EX_CONFIG
    except SettingsError as exc:
        print(f"actorkit: {exc}", file=sys.stderr)  # noqa: T201  # a command's output
        return EX_CONFIG
    found = call(query, keys) if query.service else services(query, keys)
    sys.stdout.buffer.write(msgspec.msgpack.encode(found))
    return 0


def read_keys(path: Path) -> ClientKeys:
    """Read the keys of a client: the topology's pair, or a pair of the client's own beside the broker's `server_key`.

    Raises:
        SettingsError: the file holds neither.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ClientKeys)
    except (OSError, *UNREADABLE):
        return topology_keys.read(path).client


def call(query: BrokerQuery, keys: ClientKeys | None) -> CallResult:
    """Ask the service once, through whichever broker is there. That it has no worker is said at once, on stderr."""
    client = Client(list(query.brokers.values()), headers=query.notes, keys=keys)
    is_mmi = query.service.startswith("mmi.")
    until = time.monotonic() + query.timeout_s
    try:
        if query.notes and not is_mmi and _is_unknown(client, query, keys):
            waits = f"waits {query.timeout_s:g} s for one. {_there_are(client.brokers, query, keys)}"
            print(f'{FOR_PEOPLE}nobody answers for "{query.service}" now; {waits}', file=sys.stderr, flush=True)  # noqa: T201
        body = client.call(query.service, query.body, timeout_s=max(0.001, until - time.monotonic()))
        return CallResult(end="answered", body=body)
    except ServiceFailed as exc:
        return CallResult(end="failed", error=exc.message, status=exc.status)
    except NoAnswer as exc:
        if is_mmi or _has_worker(client.brokers, query, keys):
            return CallResult(end="unanswered", error=exc.message, status=exc.status)
        error = f'no worker is registered for "{query.service}" at {", ".join(client.brokers) or "any broker"}'
        return CallResult(end="untaken", error=error, status=503)
    except ActorkitError as exc:
        return CallResult(end="untaken", error=exc.message, status=exc.status)
    finally:
        client.close()


def _is_unknown(client: Client, query: BrokerQuery, keys: ClientKeys | None) -> bool:
    """Whether no broker knows a worker of the service. The first one is asked by the client that is about to call."""
    timeout_s = min(query.timeout_s / 2, ASK_TIMEOUT_S)
    try:
        if client.call("mmi.service", [query.service.encode()], timeout_s=timeout_s) != [b"404"]:
            return False
    except NoAnswer:
        return False
    return len(client.brokers) == 1 or not _has_worker(client.brokers, query, keys)


def _there_are(addresses: list[str], query: BrokerQuery, keys: ClientKeys | None) -> str:
    """Which services have workers, in words."""
    reports = [_report(address, address, query, keys) for address in addresses]
    names = {name for report in reports for name, found in report.services.items() if found.workers}
    return f"Services: {', '.join(sorted(names))}." if names else "No service has a worker."


def _has_worker(addresses: list[str], query: BrokerQuery, keys: ClientKeys | None) -> bool:
    """Whether any broker knows a worker of the service, or does not tell."""
    for address in addresses:
        try:
            if _ask(address, "mmi.service", query.service.encode(), query, keys) != [b"404"]:
                return True
        except ActorkitError:
            return True
    return False


def services(query: BrokerQuery, keys: ClientKeys | None) -> list[BrokerReport]:
    """Ask every broker behind every endpoint for its services."""
    discovery = Discovery(keys=keys)
    found = []
    for name, endpoint in query.brokers.items():
        addresses = discovery.addresses(endpoint)
        if not addresses:
            found.append(BrokerReport(broker=name, error=f"no broker is known at {endpoint}"))
        only = len(addresses) == 1 and not endpoint.startswith(REGISTRY)
        reports = [_report(name if only else address, address, query, keys) for address in addresses]
        answered = [report for report in reports if not report.error]
        # Only one of the two addresses of localhost has somebody behind it.
        found += answered if answered and "//localhost:" in endpoint else reports
    return found


def _report(name: str, address: str, query: BrokerQuery, keys: ClientKeys | None) -> BrokerReport:
    try:
        answer = _ask(address, "mmi.workers", b"", query, keys)
        return BrokerReport(broker=name, services=msgspec.json.decode(b"".join(answer), type=dict[str, ServiceReport]))
    except ActorkitError as exc:
        return BrokerReport(broker=name, error=exc.message)
    except UNREADABLE:
        told = b" ".join(answer).decode(errors="replace")
        return BrokerReport(broker=name, error=f'it does not list its services: it answered "{told}"')


def _ask(address: str, service: str, argument: bytes, query: BrokerQuery, keys: ClientKeys | None) -> list[bytes]:
    client = Client([address], headers=query.notes, keys=keys)
    try:
        return client.call(service, [argument], timeout_s=min(query.timeout_s, ASK_TIMEOUT_S))
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(main())
