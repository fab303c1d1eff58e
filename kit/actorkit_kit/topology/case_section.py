"""The section `tests` of a topology, and that of a file with nothing but tests: what is wrong in it, and the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from actorkit.graph import RESERVED, Box, parse_box
from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.files import is_file
from actorkit_kit.topology import shape
from actorkit_kit.topology.case import Case, Data, Expectation, Put, Reply, Side
from actorkit_kit.topology.findings import suggest
from actorkit_kit.topology.kinds import Key, type_words
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.model import Topology
from actorkit_kit.topology.paths import path_mistake
from actorkit_kit.topology.section import Section

_NO_PLACE: Final = "where does it go? Write to: with an actor, from: with one, or http: for a request to a server."


class CaseSection:
    """Reads tests of a topology; the files that they name are looked for from the folder `base`."""

    def __init__(self, topology: Topology, classes: Mapping[str, ActorClass], base: Path) -> None:
        self._topology = topology
        self._classes = classes
        self._base = base
        self._actors = {name for name, node in topology.actors.items() if node.kind == "actor"}

    def read(self, root: Section) -> tuple[Case, ...]:
        """The tests of a document."""
        found = []
        for name, value in root.mapping(shape.TESTS).items():
            location = (*root.location, shape.TESTS.name, name)
            if not name.strip() or not name.isprintable():
                root.findings.add(location, "a test is named by a line of text. Say what is true.", key=True)
            elif not isinstance(value, dict):
                todo = "Write it as {put: …, expect: …}."
                root.findings.add(location, f"this is {type_words(value)}, not a test. {todo}")
            else:
                found.append(self._case(name, Section(root.findings, location, value)))
        return tuple(found)

    def _case(self, name: str, section: Section) -> Case:
        section.check_keys(shape.CASE)
        puts = tuple(put for one in _each(section, shape.CASE_PUT) if (put := self._put(one)) is not None)
        fakes = dict(self._replies(section, shape.CASE_FAKE, self._check_actor))
        services = dict(self._replies(section, shape.CASE_SERVICES, lambda _section, _name: True))
        expectations = tuple(self._expectations(section, puts))
        if shape.CASE_EXPECT not in section:
            section.add(shape.CASE_EXPECT.name, "what has to come of it? Write expect: with one expectation or more.")
        depth, timeout_s = section.value(shape.CASE_DEPTH), section.value(shape.CASE_TIMEOUT)
        return Case(name, section.location, puts, fakes, services, expectations, depth, timeout_s)

    # --- what it begins with ----------------------------------------------------------------------------------------

    def _put(self, section: Section) -> Put | None:
        section.check_keys(shape.PUT)
        to, origin = self._box(section, shape.PUT_TO), self._box(section, shape.PUT_FROM)
        http = section.value(shape.PUT_HTTP)
        server = self._server(section, to, http) if origin is None else ""
        if shape.PUT_TO in section and shape.PUT_FROM in section:
            section.add("from", "an event goes to a box, or comes from one. Write to: or from:.")
        elif not (shape.PUT_TO in section or shape.PUT_FROM in section or server or http):
            section.findings.add(section.location, _NO_PLACE)
        if to is not None and not server and not self._takes(to.actor):
            section.add("to", f'"{to.actor}" takes no events. Write from: {to.actor} for an event that it makes.')
        method, _, path = http.partition(" ")
        put = Put(
            to=None if server else to,
            origin=origin,
            server=server,
            http=(method, path) if http else None,
            data=self._data(section, is_there=True) or Data(),
            headers={name: str(value) for name, value in section.mapping(shape.TEST_HEADERS).items()},
            attributes=section.mapping(shape.TEST_ATTRIBUTES),
            service=section.value(shape.PUT_SERVICE),
            times=section.value(shape.PUT_TIMES),
        )
        return put if put.to or put.origin or put.server else None

    def _server(self, section: Section, to: Box | None, http: str) -> str:
        """The server that is asked over HTTP, "" for none."""
        servers = [name for name in self._actors if (known := self._classes.get(name)) and _is_server(known)]
        if to is not None:
            return to.actor if http and to.actor in servers else ""
        if http and shape.PUT_TO not in section and len(servers) != 1:
            todo = f"Say which, as to: {min(servers)}." if servers else "Write to: and the actor that the event is for."
            section.add("http", f"the topology has {len(servers)} servers. {todo}")
        return servers[0] if http and shape.PUT_TO not in section and len(servers) == 1 else ""

    def _takes(self, actor: str) -> bool:
        known = self._classes.get(actor)
        return known is None or known.consumes

    # --- what stands in ---------------------------------------------------------------------------------------------

    def _replies(self, section: Section, key: Key[Any], check: Any) -> Iterator[tuple[str, tuple[Reply, ...]]]:
        inner = section.section(key)
        for name in inner.content:
            if check(inner, name):
                yield name, tuple(self._reply(one) for one in _each(inner, Key(name, key.kind, "")))

    def _check_actor(self, section: Section, name: str) -> bool:
        if name not in self._actors:
            message = f'no actor is named "{name}". {suggest(name, self._actors)}'
            section.findings.add((*section.location, name), message, key=True)
        return name in self._actors

    def _reply(self, section: Section) -> Reply:
        section.check_keys(shape.REPLY)
        fails, data = section.value(shape.REPLY_FAILS), self._data(section, is_there=True)
        if fails and data is not None:
            section.add("fails", "it answers with data, or it fails. Write one of them.")
        return Reply(
            data=data,
            attributes=section.mapping(shape.TEST_ATTRIBUTES),
            outbox=section.value(shape.REPLY_OUTBOX),
            fails=fails,
            message=section.value(shape.REPLY_MESSAGE),
        )

    # --- what has to come -------------------------------------------------------------------------------------------

    def _expectations(self, section: Section, puts: tuple[Put, ...]) -> Iterator[Expectation]:
        for one in _each(section, shape.CASE_EXPECT):
            one.check_keys(shape.EXPECT)
            yield self._expectation(one, puts)

    def _expectation(self, section: Section, puts: tuple[Put, ...]) -> Expectation:
        side, box = self._side(section, puts)
        nothing, count = section.value(shape.EXPECT_NOTHING), section.content.get("count")
        if nothing and count is not None:
            section.add("count", "nothing: true says count: 0. Write one of them.")
        count = section.value(shape.EXPECT_COUNT) if count is not None else None
        data = self._data(section, is_there=False)
        if data is not None and data.file is None and "data" not in section.content:
            data = None
        for key in (shape.EXPECT_MATCHES, shape.EXPECT_MESSAGE):
            _check_pattern(section, key)
        for paths in (shape.EXPECT_JSON, shape.EXPECT_XPATH):
            for path in section.mapping(paths):
                if mistake := path_mistake(paths.name, path):
                    section.findings.add((*section.location, paths.name, path), mistake, key=True)
        return Expectation(
            side=side,
            box=box,
            location=section.location,
            data=data,
            json=section.mapping(shape.EXPECT_JSON),
            xpath=section.mapping(shape.EXPECT_XPATH),
            matches=section.value(shape.EXPECT_MATCHES),
            attributes=section.mapping(shape.TEST_ATTRIBUTES),
            headers={name: str(value) for name, value in section.mapping(shape.TEST_HEADERS).items()},
            status=section.value(shape.EXPECT_STATUS),
            message=section.value(shape.EXPECT_MESSAGE),
            least=0 if nothing else 1 if count is None else count,
            most=0 if nothing else count,
        )

    def _side(self, section: Section, puts: tuple[Put, ...]) -> tuple[Side, Box | None]:
        origin, at = self._box(section, shape.EXPECT_FROM), self._box(section, shape.EXPECT_AT)
        if shape.EXPECT_FROM in section and shape.EXPECT_AT in section:
            section.add("at", "it is seen where it leaves, or where it arrives. Write from: or at:.")
        if shape.EXPECT_FROM in section:
            return "from", origin
        if shape.EXPECT_AT in section:
            return "at", at
        asks = any(put.server for put in puts)
        if not asks and shape.EXPECT_STATUS not in section and shape.EXPECT_MESSAGE not in section:
            todo = "Write from: with the actor that sends it, or at: with the one that gets it."
            section.findings.add(section.location, f"where does it come? {todo}")
        return "put", None

    # --- parts ------------------------------------------------------------------------------------------------------

    def _box(self, section: Section, key: Key[str]) -> Box | None:
        """The box that a key names, where there is one."""
        text = section.value(key)
        if not text:
            return None
        try:
            box = parse_box(text)
        except ValueError as exc:
            section.add(key.name, str(exc))
            return None
        if box.actor not in self._actors:
            section.add(key.name, f'no actor is named "{box.actor}". {suggest(box.actor, self._actors)}')
            return None
        if box.box and (mistake := self._box_mistake(box, is_outbox=key.name == "from")):
            section.add(key.name, mistake)
        return box

    def _box_mistake(self, box: Box, *, is_outbox: bool) -> str:
        known = self._classes.get(box.actor)
        edges = self._topology.connections
        if is_outbox:
            there = {edge.outbox for edge in edges if edge.source == box.actor} | {*RESERVED}
            there |= {*known.outboxes} if known is not None else {str(box.box)}
        else:
            there = {edge.inbox for edge in edges if edge.destination == box.actor}
        what = "outbox" if is_outbox else "inbox"
        return "" if box.box in there else f'"{box.actor}" has no {what} "{box.box}". {suggest(str(box.box), there)}'

    def _data(self, section: Section, *, is_there: bool) -> Data | None:
        """The data that a section holds, None for none. `is_there`: a file has to be there already."""
        format_ = shape.FORMATS.get(section.value(shape.TEST_FORMAT), "")
        file = section.value(shape.TEST_FILE)
        has_data = shape.TEST_DATA.name in section.content
        if file and has_data:
            section.add("file", "the data stands here, or in a file. Write data: or file:.")
        if file and is_there and not is_file(self._base / file):
            section.add("file", f'there is no file "{file}". Paths start from the folder of this document.')
        if not file and not has_data:
            return None
        return Data(section.content.get(shape.TEST_DATA.name), self._base / file if file else None, format_)


def _is_server(known: ActorClass) -> bool:
    """Whether it answers over HTTP."""
    return known.answers and known.parameter("routes") is not None and bool(known.listens)


def _check_pattern(section: Section, key: Key[str]) -> None:
    try:
        re.compile(section.value(key))
    except re.error as exc:
        section.add(key.name, f'"{section.content[key.name]}" is no regular expression: {exc}. Correct it.')


def _each(section: Section, key: Key[Any]) -> Iterator[Section]:
    """The mappings that stand under a key: one, or a list of them."""
    given = section.content.get(key.name)
    several = given if isinstance(given, list) else [given]
    for number, value in enumerate(several):
        location: Location = (*section.location, key.name, *([number] if isinstance(given, list) else []))
        if isinstance(value, dict):
            yield Section(section.findings, location, value)
        elif value is not None or isinstance(given, list):
            section.findings.add(location, f"this is {type_words(value)}, not a mapping. Write it as {{key: value}}.")
