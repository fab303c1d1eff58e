"""A rendered chart goes through the ways in which charts are published, and is the same at their end."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest
from ruamel.yaml import YAML

from actorkit_kit.render import folder, helm
from tests import needs
from tests.kit.render.chart_docs import CHART
from tests.kit.render.goldens import orders
from tests.kit.render.test_helm import run

#: Who signs in these tests.
SIGNER: Final = "orders@example.com"


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder.write(helm.render(orders()), tmp_path / "chart", helm.PRIVATE)
    return tmp_path / "chart"


def manifests(chart: Path) -> str:
    done = run(needs.tool("helm"), "template", "orders", str(chart))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", ["helm3", "helm4"])
def test_a_chart_comes_out_of_a_registry_as_it_went_in(
    command: str, chart: Path, registry: str, tmp_path: Path
) -> None:
    command, home = needs.tool(command), f"oci://{registry}/charts/orders"
    packed = run(command, "package", str(chart), "--version", "1.2.3", "--destination", str(tmp_path))
    assert packed.returncode == 0, packed.stderr
    pushed = run(command, "push", str(tmp_path / "actorkit-1.2.3.tgz"), home, "--plain-http")
    assert pushed.returncode == 0, pushed.stderr
    arguments = ("--version", "1.2.3", "--plain-http", "--untar", "--untardir", str(tmp_path / "pulled"))
    pulled = run(command, "pull", f"{home}/actorkit", *arguments)
    assert pulled.returncode == 0, pulled.stderr
    again = manifests(tmp_path / "pulled" / "actorkit")
    assert again == manifests(chart).replace("actorkit-0.1.0", "actorkit-1.2.3")


def test_a_signed_chart_is_verified_and_a_changed_one_refused(chart: Path, tmp_path: Path) -> None:
    gpg, helm_command = needs.tool("gpg"), needs.tool("helm3")
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}
    made = ("--batch", "--passphrase", "", "--quick-generate-key", SIGNER, "rsa2048", "sign")
    subprocess.run([gpg, *made], env=environment, check=True, capture_output=True)
    keys = tmp_path / "keys.gpg"
    exported = ("--batch", "--passphrase", "", "--pinentry-mode", "loopback", "--export-secret-keys")
    keys.write_bytes(subprocess.run([gpg, *exported], env=environment, check=True, capture_output=True).stdout)
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)
    signing = ("--sign", "--key", SIGNER, "--keyring", str(keys), "--destination", str(tmp_path))
    signed = run(helm_command, "package", str(chart), *signing)
    assert signed.returncode == 0, signed.stderr
    package = tmp_path / "actorkit-0.1.0.tgz"
    assert run(helm_command, "verify", str(package), "--keyring", str(keys)).returncode == 0
    package.write_bytes(package.read_bytes() + b"x")
    assert run(helm_command, "verify", str(package), "--keyring", str(keys)).returncode != 0


def test_the_chart_says_what_a_catalogue_shows() -> None:
    told = YAML(typ="safe").load((CHART / "Chart.yaml").read_text())
    assert told["maintainers"][0]["name"]
    assert told["annotations"]["artifacthub.io/license"] == told["annotations"]["licenses"]
    kind, _, picture = told["icon"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(picture).startswith(b"<svg ")
