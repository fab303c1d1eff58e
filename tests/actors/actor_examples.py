"""The examples of docs/actors: what stands in their comments, and where they are run.

`# needs: PostgreSQL at 127.0.0.1:PORT` is a server that has to run before, `# try: COMMAND` what a reader types when
the topology runs, `# prints: TEXT` what a line of the topology's output, or of such a command's, holds then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.places import DOCS
from tests.ports import free_port

FOLDER = DOCS / "actors"
#: Where a port stands in a topology or in a command.
_PORT = re.compile(r"(?:port: |expose: \{\w+: |127\.0\.0\.1:|localhost:)(\d{4,5})\b")


@dataclass(frozen=True)
class Example:
    """A topology with comments, `text`, of the actor that its file is called after."""

    name: str
    text: str

    @property
    def tries(self) -> list[str]:
        return re.findall(r"^# try: (.+)$", self.text, re.MULTILINE)

    @property
    def prints(self) -> list[str]:
        return re.findall(r"^# prints: (.+)$", self.text, re.MULTILINE)

    @property
    def needs(self) -> list[tuple[str, int]]:
        """The servers of others that it needs, each with its port on this machine."""
        found = re.findall(r"^# needs: (.+) at 127\.0\.0\.1:(\d+)$", self.text, re.MULTILINE)
        return [(what, int(port)) for what, port in found]

    @property
    def says(self) -> str:
        """The first comment, which tells what the example shows."""
        lines = []
        for line in self.text.splitlines():
            if not line.startswith("# ") or line.startswith(("# try: ", "# prints: ", "# needs: ")):
                break
            lines.append(line.removeprefix("# "))
        return " ".join(lines)

    def placed(self, folder: Path) -> Example:
        """The example with ports that are free, as a topology in a folder; what is typed finds it there."""
        text = self.text.replace(f"docs/actors/{self.name}.yaml", str(folder / "topology.yaml"))
        for port in sorted(set(_PORT.findall(text))):
            text = re.sub(rf"\b{port}\b", str(free_port()), text)
        (folder / "topology.yaml").write_text(text)
        return Example(self.name, text)


def read(name: str) -> Example:
    """The example of an actor."""
    return Example(name, (FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def names() -> list[str]:
    """The actors that have one."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))
