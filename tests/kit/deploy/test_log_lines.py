"""Lines of logs, as compose writes them and as `kit logs` does."""

from __future__ import annotations

import json

from actorkit_kit.deploy.log_lines import LogLine, read_lines

WRITTEN = """\
\x1b[2Kexecute-1     | 2026-11-28T20:51:28.1Z {"time": "2026-11-28T20:51:28.099Z", "level": "warning", "topology": \
"orders", "actor": "execute", "instance": "execute-7f", "logger": "a", \
"message": "no", "event": "4f1c", "exception": "Tr:\\n  x"}
web-1  | 2026-11-28T20:51:27.999999999Z bare words | with a bar
no such line
web-1  | 2026-11-28T20:51:28.123456789Z
prometheus-1  | 2026-11-28T20:51:28.12Z [1]
"""


def lines() -> list[LogLine]:
    return sorted(read_lines(WRITTEN.splitlines(keepends=True)))


def test_lines_of_all_instances_are_in_the_order_of_time() -> None:
    assert [(line.instance, line.time[17:]) for line in lines()] == [
        ("web-1", "27.999999999Z"),
        ("execute-1", "28.100000000Z"),
        ("prometheus-1", "28.120000000Z"),
        ("web-1", "28.123456789Z"),
    ]


def test_people_read_time_instance_level_and_message() -> None:
    bare, ours, list_, empty = lines()
    assert list(bare.for_people(9)) == ["2026-11-28 20:51:27.999 web-1             bare words | with a bar"]
    assert list(ours.for_people(9)) == [
        "2026-11-28 20:51:28.100 execute-1 warning no event=4f1c",
        "                        execute-1         Tr:",
        "                        execute-1           x",
    ]
    assert list(list_.for_people(0)) == ["2026-11-28 20:51:28.120 prometheus-1         [1]"]
    assert list(empty.for_people(0)) == ["2026-11-28 20:51:28.123 web-1         "]


def test_what_a_stranger_wrote_steers_no_terminal() -> None:
    (line,) = LogLine("2026-11-28T20:51:28.1Z", "a", '{"message": "\\u001b[2J\\nforged"}').for_people(1)
    assert line.endswith(r"\x1b[2J\x0aforged")


def test_machines_read_one_object_a_line() -> None:
    bare, ours, *_ = (json.loads(line.for_machines()) for line in lines())
    assert bare == {
        "time": "2026-11-28T20:51:27.999999999Z",
        "message": "bare words | with a bar",
        "container": "web-1",
    }
    assert (ours["time"], ours["instance"], ours["container"]) == (
        "2026-11-28T20:51:28.099Z",
        "execute-7f",
        "execute-1",
    )
    assert ours["exception"] == "Tr:\n  x"
