"""The limit of a container's memory, as control groups of both versions write it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actorkit.process.memory import memory_limit_bytes

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "134217728\n"}, 128 << 20),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, MACHINE),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/memory.max": "max\n",
                "sys/fs/cgroup/a/memory.max": "67108864\n",
            },
            64 << 20,
        ),
        ({"proc/self/cgroup": "0::/docker/ab\n", "sys/fs/cgroup/memory.max": "134217728\n"}, 128 << 20),
        (
            {
                "proc/self/cgroup": "9:cpu:/\n4:hugetlb,memory:/x\n0::/\n",
                "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "33554432\n",
            },
            32 << 20,
        ),
        (
            {"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"},
            MACHINE,
        ),
        ({"sys/fs/cgroup/memory.max": "134217728\n"}, 128 << 20),
        ({"proc/self/cgroup": "nonsense\n0::\n", "sys/fs/cgroup/memory.max": "-1\n"}, MACHINE),
        ({}, MACHINE),
    ],
)
def test_the_least_limit_of_group_ancestors_and_machine_counts(
    tmp_path: Path, files: dict[str, str], limit: int
) -> None:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert memory_limit_bytes(tmp_path) == limit


def test_this_process_has_a_limit() -> None:
    assert 0 < memory_limit_bytes() <= MACHINE
