"""The settings of a compose deployment: variables of ports, and dollar signs that no variable is meant by."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from actorkit_kit.render import compose, dotenv, folder
from tests import needs
from tests.kit.plans import plan_of

#: `b-c` of `a` and `c` of `a-b` would both be moved by A_B_C_PORT.
TOPOLOGY = """\
name: ports
actors:
  a: {uses: http-server, params: {routes: [{path: /, methods: [GET], outbox: out}]}, expose: {b-c: 8001}}
  a-b: {uses: http-server, params: {routes: [{path: /, methods: [GET], outbox: out}]}, expose: {c: 8002}}
  web: {uses: http-server, params: {routes: [{path: /, methods: [GET], outbox: out}]}, expose: {http: 8003}}
  out: {uses: "null"}
connections: [a.out -> out, a-b.out -> out, web.out -> out]
clear: true
"""


def configured(where: Path, **variables: str) -> dict[str, Any]:
    """The services as compose understands them."""
    command = [needs.tool("docker"), "compose", "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def published(services: dict[str, Any]) -> dict[str, str]:
    return {name: service["ports"][0]["published"] for name, service in services.items() if "ports" in service}


def test_two_ports_never_have_one_variable(tmp_path: Path) -> None:
    plan = plan_of(TOPOLOGY, tmp_path)
    names = dotenv.port_variables(plan)
    assert names["web", "http"] == "WEB_HTTP_PORT"
    assert len(set(names.values())) == 3
    where = tmp_path / "out"
    folder.write(compose.render(plan), where, compose.PRIVATE)
    assert published(configured(where)) == {"a": "8001", "a-b": "8002", "web": "8003"}
    moved = configured(where, **{names["a-b", "c"]: "9000"})
    assert published(moved) == {"a": "8001", "a-b": "9000", "web": "8003"}
    example = (where / ".env.example").read_text()
    assert all(f"#{name}=" in example for name in names.values())


def test_a_dollar_sign_in_a_value_or_the_name_of_a_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "a$HOME.xsl").write_text(
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'
    )
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "s$HOME").write_text("alice:x")
    text = """\
name: dollars
actors:
  gen: {uses: generator, env: {PRICE: "$HOME ${HOME} $$5"}}
  sheet: {uses: xslt, params: {stylesheet: {file: a$HOME.xsl}}}
  out: {uses: stdout, params: {prefix: {secret: s$HOME}}}
connections: [gen -> sheet -> out]
clear: true
"""
    plan = plan_of(text, tmp_path)
    where = tmp_path / "out"
    folder.write(compose.render(plan), where, compose.PRIVATE)
    services = configured(where, HOME="/nowhere")
    # `config` writes what could be read again: every dollar sign twice.
    assert services["gen"]["environment"]["PRICE"] == "$HOME ${HOME} $$5".replace("$", "$$")
    for service, section in (("sheet", "configs"), ("out", "secrets")):
        (target,) = (mount["target"] for mount in services[service][section])
        assert "$" not in target, target  # names of mounts are flattened
        assert "nowhere" not in target
        assert json.loads(services[service]["environment"]["ACTORKIT_PARAMS"].replace("$$", "$")) == {
            {"sheet": "stylesheet", "out": "prefix"}[service]: {"file": target.replace("$$", "$")}
        }
