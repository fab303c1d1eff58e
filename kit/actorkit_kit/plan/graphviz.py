"""`python -m actorkit_kit.plan.graphviz FORMAT`: reads DOT, writes SVG or what else Graphviz knows, that of pygraphviz.

A process of its own, as Graphviz writes what it thinks of the machine's fonts straight to stderr.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Draw what stands on stdin."""
    import pygraphviz

    graph = pygraphviz.AGraph(string=sys.stdin.read())
    sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))


if __name__ == "__main__":
    main()
