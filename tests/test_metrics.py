"""Each page of docs/ with a table of metrics has a test that makes each of them move."""

from __future__ import annotations

import re

from tests.places import DOCS, ROOT
from tests.runtime.observe.reading import documented


def test_every_page_with_a_table_of_metrics_is_compared_with_tests_that_make_them_move() -> None:
    pages = {page.name for page in DOCS.glob("*.md") if documented(page.name)}
    texts = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    compared = {page for text in texts for page in re.findall(r'documented\("(\w+\.md)"\) .*MOVED\.names', text)}
    assert pages == compared
