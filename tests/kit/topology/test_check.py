from __future__ import annotations

from pathlib import Path

import pytest

from actorkit_kit.plan.planner import make_plan
from actorkit_kit.topology.check import Checked, check
from actorkit_kit.topology.document import Document, parse

GOOD = """\
name: orders
actors:
  gen: {uses: generator}
  auth: {uses: basic-auth, params: {users: {secret: web-users}}}
  to-order: {uses: xslt, params: {stylesheet: {file: submit.xsl}}}
  place: {uses: "shop.actors:Place", build: ./shop, replicas: 2, params: {limit_eur: 50}}
  out: {uses: stdout}
connections:
  - gen -> auth -> to-order -> place -> out
  - "[auth.error, to-order.error] -> out"
  - {from: place.audit, to: out.audits, delivery: at-most-once, window: 8, key: data/customer}
"""


def checked(text: str, base: Path) -> Checked:
    return check(parse(text, "topology.yaml", base))


def found(text: str, base: Path) -> list[str]:
    return [str(finding) for finding in checked(text, base).findings]


def test_a_topology_without_mistakes_has_no_findings(shop: Path) -> None:
    result = checked(GOOD, shop)
    assert result.findings == ()
    assert [str(connection) for connection in result.topology.connections] == [
        "gen.auth -> auth.gen",
        "auth.to-order -> to-order.auth",
        "to-order.place -> place.to-order",
        "place.out -> out.place",
        "auth.error -> out.error-auth",
        "to-order.error -> out.error-to-order",
        "place.audit -> out.audits",
    ]
    assert result.topology.connections[-1].options.window == 8
    assert result.classes["place"].summary == "Places an order."


def test_twelve_different_mistakes_give_twelve_findings_each_with_its_line(shop: Path) -> None:
    text = """\
name: Orders
actors:
  gen: {uses: generatr}
  tick: {uses: generator, params: {intervall_s: 0.5}, replicas: 0}
  auth: {uses: basic-auth, params: {users: {secret: no-users}}}
  to-order: {uses: xslt, params: {stylesheet: {file: sumbit.xsl}}}
  place: {uses: "shop.actors:Palce", build: ./shop}
  out: {uses: stdout, expose: {http: 8080}}
  lost: {uses: "null"}
connections:
  - gen -> tick
  - tick -> auth -> to-odrer
  - tick -> to-order -> place -> out
  - auth.eror -> out
"""
    assert found(text, shop) == [
        'topology.yaml:1:7: name: "Orders" is not a name: lower-case letters, digits and dashes, beginning with a '
        'letter, at most 40 characters. Did you mean "orders"?',
        'topology.yaml:3:15: actors.gen.uses: there is no actor "generatr" in the catalogue. Did you mean "generator"?',
        'topology.yaml:4:36: actors.tick.params.intervall_s: there is no parameter "intervall_s". '
        'Did you mean "interval_s"?',
        "topology.yaml:4:65: actors.tick.replicas: 0 is out of range. Write a whole number from 1 to 1000.",
        'topology.yaml:5:53: actors.auth.params.users.secret: the secret "no-users" has no file "secrets/no-users". '
        'Write it there, or say under "secrets" where it is: no-users: {file: …} or {env: …}.',
        'topology.yaml:6:54: actors.to-order.params.stylesheet.file: there is no file "sumbit.xsl". '
        "Paths start from the folder of the topology.",
        'topology.yaml:7:17: actors.place.uses: the module "shop.actors" has no class "Palce". Did you mean "Place"?',
        'topology.yaml:8:32: actors.out.expose.http: "out" listens on no port of its own. Remove expose:.',
        'topology.yaml:9:3: actors.lost: nothing is connected to "lost". Connect something to it, or remove it.',
        'topology.yaml:11:5: connections[0]: "tick" takes no events: it is a source. Remove "gen.tick -> tick.gen".',
        'topology.yaml:12:5: connections[1]: no actor is named "to-odrer". Did you mean "to-order"?',
        'topology.yaml:14:5: connections[3]: "auth" has no outbox "eror". Did you mean "auth.error"?',
    ]


