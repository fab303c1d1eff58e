from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event, JSONEvent, XMLEvent, params
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.xml.xsd import XSD

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
SCHEMA = f"""<xs:schema {XS}>
  <xs:element name="order"><xs:complexType>
    <xs:sequence><xs:element name="total" type="xs:decimal"/><xs:element name="item" maxOccurs="9"/></xs:sequence>
    <xs:attribute name="id" type="xs:int"/>
  </xs:complexType></xs:element>
</xs:schema>"""
VALID = '<?xml version="1.0"?>\n<!-- an order --><order id="1"><total>1</total><item>a</item></order>'


def failure(harness: Harness[Any], data: Any) -> Any:
    harness.put(Event(data))
    [failed] = harness.errors
    assert harness.taken() == []
    return failed.failure


def test_what_is_valid_goes_on_byte_for_byte() -> None:
    harness = Harness(XSD, schema=SCHEMA)
    event = Event(VALID, attributes={"a": 1}, service="s")
    harness.put(event)
    [passed] = harness.taken()
    assert passed.encoded() == ("t", VALID.encode())
    assert (passed.trace, passed.get("a"), passed.service) == (event.trace, 1, "s")


def test_json_is_looked_at_as_xml_and_goes_on_as_json() -> None:
    harness = Harness(XSD, schema=SCHEMA)
    harness.put(JSONEvent({"order": {"total": 1, "item": ["a", "b"]}}))
    harness.put(JSONEvent({"order": {"total": "x", "item": "a"}}))
    assert harness.taken()[0].data == {"order": {"total": 1, "item": ["a", "b"]}}
    assert len(harness.errors) == 1


def test_each_mistake_is_told_with_its_line() -> None:
    found = failure(Harness(XSD, schema=SCHEMA), '<order id="x">\n<total>much</total>\n<thing/></order>')
    assert (found.kind, found.status) == ("MalformedEvent", 400)
    assert [error.details["line"] for error in found.errors] == [1, 2, 3]
    assert [error.code for error in found.errors] == [
        "SCHEMAV_CVC_DATATYPE_VALID_1_2_1",
        "SCHEMAV_CVC_DATATYPE_VALID_1_2_1",
        "SCHEMAV_ELEMENT_CONTENT",
    ]
    assert found.errors[1].message.startswith("line 2: Element 'total': 'much' is not a valid value")


def test_no_more_mistakes_are_told_than_max_errors_and_none_is_long() -> None:
    harness = Harness(XSD, schema=SCHEMA, max_errors=2)
    assert len(failure(harness, '<order id="x"><total>much</total><thing/></order>').errors) == 2
    assert len(failure(harness, f"<order><total>{'x' * 100_000}</total><item/></order>").message) < 1100


def test_without_a_schema_xml_has_to_be_well_formed() -> None:
    harness = Harness(XSD)
    harness.put(Event("<a/>"))
    assert len(harness.taken()) == 1
    assert failure(harness, "<a>").message.startswith("the data is not XML")


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("<a", "schema: the data is not XML"),
        ("<a/>", "schema: The XML document 'in_memory_buffer' is not a schema document."),
        (f'<xs:schema {XS}><xs:element name="a" type="b"/></xs:schema>', "schema: "),
        (f'<xs:schema {XS}>\n<xs:include schemaLocation="/etc/passwd"/></xs:schema>', 'line 2 includes "/etc/passwd"'),
        (f'<xs:schema {XS}><xs:import schemaLocation="http://127.0.0.1:1/x"/></xs:schema>', "not among includes"),
        (f'<xs:schema {XS}><xs:redefine schemaLocation="../x.xsd"/></xs:schema>', "not among includes"),
    ],
)
def test_a_schema_that_is_none_is_found_before_the_first_event(schema: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Harness(XSD, schema=schema)
    assert says in str(caught.value)
    [problem] = XSD.check(params.build(XSD.Params, {"schema": schema}))
    assert problem.path == "schema"
    assert "\n" not in problem.message


def test_a_schema_includes_what_it_is_given_by_name() -> None:
    types = f'<xs:schema {XS}><xs:include schemaLocation="more.xsd"/><xs:element name="a" type="T"/></xs:schema>'
    more = (
        f'<xs:schema {XS}><xs:simpleType name="T"><xs:restriction base="xs:string"><xs:maxLength value="2"/>'
        "</xs:restriction></xs:simpleType></xs:schema>"
    )
    includes = {"sub/types.xsd": types, "more.xsd": more}
    main = f'<xs:schema {XS}><xs:include schemaLocation="sub/types.xsd"/></xs:schema>'
    harness = Harness(XSD, schema=main, includes=includes)
    harness.put(Event("<a>12</a>"))
    assert len(harness.taken()) == 1
    assert "maximum length" in failure(harness, "<a>123</a>").message
    with pytest.raises(SettingsError, match=r'includes: "sub/types.xsd": line 1 includes "more.xsd"'):
        Harness(XSD, schema=main, includes={"sub/types.xsd": types})


def test_a_schema_that_an_event_names_is_not_read(tmp_path: Path) -> None:
    other = tmp_path / "other.xsd"
    other.write_text(f'<xs:schema {XS} targetNamespace="urn:o"><xs:element name="e" type="xs:int"/></xs:schema>')
    lax = (
        f'<xs:schema {XS}><xs:element name="a"><xs:complexType><xs:sequence><xs:any processContents="lax"/>'
        "</xs:sequence></xs:complexType></xs:element></xs:schema>"
    )
    harness = Harness(XSD, schema=lax)
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    harness.put(Event(f'<a {xsi} xsi:schemaLocation="urn:o {other}"><e xmlns="urn:o">no int</e></a>'))
    assert len(harness.taken()) == 1, "the event's schema would refuse it"


def test_an_external_entity_and_a_bomb_are_refused() -> None:
    harness = Harness(XSD, schema=SCHEMA)
    for doctype in ('<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE o [<!ENTITY x "xx">]>'):
        assert 'declares the entity "x"' in failure(harness, f"{doctype}<order>&x;</order>").message


def test_threads_do_not_mix_up_their_mistakes() -> None:
    harness = Harness(XSD, schema=SCHEMA)
    good, found = Event(VALID), list[str]()

    def work(number: int) -> None:
        bad = Event(f"<order><total>{number}x</total><item/></order>")
        for _ in range(200):
            harness.actor.consume(_arrived(good))
            try:
                harness.actor.consume(_arrived(bad))
            except Exception as exc:  # noqa: BLE001
                found.append(str(number) if f"'{number}x'" in str(exc) else str(exc))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == sorted(str(number) for number in range(4) for _ in range(200))


def _arrived(event: Event) -> Any:
    return XMLEvent.received(event.parcel())
