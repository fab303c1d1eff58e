"""The table of values in the chart's README, from `values.yaml`. `python -m tests.kit.render.chart_docs` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from ruamel.yaml import YAML

from tests.places import ROOT

CHART: Final = ROOT / "charts" / "actorkit"
README: Final = CHART / "README.md"
BEGIN, END = "<!-- generated: values -->", "<!-- end -->"


def values() -> dict[str, Any]:
    """What the chart's values.yaml holds."""
    found: dict[str, Any] = YAML(typ="safe").load((CHART / "values.yaml").read_text())
    return found


def described() -> Iterator[tuple[str, str]]:
    """Each value that has a comment, by its path: the comment stands above it and begins with `# --`."""
    path: list[str] = []
    said: list[str] = []
    for line in (CHART / "values.yaml").read_text().splitlines():
        text, depth = line.strip(), (len(line) - len(line.lstrip())) // 2
        if text.startswith("# --"):
            said = [text.removeprefix("# --").strip()]
        elif text.startswith("#") and said:
            said.append(text.removeprefix("#").strip())
        elif text and not text.startswith(("#", "-")):
            path = [*path[:depth], text.partition(":")[0]]
            if said:
                yield ".".join(path), " ".join(said)
            said = []


def default(path: str) -> str:
    """The default of a value, as JSON."""
    value: Any = values()
    for key in path.split("."):
        value = value[key]
    return json.dumps(value)


def table() -> str:
    """A row for each value."""
    rows = [f"| `{path}` | `{default(path)}` | {meaning} |" for path, meaning in described()]
    return "\n".join(["| value | default | meaning |", "| --- | --- | --- |", *rows])


def rendered(text: str) -> str:
    """The README with the table as it must be."""
    before, _, after = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(rendered(README.read_text()))