def with_actor(body: str) -> str:
    return f"name: t\nactors:\n  gen: {{uses: generator}}\n  out: {body}\nconnections:\n  - gen -> out\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{}", '"uses" is missing. Say what the actor is'),
        ("{uses: null}", 'Write uses: "null" for the actor null.'),
        ("{uses: [a]}", "this is a list, not a text"),
        ("{uses: 'a:b:c'}", '"a:b:c" is not a class. Write it as package.module:Class.'),
        ("{uses: 'shop.actors:Place'}", "Add build: with the folder that holds it."),
        ("{uses: 'shop.acters:Place', build: shop}", 'there is no module "shop.acters" in "shop"'),
        ("{uses: 'shop.actors:Event', build: shop}", "is not a subclass of actorkit.Actor"),
        ("{uses: 'shop.actors:Place', build: shopp}", 'there is no folder "shopp"'),
        (f"{{uses: 'shop.actors:Place', build: {'long' * 100}}}", "there is no folder"),
        ("{uses: 'shop.actors:Place', build: round}", 'there is no folder "round"'),
        (f"{{uses: stdout, params: {{prefix: {{file: {'long' * 100}}}}}}}", "there is no file"),
        (f"{{uses: stdout, params: {{prefix: {{secret: {'long' * 100}}}}}}}", "has no file"),
        ("{uses: stdout, params: {prefix: {file: round}}}", 'there is no file "round"'),
        ("{uses: stdout, replicas: many}", "this is a text, not a whole number"),
        ("{uses: stdout, replicas: true}", "this is true or false, not a whole number"),
        ("{uses: stdout, params: [1]}", "this is a list, not a mapping"),
        ("{uses: stdout, params: {prefix: 7}}", "params.prefix: expected `str`, got `int`."),
        ("{uses: stdout, params: {prefix: {file: 7}}}", "Write the name of a file."),
        ("{uses: basic-auth}", 'the parameter "users" is required. Add it.'),
        ("{uses: stdout, env: {ACTORKIT_ACTOR: x}}", "ACTORKIT_ACTOR follows from the topology. Remove it."),
        ("{uses: stdout, env: {ACTORKIT_LOG_LEVL: x}}", 'Did you mean "ACTORKIT_LOG_LEVEL"?'),
        ("{uses: stdout, env: {DEBUG: 1}}", 'Put it in quotes: "1".'),
        ("{uses: stdout, resources: {memory_mb: 1}}", "1 is out of range"),
        ("{uses: stdout, resources: {cpus: 0}}", "Write a number above 0."),
        ("{uses: stdout, drain_timeout_s: soon}", "this is a text, not a number"),
        ("{uses: stdout, colour: red}", 'there is no key "colour" here. There are: build, drain_timeout_s, egress'),
        ("stdout", "this is a text, not a mapping"),
        ('{uses: stdout, env: {A: "a\\0b"}}', "env.A: this text holds the character NUL"),
        (f"{{uses: stdout, env: {{A: {'x' * 140_000}}}}}", "env.A: this is 140003 bytes, more than the 131072"),
        (
            f"{{uses: stdout, env: {{{', '.join(f'A{n}: {chr(120) * 130_000}' for n in range(9))}}}}}",
            "env: these are 1170036 bytes, more than the 1048576 that an environment can hold.",
        ),
        ('{uses: stdout, "a\\nb\\e[2J": 1}', 'there is no key "a\\nb\\x1b[2J" here'),
    ],
)
def test_a_mistake_in_an_actor_is_one_finding_that_says_what_to_do(shop: Path, body: str, words: str) -> None:
    (shop / "round").symlink_to("round")
    (finding,) = found(with_actor(body), shop)
    assert finding.startswith("topology.yaml:4:")
    assert words in finding


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ("gen", '"gen" connects nothing'),
        ("gen -> ", "connects nothing"),
        ("17", "this is a number. Write a connection as"),
        ("gen -> Out", '"Out" is not a box'),
        ("gen -> out.error", '"error" is an outbox of "out"; nothing can be sent to it.'),
        ("gen -> a.x -> out", 'in the middle of a chain "a.x" may be an inbox or an outbox.'),
        ("gen -> out", '"gen.out -> out.gen" stands here twice, first in connections[0]'),
        ("{from: gen}", '"to" is missing'),
        ("{from: gen, to: a, delivery: exactly-once}", "Choose one of: at-least-once, at-most-once."),
        ("{from: gen, to: a, window: 0}", "0 is out of range"),
        ("{from: gen, to: a, windw: 3}", 'Did you mean "window"?'),
        ("{from: gen, to: a, key: 'data?x'}", "is not a path in an event"),
        ("{from: gen, to: 3}", "Write a box, or a list of boxes."),
    ],
)
def test_a_mistake_in_a_connection_is_one_finding_that_says_what_to_do(shop: Path, connection: str, words: str) -> None:
    text = "name: t\nactors:\n  gen: {uses: generator}\n  out: {uses: stdout}\n  a: {uses: stdout}\nconnections:\n"
    (finding,) = found(f"{text}  - gen -> out\n  - gen.first -> a\n  - {connection}\n", shop)
    assert finding.startswith("topology.yaml:9:")
    assert words in finding


