from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event, Http, JSONEvent
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.xml.xslt import XSLT


def sheet(content: str) -> str:
    return (
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" '
        'xmlns:exsl="http://exslt.org/common" exclude-result-prefixes="exsl" extension-element-prefixes="exsl">'
        f"{content}</xsl:stylesheet>"
    )


def template(content: str) -> str:
    return sheet(f'<xsl:template match="/">{content}</xsl:template>')


ORDER = "<order><total>12</total></order>"


def test_an_order_is_transformed() -> None:
    harness = Harness(XSLT, stylesheet=template('<sum currency="EUR"><xsl:value-of select="order/total"/></sum>'))
    event = Event(ORDER, attributes={"a": 1})
    harness.put(event)
    [result] = harness.taken()
    assert result.encoded() == ("x", b'<sum currency="EUR">12</sum>')
    assert (result.trace, result.get("a")) == (event.trace, 1)


def test_json_is_transformed_as_the_xml_that_it_stands_for() -> None:
    harness = Harness(XSLT, stylesheet=template('<sum><xsl:value-of select="order/total"/></sum>'))
    harness.put(JSONEvent({"order": {"total": 12}}))
    assert harness.taken()[0].encoded() == ("x", b"<sum>12</sum>")


def test_the_stylesheet_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "submit.xsl"
    path.write_text(template('<ü><xsl:value-of select="order/total"/></ü>'), encoding="utf-8")
    harness = Harness(XSLT, stylesheet={"file": str(path)})
    harness.put(Event(ORDER))
    assert harness.taken()[0].text() == "<ü>12</ü>"


def test_values_reach_the_stylesheet_as_text() -> None:
    content = '<xsl:param name="shop"/><xsl:template match="/"><a><xsl:value-of select="$shop"/></a></xsl:template>'
    harness = Harness(XSLT, stylesheet=sheet(content), values={"shop": 'it\'s "here"'})
    harness.put(Event(ORDER))
    assert harness.taken()[0].data.text == 'it\'s "here"'


def test_text_output_becomes_text() -> None:
    harness = Harness(
        XSLT, stylesheet=sheet('<xsl:output method="text"/><xsl:template match="/">1 &lt; 2</xsl:template>')
    )
    harness.put(Event(ORDER))
    assert harness.taken()[0].encoded() == ("t", b"1 < 2")


def test_html_output_is_text_that_a_browser_gets_as_html() -> None:
    content = '<xsl:output method="html"/><xsl:template match="/"><html><br/></html></xsl:template>'
    harness = Harness(XSLT, stylesheet=sheet(content))
    harness.put(Event(ORDER, http=Http()))
    [result] = harness.taken()
    assert result.data == "<html><br></html>\n"
    assert result.http is not None
    assert result.http.reply_headers == [("Content-Type", "text/html; charset=utf-8")]


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        ('<xsl:message terminate="yes">no &lt;total&gt; &amp; no sum</xsl:message>', "no <total> & no sum"),
        ('<xsl:message>first</xsl:message><xsl:message terminate="yes">second</xsl:message>', "second"),
        ('<xsl:message terminate="yes"/>', "the stylesheet stopped without a message"),
        ('<xsl:value-of select="nobody:knows()"/>', "Undefined namespace prefix"),
    ],
)
def test_a_stylesheet_that_stops_fails_the_event_with_its_reason(stop: str, message: str) -> None:
    harness = Harness(XSLT, stylesheet=template(f"<a>{stop}</a>"))
    harness.put(Event(ORDER))
    [failed] = harness.errors
    assert failed.failure is not None
    assert (failed.failure.kind, failed.failure.status, failed.failure.message) == ("MalformedEvent", 400, message)
    assert failed.text() == ORDER
    assert harness.taken() == []


def test_endless_recursion_fails_the_event() -> None:
    content = '<xsl:template match="/"><xsl:call-template name="a"/></xsl:template>'
    harness = Harness(
        XSLT, stylesheet=sheet(f'{content}<xsl:template name="a"><xsl:call-template name="a"/></xsl:template>')
    )
    harness.put(Event(ORDER))
    assert "recursion" in str(harness.errors[0].failure)


def test_messages_that_do_not_stop_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(XSLT, stylesheet=template("<a><xsl:message>seen</xsl:message></a>"))
    with caplog.at_level(logging.INFO):
        harness.put(Event(ORDER))
    assert "stylesheet: seen" in caplog.text
    assert len(harness.taken()) == 1


