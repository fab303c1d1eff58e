"""The shape of a topology: its keys, what each may hold, its default, and what it means.

This is the only place that tells it. Sections read documents by it, `schema` makes the JSON schema of it, and the
tables of docs/topology.md are made of it. What it cannot say (which boxes exist, whether a file is there) the sections
and checks say.
"""

from __future__ import annotations

import re
from typing import Any, Final, get_args

from actorkit.edge import wire
from actorkit.graph import Delivery, Options
from actorkit.settings import DRAIN_TIMEOUT_S
from actorkit_actors.catalogue import Kind
from actorkit_kit.topology.egress import Egress
from actorkit_kit.topology.kinds import Choice, Flag, Integer, Key, Keys, Name, Named, Number, Other, Pattern, Text
from actorkit_kit.topology.model import CPUS, DEFAULT_REPLICAS, MEMORY_MB
from actorkit_kit.topology.uses import Uses

#: More instances than anyone means.
MAX_REPLICAS: Final = 1000
#: Largest window of a connection, in events.
MAX_WINDOW: Final = wire.MAX_WINDOW
#: A host's name in an Ingress or HTTPRoute, its path, the name of an object, and that of a Gateway with its namespace.
HOST_NAME: Final = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
PATH_PREFIX: Final = re.compile(r"/[A-Za-z0-9/._~!$&'()*+,;=:@%-]*\Z")
OBJECT: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")
GATEWAY_NAME: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")
#: What the name of a variable of the environment looks like.
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

# What all actors and servers have, and `defaults` may say for all of them.
ENV: Final = Key(
    "env",
    Other("mapping of texts", {"type": "object", "additionalProperties": {"type": "string"}}),
    "variables of the environment",
)
MEMORY: Final = Key("memory_mb", Integer(16, 1 << 20, MEMORY_MB), "memory of one instance, in MiB")
CPU: Final = Key("cpus", Number(0, CPUS), "processors of one instance")
IN_RESOURCES: Final = Keys((MEMORY, CPU))
RESOURCES: Final = Key("resources", IN_RESOURCES, "what one instance may use")
DRAIN: Final = Key(
    "drain_timeout_s",
    Number(0, DRAIN_TIMEOUT_S),
    "longest time that an instance takes to finish when it is stopped, in seconds",
)
SHARED: Final[tuple[Key[Any], ...]] = (ENV, RESOURCES, DRAIN)

# Ports that are published.
PORT: Final = Key("port", Integer(1, 65535), "the port on the host", required="Write the port on the host.")
PUBLIC: Final = Key("public", Flag(), "whether other machines reach it")
HOST: Final = Key("host", Pattern(HOST_NAME, "a host's name, as shop.example"), "on Kubernetes: leads there")
PATH: Final = Key("path", Pattern(PATH_PREFIX, "a path, as /orders", default="/"), "on Kubernetes: begins its paths")
TLS: Final = Key("tls", Pattern(OBJECT, "a Secret's name"), "on Kubernetes: the Secret with the host's certificate")
GATEWAY: Final = Key(
    "gateway",
    Pattern(GATEWAY_NAME, "a Gateway, as infra/public"),
    "on Kubernetes: the Gateway that leads to it, in the place of an Ingress",
)
EXPOSURE: Final = Keys(
    (PORT, PUBLIC, HOST, PATH, TLS, GATEWAY),
    {"dependencies": {"path": ["host"], "tls": ["host"], "gateway": ["host"]}, "not": {"required": ["tls", "gateway"]}},
)
EXPOSE: Final = Key(
    "expose",
    Other(
        "mapping",
        {"type": "object", "additionalProperties": {"anyOf": [PORT.kind.schema(), EXPOSURE.schema()]}},
    ),
    "ports that are reached from outside",
)

