"""The orders topology, and the plan of any topology; for tests."""

from __future__ import annotations

from pathlib import Path

from actorkit_kit.plan.model import Plan
from actorkit_kit.plan.planner import make_plan
from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import parse

#: Goes with the folder that the fixture `shop` makes.
ORDERS = """\
name: orders
actors:
  web: {uses: http-server, params: {routes: [{path: "/<queue>", methods: [POST]}]}, expose: {http: 8080}}
  auth: {uses: basic-auth, params: {users: {secret: web-users}}}
  to-order: {uses: xslt, params: {stylesheet: {file: submit.xsl}}}
  place: {uses: mdp-client, params: {service: orders}}
  worker: {uses: mdp-worker, params: {service: orders}, replicas: 2}
  execute: {uses: "shop.actors:Place", build: ./shop, replicas: 3, env: {ZONE: a}}
connections:
  - web -> auth -> to-order -> place -> web
  - auth.error, to-order.error, place.error -> web
  - worker -> execute -> worker
broker: {replicas: 2}
clear: true
"""


def plan_of(text: str, base: Path) -> Plan:
    checked = check(parse(text, "topology.yaml", base))
    assert [str(finding) for finding in checked.findings] == []
    return make_plan(checked)
