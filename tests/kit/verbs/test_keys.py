"""`kit keys`, and a topology with keys."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from actorkit.transport import topology_keys
from actorkit_kit.plan.model import container_addresses, environment
from tests.kit.conftest import Kit
from tests.kit.plans import plan_of

TOPOLOGY = """
name: t
actors: {gen: {uses: generator}, out: {uses: stdout}}
connections: [gen -> out]
keys: {secret: topology-keys}
"""


def test_a_pair_is_written_once_and_for_its_owner_only(kit: Kit, tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "topology-keys"
    made = kit("keys", str(file))
    assert (made.returncode, made.stderr) == (0, f"wrote {file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    pair = topology_keys.read(file)
    assert pair.secret_key not in made.stdout + made.stderr
    again = kit("keys", str(file))
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "is there already" in again.stderr
    assert topology_keys.read(file) == pair


def test_every_unit_reads_the_keys_from_a_secret(kit: Kit, shop: Path) -> None:
    kit("keys", "secrets/topology-keys", cwd=shop)
    plan = plan_of(TOPOLOGY, shop)
    for unit in plan.units:
        variables = environment(plan, unit, container_addresses(lambda name: name))
        assert variables["ACTORKIT_KEYS"] == "/run/secrets/topology-keys"
        assert [(mount.name, mount.target, mount.secret) for mount in unit.mounts] == [
            ("topology-keys", "/run/secrets/topology-keys", True)
        ]


def test_keys_that_are_no_pair_are_found_with_their_line(kit: Kit, shop: Path) -> None:
    (shop / "topology.yaml").write_text(TOPOLOGY)
    missing = kit("validate", "topology.yaml", cwd=shop)
    assert missing.returncode == 2
    assert 'topology.yaml:5:16: keys.secret: the secret "topology-keys" has no file' in missing.stdout
    pairs = [topology_keys.generate() for _ in range(2)]
    content = {"public_key": pairs[0].public_key, "secret_key": pairs[1].secret_key}
    (shop / "secrets" / "topology-keys").write_text(json.dumps(content))
    wrong = kit("validate", "topology.yaml", cwd=shop)
    assert wrong.returncode == 2
    assert 'keys.secret: the secret "topology-keys" is of no use: its two keys are no pair' in wrong.stdout
    assert pairs[1].secret_key not in wrong.stdout + wrong.stderr