# An actor.
USES: Final = Key(
    "uses",
    Uses(),
    "a name from the catalogue (`kit actors`), or `package.module:Class`",
    required="Say what the actor is: a name from `kit actors`, or package.module:Class.",
)
PARAMS: Final = Key(
    "params",
    Other("mapping", {"type": "object"}),
    "the parameters that the class declares (`kit actors NAME` lists them)",
)
REPLICAS: Final = Key("replicas", Integer(1, MAX_REPLICAS, DEFAULT_REPLICAS), "how many instances run")
MIN: Final = Key("min", Integer(0, MAX_REPLICAS, DEFAULT_REPLICAS), "instances that there are at least")
MAX: Final = Key(
    "max", Integer(1, MAX_REPLICAS), "instances that there are at most", required="Say how many there may be: max: 10."
)
WAITING: Final = Key("waiting", Integer(1, 1_000_000), "events or requests that one instance may have before it")
CPU_PERCENT: Final = Key("cpu", Integer(1, 100), "percents of its processors that one instance may use")
IN_SCALE: Final = Keys((MIN, MAX, WAITING, CPU_PERCENT), {"oneOf": [{"required": ["waiting"]}, {"required": ["cpu"]}]})
SCALE: Final = Key("scale", IN_SCALE, "how many instances Kubernetes runs, by the work that waits or by their load")
BUILD: Final = Key(
    "build",
    Text(words="folder"),
    "the folder that holds the code of `package.module:Class`, and its `requirements.txt` or `pyproject.toml`",
)
EGRESS: Final = Key("egress", Egress(), "what it may reach outside of the topology: all, or these; nothing without")
ACTOR: Final = Keys((USES, PARAMS, REPLICAS, SCALE, BUILD, EXPOSE, EGRESS, *SHARED))
#: What a target may have otherwise: all that is not the graph, or code.
ACTOR_VALUES: Final = Keys(tuple(key for key in ACTOR.keys if key not in (USES, BUILD)))

# The sections that are short for one actor beside the graph.
_LISTENING: Final = Keys((PARAMS, REPLICAS, EXPOSE, *SHARED))
SERVER: Final[dict[Kind, Keys]] = {
    "broker": _LISTENING,
    "registration": _LISTENING,
    "titanic": Keys((PARAMS, REPLICAS, *SHARED)),
    "dead-letters": Keys((PARAMS, *SHARED)),
}

# Connections.
_BOXES: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_ENDS: Final = "Write it as {from: a, to: b}."
FROM: Final = Key("from", Other("box, or list of boxes", _BOXES), "where events come from", required=_ENDS)
TO: Final = Key("to", Other("box, or list of boxes", _BOXES), "where they go", required=_ENDS)
DELIVERY: Final = Key(
    "delivery", Choice(get_args(Delivery)), "whether an event is sent again when its receiver is lost"
)
WINDOW: Final = Key("window", Integer(1, MAX_WINDOW, Options().window), "events that may be under way to one instance")
KEY: Final = Key(
    "key",
    Text(words="path in the event: `data/customer`"),
    "events with the same value there go to the same instance, in order",
)
CONNECTION: Final = Keys((FROM, TO, DELIVERY, WINDOW, KEY))
_CHAIN: Final = {"type": "string", "pattern": "->", "description": "web -> auth -> web"}

# Secrets and keys.
SECRET_FILE: Final = Key("file", Text(words="file"), "the file with its content")
SECRET_VARIABLE: Final = Key("env", Text(words="variable"), "the variable of your environment with its content")
SECRET: Final = Keys((SECRET_FILE, SECRET_VARIABLE))
KEYS_SECRET: Final = Key(
    "secret",
    Text(),
    "the name of the secret",
    required="Name the secret that holds them: keys: {secret: topology-keys}.",
)