@pytest.mark.parametrize(("name", "what"), [("log", "logs"), ("error", "fails on")])
def test_an_outbox_that_would_be_called_as_a_reserved_one_is_one_finding(shop: Path, name: str, what: str) -> None:
    actors = f"name: t\nactors:\n  gen: {{uses: generator}}\n  {name}: {{uses: data}}\n  show: {{uses: stdout}}\n"
    (finding,) = found(f"{actors}connections:\n  - gen -> {name} -> show\n", shop)
    assert finding == (
        f'topology.yaml:7:5: connections[0]: "gen.{name}" is what "gen" {what}, and an outbox without a name is called '
        f'as the actor that it leads to. Name this one, "gen.to-{name} -> {name}", or call the actor otherwise.'
    )
    named = [f"gen.to-{name} -> {name}", f"gen.{name} -> {name}", f"{name} -> show"]
    assert found(f"{actors}connections: [{', '.join(named)}]\n", shop) == []


def test_actors_in_a_circle_that_no_source_feeds_are_one_finding(shop: Path) -> None:
    text = "name: t\nactors:\n  a: {uses: stdout}\n  b: {uses: stdout}\nconnections: [a -> b -> a]\n"
    (finding,) = found(text, shop)
    assert 'no event ever reaches "a": it is only in a circle with "b"' in finding


def test_a_long_ring_is_one_finding_and_with_a_source_a_plan(shop: Path) -> None:
    names = [f"a{n}" for n in range(1_500)]
    actors = "".join(f"  {name}: {{uses: stdout}}\n" for name in names)
    ring = f"  - {' -> '.join([*names, names[0]])}\n"
    (finding,) = found(f"name: t\nactors:\n{actors}connections:\n{ring}", shop)
    assert '"a9", "a10" and 1489 more. Connect a source to it.' in finding
    fed = checked(f"name: t\nactors:\n{actors}  gen: {{uses: generator}}\nconnections:\n{ring}  - gen -> a0\n", shop)
    assert fed.findings == ()
    waits = {unit.name: [wait.unit for wait in unit.waits] for unit in make_plan(fed).units}
    assert waits["gen"] == ["a0"]
    assert waits["a1499"] == []


def test_a_ring_of_fifty_thousand_actors_of_a_program_is_checked(shop: Path) -> None:
    length = 50_000
    data = {
        "name": "t",
        "actors": {f"a{n}": {"uses": "stdout"} for n in range(length)},
        "connections": [f"a{n} -> a{(n + 1) % length}" for n in range(length)],
    }
    (finding,) = check(Document("app.py:director", shop, data)).findings
    assert 'no event ever reaches "a0"' in str(finding)


def test_what_only_a_lost_actor_feeds_is_not_told_again(shop: Path) -> None:
    text = "name: t\nactors:\n  a: {uses: stdout}\n  b: {uses: stdout}\nconnections: [a -> b]\n"
    (finding,) = found(text, shop)
    assert 'nothing is connected to "a"' in finding


def test_ports_are_published_once_and_only_by_actors_that_listen(shop: Path) -> None:
    text = """\
name: t
actors:
  one: {uses: http-server, params: {routes: [{path: /<queue>}]}, expose: {http: 8080}}
  two: {uses: http-server, params: {routes: [{path: /<queue>}]}, expose: {http: {port: 8080, public: true}}}
  out: {uses: stdout, expose: {http: 9000}}
connections: [one -> out -> one, two -> out -> two]
broker: {expose: {mdp: 8080}}
"""
    assert [finding.partition(": ")[2] for finding in found(text, shop)] == [
        'actors.two.expose.http: port 8080 is published by "one" already. Choose another.',
        'actors.out.expose.http: "out" listens on no port of its own. Remove expose:.',
        'broker.expose.mdp: port 8080 is published by "one" already. Choose another.',
    ]


