"""What docs/limits.md says of basic-auth is what the code does."""

from __future__ import annotations

from actorkit_actors.auth import basic_auth, budget, checks, failures, hashes, remembered
from tests.places import ROOT


def test_the_limits_of_basic_auth_are_those_of_the_code() -> None:
    section = (ROOT / "docs" / "limits.md").read_text().partition("## basic-auth\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    found = {row[0]: row[1] for row in rows}
    assert f"beside {budget.ACTOR_BYTES >> 20} MiB" in found["hashes that are computed at a time"]
    assert found["logins that wait for a hash"] == str(checks.MOST_WAITING)
    assert found["names and addresses with wrong logins"] == f"{failures.MOST:,} of each"
    assert found["right passwords that are remembered"] == f"{remembered.MOST_REMEMBERED:,}"
    assert found["memory of one hash"] == f"{hashes.MAX_HASH_BYTES >> 20} MiB"
    params = basic_auth.BasicAuth.Params(users="a:b")
    assert found["wrong logins for one name"].startswith(f"`failures_per_name`: {params.failures_per_name}, ")
    assert found["wrong logins for one name"].endswith(f": {params.failure_interval_s:g} s")
    assert found["wrong logins from one address"].startswith(f"`failures_per_address`: {params.failures_per_address}, ")