# The file.
NAME: Final = Key(
    "name", Name(), "the topology, in images, labels and metrics", required="Name the topology: name: orders."
)
ACTORS: Final = Key(
    "actors",
    Named(of="mapping of actors", schema_of_each={"$ref": "#/definitions/actor"}, least=1),
    "the nodes of the graph",
    required="Add at least one: web: {uses: http-server}.",
)
CONNECTIONS: Final = Key(
    "connections",
    Other("list", {"type": "array", "items": {"anyOf": [_CHAIN, CONNECTION.schema()]}}),
    "its edges",
)
SECTIONS: Final = {
    "broker": Key("broker", SERVER["broker"], "the MajorDomo broker"),
    "registration": Key("registration", SERVER["registration"], "the service that lists brokers"),
    "titanic": Key("titanic", SERVER["titanic"], "keeps durable requests"),
    "dead-letters": Key("dead-letters", SERVER["dead-letters"], "keeps events that failed"),
}
IN_KEYS: Final = Keys((KEYS_SECRET,))
KEYS: Final = Key("keys", IN_KEYS, "the secret with the CURVE keys of all edges and brokers")
CLEAR: Final = Key("clear", Flag(), "whether edges and brokers may be without keys where other machines reach them")
SECRETS: Final = Key("secrets", Named(schema_of_each={"$ref": "#/definitions/secret"}), "where secrets come from")
IN_DEFAULTS: Final = Keys(SHARED)
DEFAULTS: Final = Key("defaults", IN_DEFAULTS, "hold for all that say nothing else")

# Tests.
DEPTHS: Final = ("actor", "graph", "chaos")
#: The formats of bodies, by the letter that an event has for them.
FORMATS: Final = {"bytes": "b", "text": "t", "json": "j", "xml": "x", "form": "f"}
METHOD_AND_PATH: Final = re.compile(r"[A-Z]+ /[^\s]*\Z")
_ANYTHING: Final = Other("text, or any value as JSON", {})
_TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
TEST_DATA: Final = Key("data", _ANYTHING, "the data")
TEST_FILE: Final = Key("file", Text(words="file"), "the file with the data; its ending tells the format")
TEST_FORMAT: Final = Key(
    "as", Choice(tuple(FORMATS), may_be_none=True), "the format of the data, where it is another than it looks like"
)
TEST_ATTRIBUTES: Final = Key("attributes", Other("mapping", {"type": "object"}), "attributes of the event")
TEST_HEADERS: Final = Key("headers", Other("mapping of texts", _TEXTS), "header fields of HTTP")
PUT_TO: Final = Key("to", Text(words="box"), "the actor, or inbox, that gets the event")
PUT_FROM: Final = Key("from", Text(words="box"), "the actor, or outbox, that the event comes from, in its place")
PUT_HTTP: Final = Key(
    "http",
    Pattern(METHOD_AND_PATH, "a method and a path, as POST /orders"),
    "without a box, or with that of a server: a request to it; else what the event knows of one",
)
PUT_SERVICE: Final = Key("service", Text(), "the event's service")
PUT_TIMES: Final = Key("times", Integer(1, 10_000, 1), "how many such events")
PUT: Final = Keys(
    (
        PUT_TO,
        PUT_FROM,
        PUT_HTTP,
        TEST_DATA,
        TEST_FILE,
        TEST_FORMAT,
        TEST_HEADERS,
        TEST_ATTRIBUTES,
        PUT_SERVICE,
        PUT_TIMES,
    )
)
REPLY_OUTBOX: Final = Key("outbox", Text(words="outbox"), "where it goes; else to all that are not declared")
REPLY_FAILS: Final = Key("fails", Integer(400, 599), "the status that it fails with, in the place of an answer")
REPLY_MESSAGE: Final = Key("message", Text(), "what it fails with")
REPLY: Final = Keys(
    (TEST_DATA, TEST_FILE, TEST_FORMAT, TEST_ATTRIBUTES, REPLY_OUTBOX, REPLY_FAILS, REPLY_MESSAGE),
)
EXPECT_FROM: Final = Key("from", Text(words="box"), "the actor, or outbox, that sends it")
EXPECT_AT: Final = Key("at", Text(words="box"), "the actor, or inbox, that gets it")
EXPECT_FILE: Final = Key("file", Text(words="file"), "the golden answer; `kit test --update` writes it")
EXPECT_JSON: Final = Key("json", Other("mapping", {"type": "object"}), "JSONPath → what it finds")
EXPECT_XPATH: Final = Key("xpath", Other("mapping", {"type": "object"}), "XPath → what it finds")
EXPECT_MATCHES: Final = Key("matches", Text(words="regular expression"), "is found in the data as text")
EXPECT_STATUS: Final = Key("status", Integer(100, 599), "the status of the answer, or of the failure")
EXPECT_MESSAGE: Final = Key("message", Text(words="regular expression"), "is found in the failure's message")
EXPECT_COUNT: Final = Key("count", Integer(0, 1_000_000), "how many such events come; else at least one")
EXPECT_NOTHING: Final = Key("nothing", Flag(), "whether no such event may come")
EXPECT: Final = Keys(
    (
        EXPECT_FROM,
        EXPECT_AT,
        TEST_DATA,
        EXPECT_FILE,
        TEST_FORMAT,
        EXPECT_JSON,
        EXPECT_XPATH,
        EXPECT_MATCHES,
        TEST_ATTRIBUTES,
        TEST_HEADERS,
        EXPECT_STATUS,
        EXPECT_MESSAGE,
        EXPECT_COUNT,
        EXPECT_NOTHING,
    )
)


