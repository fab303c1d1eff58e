"""The stock actors by the name that a topology uses. Plain data: nothing is imported until an actor is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: What a node of a topology is. An actor is part of the graph of events; the others serve it beside the graph, and each
#: has a section of that name in a topology, which is short for one actor.
Kind = Literal["actor", "broker", "registration", "titanic"]


@dataclass(frozen=True)
class Entry:
    """A stock actor: `class_path` is `module:Class`, `extra` the extra of the distribution that it needs ("": none).

    `process` is what `python -m actorkit` runs in the place of the class, when that does not live in gevent's loop; the
    image of the runtime is enough for it.
    """

    name: str
    class_path: str
    extra: str
    summary: str
    kind: Kind = "actor"
    process: str = ""


_ENTRIES: Final = (
    Entry("basic-auth", "actorkit_actors.auth.basic:BasicAuth", "", "lets requests with a known name and password by"),
    Entry("csv", "actorkit_actors.json.csv:CSV", "xml", "makes JSON of CSV, or CSV of JSON"),
    Entry("data", "actorkit_actors.flow.data:Data", "xml", "gives every event the same data"),
    Entry("dict-to-xml", "actorkit_actors.xml.dict_to_xml:DictToXML", "xml", "makes XML of JSON"),
    Entry("generator", "actorkit_actors.flow.generator:Generator", "xml", "makes an event every so often"),
    Entry("http-server", "actorkit_actors.http.server:HTTPServer", "http", "takes HTTP requests in and answers them"),
    Entry("jmespath", "actorkit_actors.json.jmespath:JMESPath", "json", "transforms JSON with a JMESPath expression"),
    Entry("jq", "actorkit_actors.json.jq:JQ", "json", "transforms JSON with a jq program"),
    Entry(
        "json-validator",
        "actorkit_actors.json.json_validator:JSONValidator",
        "json",
        "lets JSON by that is valid by a JSON Schema",
    ),
    Entry(
        "jsonpath-attributes",
        "actorkit_actors.json.jsonpath_attributes:JSONPathAttributes",
        "json",
        "sets attributes to what JSONPath finds in JSON",
    ),
    Entry("lines", "actorkit_actors.json.lines:Lines", "xml", "takes a text apart into lines, or makes one of them"),
    Entry(
        "mdp-broker",
        "actorkit_actors.mdp.broker:MDPBroker",
        "",
        "gives requests for services to workers, and answers back",
        "broker",
        "actorkit.mdp.broker:Broker",
    ),
    Entry(
        "mdp-client",
        "actorkit_actors.mdp.client:MDPClient",
        "",
        "asks a service at the broker and goes on with its answer",
    ),
    Entry(
        "mdp-registration-service",
        "actorkit_actors.mdp.registration_service:MDPRegistrationService",
        "",
        "lists the brokers that are there",
        "registration",
        "actorkit.mdp.directory:RegistrationService",
    ),
    Entry(
        "mdp-titanic",
        "actorkit_actors.mdp.titanic:MDPTitanic",
        "",
        "keeps requests on disk until they are done and collected",
        "titanic",
    ),
    Entry("mdp-worker", "actorkit_actors.mdp.worker:MDPWorker", "", "answers for services at the broker"),
    Entry("msgpack", "actorkit_actors.json.msgpack:MsgPack", "xml", "makes JSON of MessagePack, or the other way"),
    Entry("null", "actorkit_actors.flow.null:Null", "", "takes events and sends nothing"),
    Entry(
        "properties-to-xml",
        "actorkit_actors.xml.properties_to_xml:PropertiesToXML",
        "xml",
        "makes XML of what is known about an event",
    ),
    Entry(
        "schematron",
        "actorkit_actors.xml.schematron:Schematron",
        "xml",
        "lets XML by that keeps the rules of a Schematron schema",
    ),
    Entry("stdout", "actorkit_actors.flow.stdout:Stdout", "", "writes events to standard output and passes them on"),
    Entry("template", "actorkit_actors.json.template:Template", "json", "makes a text of an event by a template"),
    Entry("xml-to-dict", "actorkit_actors.xml.xml_to_dict:XMLToDict", "xml", "makes JSON of XML"),
    Entry(
        "xpath-attributes",
        "actorkit_actors.xml.xpath_attributes:XPathAttributes",
        "xml",
        "sets attributes to what XPath finds in XML",
    ),
    Entry("xsd", "actorkit_actors.xml.xsd:XSD", "xml", "lets XML by that is valid by an XML Schema"),
    Entry("xslt", "actorkit_actors.xml.xslt:XSLT", "xml", "transforms XML with an XSLT 1.0 stylesheet"),
)

#: Name → entry, in alphabetical order.
CATALOGUE: Final[dict[str, Entry]] = {entry.name: entry for entry in _ENTRIES}

#: Kind → the entry that a section of that name in a topology stands for.
SERVERS: Final[dict[str, Entry]] = {entry.kind: entry for entry in _ENTRIES if entry.kind != "actor"}
