"""What docs/limits.md says of the HTTP server and of documents is what the code does."""

from __future__ import annotations

from actorkit.event import xml_json
from actorkit.params import parameters_of
from actorkit.transport import tcp
from actorkit_actors.http import budget, connection, guard, media, parser
from actorkit_actors.http.http_server import HTTPServer
from tests.places import ROOT


def rows() -> dict[str, str]:
    """First cell → second cell of every table row."""
    lines = (ROOT / "docs" / "limits.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: row[1] for row in cells}


def default(name: str) -> int:
    [parameter] = [one for one in parameters_of(HTTPServer.Params) if one.name == name]
    return int(float(str(parameter.default)))


def test_the_limits_of_the_http_server_are_those_of_the_code() -> None:
    found = rows()
    assert found["body"] == f"`max_body_bytes`: {default('max_body_bytes') >> 20} MiB, and three quarters of the budget"
    fields = f"{parser.MAX_HEADERS} fields, `max_header_bytes`: {default('max_header_bytes') >> 10} KiB"
    assert found["headers; trailers"] == fields
    assert found["`Content-Type`, `Accept`"] == f"{media.MAX_HEADER_LENGTH:,} characters"
    assert found["fields of a query or form, parts of a form with files"] == f"{media.MAX_FIELDS:,}"
    assert found["form without files"] == f"{media.MAX_FORM_BYTES >> 20} MiB"
    assert found["what the kernel keeps of an answer"] == f"{tcp.SEND_BUFFER_BYTES >> 10} KiB"
    assert found["requests that wait for an answer"].startswith(f"`max_requests`: {default('max_requests'):,};")
    assert found["time for a request to come, pause of a connection"] == "`idle_timeout_s`: 60 s"
    small = budget.SMALL_BYTES >> 10
    assert found["a body that comes"].startswith(
        f"{connection.PROGRESS_BYTES >> 10} KiB a second, {guard.SMALL_STUCK_S:g} s for one up to {small} KiB"
    )
    assert (connection.PROGRESS_BYTES >> 10, guard.STUCK_S) == (64, 1.0)
    charsets = found["charset"].split(", ")
    assert set(charsets) == {name for name in media.CHARSETS.values() if not name.startswith("utf-16")} | {"utf-16"}
    assert f"at most {budget.MOST_CONNECTIONS:,}" in found["open connections"]
    assert (128 << 20) // budget.CONNECTIONS_SHARE // budget.CONNECTION_BYTES == 1024
    assert (budget.SHARE, budget.LEAST_BYTES, budget.MOST_BYTES) == (4, 8 << 20, 1 << 30)
    behind = "requests behind one that is not answered"
    assert found[behind] == f"{parser.MAX_PIPELINED}; none while others need their memory"


def test_the_limits_of_documents_are_those_of_the_code() -> None:
    found = rows()
    assert found["depth of XML"] == str(xml_json.MAX_DEPTH)
    assert found["attributes of one element"] == str(xml_json.MAX_ATTRIBUTES)
    assert found["namespaces declared around one place"] == str(xml_json.MAX_NAMESPACES)