def _one_or_more(keys: Keys) -> dict[str, Any]:
    return {"anyOf": [keys.schema(), {"type": "array", "items": keys.schema(), "minItems": 1}]}


_STAND_INS: Final = {"type": "object", "additionalProperties": _one_or_more(REPLY)}
CASE_PUT: Final = Key("put", Other("one, or a list", _one_or_more(PUT)), "the events that the test begins with")
CASE_FAKE: Final = Key("fake", Other("mapping", _STAND_INS), "actors that something stands in for, and its answers")
CASE_SERVICES: Final = Key(
    "services", Other("mapping", _STAND_INS), "services that something stands in for, and its answers"
)
CASE_EXPECT: Final = Key("expect", Other("one, or a list", _one_or_more(EXPECT)), "what has to come of it")
CASE_DEPTH: Final = Key("depth", Choice(DEPTHS[:2]), "the least depth at which it can be run")
CASE_TIMEOUT: Final = Key("timeout_s", Number(0, 10.0), "longest time that it takes, in seconds")
CASE: Final = Keys((CASE_PUT, CASE_FAKE, CASE_SERVICES, CASE_EXPECT, CASE_DEPTH, CASE_TIMEOUT))
TESTS: Final = Key(
    "tests",
    Other("mapping of tests", {"type": "object", "additionalProperties": {"$ref": "#/definitions/test"}}),
    "what `kit test` sees to",
)
TESTED: Final = Key("topology", Text(words="file"), "the topology that is tested; else the one beside the file")
TEST_DOCUMENT: Final = Keys((TESTED, TESTS))

# What one target has otherwise.
_TARGETS_ACTORS: Final = Key(
    "actors",
    Named(of="mapping of actors", schema_of_each={"$ref": "#/definitions/actor-values"}),
    "actors of the topology",
)
IN_TARGET: Final = Keys((_TARGETS_ACTORS, *SECTIONS.values(), KEYS, CLEAR, SECRETS, DEFAULTS))
IN_TARGETS: Final = Keys(
    (
        Key("local", IN_TARGET, "what holds for `kit run`"),
        Key("compose", IN_TARGET, "what holds on a Docker host"),
        Key("helm", IN_TARGET, "what holds on Kubernetes"),
    )
)
TARGETS: Final = Key("targets", IN_TARGETS, "what holds in one target only")

TOPOLOGY: Final = Keys((NAME, ACTORS, CONNECTIONS, *SECTIONS.values(), KEYS, CLEAR, SECRETS, DEFAULTS, TARGETS, TESTS))
