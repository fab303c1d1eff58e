"""The actors in processes of their own, where gevent has patched what waits."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.actors.sql.postgres import Server
from tests.kit.running import KitRun
from tests.until import until

TOPOLOGY = """
name: sql
clear: true
actors:
  orders: {{uses: generator, params: {{count: 300, interval_s: 0.01, data: {{item: tea, total: 12.5}}}}}}
  book:
    uses: sql-out
    params:
      url: "{url}"
      prepare: create table if not exists booked (event_key text primary key, item text, total real not null)
      table: booked
      columns: {{item: data/item, total: data/total}}
connections:
  - orders -> book
"""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The run finds no other one, and none finds it."""
    (tmp_path / "run").mkdir()
    return {"XDG_RUNTIME_DIR": str(tmp_path / "run")}


def test_a_topology_writes_to_postgresql_and_goes_on_while_a_lock_is_held(
    server: Server, tmp_path: Path, variables: dict[str, str]
) -> None:
    server.ask("create table booked (event_key text primary key, item text, total real not null)")
    try:
        (tmp_path / "topology.yaml").write_text(TOPOLOGY.format(url=server.url))
        with closing(KitRun(tmp_path, **variables)) as run:
            assert run.table()
            with closing(server.connect()) as lock:
                lock.execute("lock table booked")
                waiting = (
                    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%booked%'"
                )
                until(lambda: server.ask(waiting)[0][0], f"it waits for the lock: {run.said()}", pause_s=0.05)
            written = "select count(*) from booked"
            until(lambda: server.ask(written) == [(300,)], f"all are written: {run.said()}", pause_s=0.05)
            assert run.stop() == 0, run.said()
            assert "secret-word" not in run.said()
    finally:
        server.ask("drop table booked")