def test_what_is_not_xml_fails_with_its_line() -> None:
    harness = Harness(XSLT, stylesheet=template("<a/>"))
    harness.put(Event("<order>\n<total></order>"))
    [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 400
    assert "line 2" in failed.failure.message


def test_a_document_named_by_the_event_or_the_stylesheet_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret>password</secret>")
    for select in ("document(order/total)", f"document('{secret}')", f"document('{secret.as_uri()}')"):
        harness = Harness(XSLT, stylesheet=template(f'<a><xsl:copy-of select="{select}"/></a>'))
        harness.put(Event(f"<order><total>{secret.as_uri()}</total></order>"))
        assert harness.taken() == []
        [failed] = harness.errors
        assert failed.failure is not None
        assert "refused" in failed.failure.message


def test_a_stylesheet_includes_and_writes_no_files(tmp_path: Path) -> None:
    other = tmp_path / "other.xsl"
    other.write_text(template("<a/>"))
    for word in ("include", "import"):
        with pytest.raises(SettingsError, match=r'stylesheet: line 1 includes "file://.*", which is not among sheets'):
            Harness(XSLT, stylesheet=sheet(f'<xsl:{word} href="{other.as_uri()}"/>'))
    written = tmp_path / "written.xml"
    harness = Harness(XSLT, stylesheet=template(f'<exsl:document href="{written}"><b/></exsl:document><c/>'))
    harness.put(Event(ORDER))
    assert not written.exists()


def test_an_external_entity_in_an_event_fails_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    harness = Harness(XSLT, stylesheet=template('<a><xsl:value-of select="."/></a>'))
    harness.put(Event(f'<!DOCTYPE o [<!ENTITY x SYSTEM "{secret.as_uri()}">]><o>&x;</o>'))
    assert harness.taken() == []
    assert 'declares the entity "x"' in str(harness.errors[0].failure)


@pytest.mark.parametrize(
    ("text", "says"),
    [("<a", "line 1"), ("", "give a stylesheet, or sheets"), ("<a/>", "stylesheet"), (sheet("<xsl:nothing/>"), "")],
)
def test_a_stylesheet_that_is_none_is_found_before_the_first_event(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=f"^stylesheet: .*{says}"):
        Harness(XSLT, stylesheet=text)


def both(*outputs: str, content: str) -> str:
    made = "".join(f"<xsl:output {output}/>" for output in outputs)
    return sheet(f'{made}<xsl:template match="/">{content}</xsl:template>')


HTML = "<html><script>a&lt;b</script><br/></html>"


@pytest.mark.parametrize(
    ("stylesheet", "format_", "data"),
    [
        (both('encoding="UTF-8"', 'method="text"', content="<a>1 &lt; 2</a>"), "t", "1 < 2"),
        (both('method="text"', 'method="xml"', content="<a>1 &lt; 2</a>"), "x", "<a>1 &lt; 2</a>"),
        (both('method="html"', 'indent="no"', content="<html><br/></html>"), "t", "<html><br></html>\n"),
        (both(content=HTML), "t", "<html>\n<script>a<b</script><br>\n</html>\n"),
        (both('method="xml"', content=HTML), "x", HTML),
        (both(content=f"x{HTML}"), "", "more than one element, or text, at its top"),
        (both(content='<html xmlns="u"/>'), "x", '<html xmlns="u"/>'),
        (both(content="hi &lt; &amp; €"), "t", "hi < & €"),
        (both('method="xml"', content="<xsl:comment>c</xsl:comment>hi"), "t", "hi"),
        (both(content=""), "t", ""),
        (both(content="<a/><b/>"), "", "more than one element, or text, at its top"),
        (both(content="before<a/>"), "", "more than one element, or text, at its top"),
        (both(content="<a/>after"), "", "more than one element, or text, at its top"),
        (both(content="<xsl:comment>c</xsl:comment><a/><xsl:text>\n</xsl:text>"), "x", "<a/>"),
        (both('method="text" encoding="iso-8859-1"', content="€<a>1</a>"), "t", "€1"),
        (both('encoding="iso-8859-1"', content="<a>€</a>"), "x", "<a>€</a>"),
        (both('encoding="utf-16"', content="€"), "t", "€"),
    ],
)
def test_the_output_is_what_xslt_says(stylesheet: str, format_: str, data: str) -> None:
    harness = Harness(XSLT, stylesheet=stylesheet)
    harness.put(Event(ORDER))
    if format_:
        [result] = harness.taken()
        assert (result.encoded()[0], result.text()) == (format_, data)
    else:
        [failed] = harness.errors
        assert failed.failure is not None
        assert (failed.failure.kind, failed.failure.status) == ("UnsendableData", 500)
        assert data in failed.failure.message


RAW = '<xsl:text disable-output-escaping="yes">{}</xsl:text>'


@pytest.mark.parametrize(
    ("content", "format_", "data"),
    [
        (f"<r>{RAW.format('&lt;b&gt;')}</r>", "", "is not XML"),
        (f"<r>{RAW.format('&lt;b&gt;1&lt;/b&gt;')}</r>", "x", "<r><b>1</b></r>"),
        (RAW.format("&lt;r&gt;€&lt;/r&gt;"), "x", "<r>€</r>"),
        (f"<r>{RAW.format('&amp;nbsp;')}</r>", "", "is not XML"),
        (f"<r/>{RAW.format('&lt;s/&gt;')}", "", "is not XML"),
        (RAW.format("1 &lt; 2"), "t", "1 < 2"),
    ],
)
def test_what_is_written_unescaped_is_read_as_markup_or_fails_here(content: str, format_: str, data: str) -> None:
    harness = Harness(XSLT, stylesheet=both(content=content))
    harness.put(Event(ORDER))
    if format_:
        [result] = harness.taken()
        assert (result.encoded()[0], result.text()) == (format_, data)
    else:
        assert data in str(harness.errors[0].failure)
        assert harness.taken() == []


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ('method="text" encoding="foo"', 'line 1: there is no encoding "foo"'),
        ('method="json"', 'there is no output method "json"'),
    ],
)
def test_an_output_that_cannot_be_written_is_found_before_the_first_event(output: str, says: str) -> None:
    stylesheet = both('encoding="UTF-8"', output, content="<a/>")
    with pytest.raises(SettingsError, match=says):
        Harness(XSLT, stylesheet=stylesheet)
    [problem] = XSLT.check(XSLT.Params(stylesheet=stylesheet))
    assert says in problem.message