@pytest.mark.parametrize(
    ("expose", "words"),
    [
        ("{http: 0}", "0 is out of range. Write a whole number from 1 to 65535."),
        ("{http: web}", "this is a text. Write the port on the host, or {port: 8080, public: true}."),
        ("{http: {public: true}}", '"port" is missing. Write the port on the host.'),
        ("{http: {port: 80, publc: true}}", 'Did you mean "public"?'),
        ("{HTTP: 80}", 'Did you mean "http"?'),
    ],
)
def test_a_mistake_in_a_published_port_is_one_finding(shop: Path, expose: str, words: str) -> None:
    text = (
        f"name: t\nactors:\n  web: {{uses: http-server, params: {{routes: [{{path: /<queue>}}]}}, expose: {expose}}}\n"
        "  out: {uses: stdout}\nconnections: [web -> out -> web]\n"
    )
    (finding,) = found(text, shop)
    assert words in finding


def test_a_secret_says_where_it_comes_from(shop: Path) -> None:
    text = GOOD + "secrets:\n  web-users: {env: WEB_USERS}\n  other: {file: a, env: B}\n  third: {env: 'no name'}\n"
    first, second = found(text, shop)
    assert "secrets.other: a secret comes from a file or from a variable" in first
    assert 'secrets.third.env: "no name" is not the name of a variable' in second


def test_defaults_hold_for_every_actor_that_says_nothing_else(shop: Path) -> None:
    text = "defaults: {drain_timeout_s: 7, env: {ZONE: a}, resources: {memory_mb: 64}}\n" + with_actor(
        "{uses: stdout, env: {ZONE: b}}"
    )
    actors = checked(text, shop).topology.actors
    assert (actors["gen"].drain_timeout_s, actors["gen"].env, actors["gen"].resources.memory_mb) == (
        7,
        {"ZONE": "a"},
        64,
    )
    assert actors["out"].env == {"ZONE": "b"}


def test_a_class_that_needs_modules_of_its_image_is_given_the_benefit_of_the_doubt(shop: Path) -> None:
    (shop / "shop" / "shop" / "actors.py").write_text("import a_module_of_the_image_only\n")
    text = with_actor("{uses: 'shop.actors:Place', build: shop}")
    (finding,) = found(text, shop)
    assert 'there is no module "a_module_of_the_image_only"' in finding
    (shop / "shop" / "requirements.txt").write_text("a-module-of-the-image-only\n")
    assert found(text, shop) == []


def test_a_users_module_that_ends_python_or_prints_does_no_harm(shop: Path) -> None:
    text = with_actor("{uses: 'shop.actors:Place', build: shop}")
    code = shop / "shop" / "shop" / "actors.py"
    written = code.read_text()
    code.write_text("import sys\nsys.exit(3)\n")
    assert 'the module "shop.actors" cannot be imported: SystemExit: 3' in found(text, shop)[0]
    code.write_text("import os\nos._exit(3)\n")
    assert "importing it ended Python" in found(text, shop)[0]
    code.write_text(f"print('noise')\n{written}")
    assert found(text, shop) == []


def test_a_class_of_its_own_check_has_the_last_word(shop: Path) -> None:
    code = shop / "shop" / "shop" / "actors.py"
    code.write_text(
        code.read_text()
        + """
    @classmethod
    def check(cls, params):
        from actorkit.params import Problem
        if params.limit_eur > 10:
            yield Problem("limit_eur", "nobody may spend so much")
"""
    )
    text = with_actor("{uses: 'shop.actors:Place', build: shop, params: {limit_eur: 11}}")
    (finding,) = found(text, shop)
    assert finding.endswith("actors.out.params.limit_eur: nobody may spend so much.")


def test_a_file_that_cannot_be_what_the_parameter_wants_is_a_finding(shop: Path) -> None:
    (shop / "limit.json").write_text("{nonsense")
    text = with_actor("{uses: 'shop.actors:Place', build: shop, params: {limit_eur: {file: limit.json}}}")
    (finding,) = found(text, shop)
    assert "actors.out.params.limit_eur: the file " in finding
    assert "is not JSON" in finding
    (shop / "limit.json").write_text("12")
    assert found(text, shop) == []
    (shop / "limit.json").write_bytes(b"\xff\xfe")
    assert "it is not UTF-8 text" in found(text, shop)[0]


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_a_document_that_is_no_topology_is_one_finding(tmp_path: Path, data: object) -> None:
    (finding,) = check(Document("app.py:director", tmp_path, data)).findings
    assert str(finding).startswith("app.py:director: this is ")


def test_a_document_without_places_gives_findings_without_lines(tmp_path: Path) -> None:
    data = {"name": "t", "actors": {"gen": {"uses": "generatr"}}}
    (finding,) = check(Document("app.py:director", tmp_path, data)).findings
    assert str(finding).startswith('app.py:director: actors.gen.uses: there is no actor "generatr"')