def test_a_literal_result_element_is_a_stylesheet() -> None:
    literal = (
        '<a xsl:version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:value-of select="order/total"/></a>'
    )
    harness = Harness(XSLT, stylesheet=literal)
    harness.put(Event(ORDER))
    assert harness.taken()[0].text() == "<a>12</a>"


SHEETS = {
    "submit.xsl": sheet(
        '<xsl:import href="common.xsl"/><xsl:template match="/"><s><xsl:call-template name="c"/></s></xsl:template>'
    ),
    "ack.xsl": sheet(
        '<xsl:include href="common.xsl"/><xsl:template match="/"><a><xsl:call-template name="c"/></a></xsl:template>'
    ),
    "common.xsl": sheet('<xsl:output method="text"/><xsl:template name="c">C</xsl:template>'),
}


def test_an_attribute_of_the_event_chooses_its_stylesheet() -> None:
    sheets = {"submit.xsl": template("<s/>"), "ack": template("<a/>")}
    harness = Harness(XSLT, sheets=sheets, chosen_by="sheet", stylesheet=template("<main/>"))
    for name in ("submit.xsl", "submit", "ack"):
        harness.put(Event(ORDER, attributes={"sheet": name}))
    harness.put(Event(ORDER))
    assert [event.text() for event in harness.taken()] == ["<s/>", "<s/>", "<a/>", "<main/>"]


@pytest.mark.parametrize("name", ["common.xsl", "../submit.xsl", "/etc/passwd", "nothing", 7, ["submit"], ""])
def test_an_event_that_chooses_what_is_no_stylesheet_fails(name: object) -> None:
    harness = Harness(XSLT, sheets=SHEETS, chosen_by="sheet")
    harness.put(Event(ORDER, attributes={"sheet": name}))
    [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 400
    assert ("there is no stylesheet" in failed.failure.message) == bool(name)


def test_sheets_include_and_import_each_other_by_name_and_their_output_counts() -> None:
    harness = Harness(XSLT, sheets=SHEETS, chosen_by="sheet")
    for name in ("submit", "ack"):
        harness.put(Event(ORDER, attributes={"sheet": name}))
    assert [event.encoded() for event in harness.taken()] == [("t", b"C"), ("t", b"C")]
    own = SHEETS["submit.xsl"].replace("<xsl:template", '<xsl:output method="xml"/><xsl:template')
    with_own = SHEETS | {"submit.xsl": own}
    harness = Harness(XSLT, sheets=with_own, stylesheet=with_own["submit.xsl"])
    harness.put(Event(ORDER))
    assert harness.taken()[0].encoded() == ("x", b"<s>C</s>")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"sheets": SHEETS}, "chosen_by: name the attribute"),
        ({"sheets": {"a": "<a"}, "chosen_by": "s"}, 'sheets: "a": the data is not XML'),
        ({"sheets": {"a": sheet('<xsl:include href="b"/>')}, "chosen_by": "s"}, 'line 1 includes "b"'),
        (
            {
                "sheets": {"a": sheet('<xsl:include href="b"/>'), "b": sheet('<xsl:include href="a"/>')},
                "chosen_by": "s",
                "stylesheet": sheet('<xsl:include href="a"/>'),
            },
            "stylesheet: ",
        ),
    ],
)
def test_sheets_that_cannot_be_used_are_found_before_the_first_event(given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Harness(XSLT, **given)
    assert says in str(caught.value)


def test_an_included_sheet_reads_no_file_either(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret>password</secret>")
    sheets = {"lib": sheet(f'<xsl:template name="c"><xsl:copy-of select="document(\'{secret}\')"/></xsl:template>')}
    main = '<xsl:include href="lib"/><xsl:template match="/"><a><xsl:call-template name="c"/></a></xsl:template>'
    harness = Harness(XSLT, sheets=sheets, stylesheet=sheet(main))
    harness.put(Event(ORDER))
    assert harness.taken() == []
    assert "refused" in str(harness.errors[0].failure)


def test_a_document_above_max_elements_is_refused_before_the_stylesheet_sees_it() -> None:
    harness = Harness(XSLT, stylesheet=template("<a/>"), max_elements=3)
    harness.put(Event("<a><b/><c/></a>"))
    harness.put(Event("<a><b/><c/><d/></a>"))
    assert len(harness.taken()) == 1
    assert "has 4 elements; this actor takes at most 3" in str(harness.errors[0].failure)
