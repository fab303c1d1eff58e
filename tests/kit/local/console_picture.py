"""The picture of the console in the docs: the orders example at work.

`python -m tests.kit.local.console_picture` makes it.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.browsing import Browser
from tests.integration import shop
from tests.kit.local.test_console import console_of
from tests.kit.running import KitRun
from tests.places import DOCS
from tests.ports import free_port

PICTURE: Final = DOCS / "console.png"
#: Width and height, in pixels.
SIZE: Final = (1180, 485)


def take() -> bytes:
    """The page as PNG while orders are placed."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        topology = shop.copy(Path(folder) / "orders", "orders", **{"http: 8080": f"http: {port}"})
        run, browser = KitRun(topology.parent, "-q"), Browser()
        try:
            browser.resize(*SIZE)
            browser.open(console_of(run))
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: shop.order(f"http://127.0.0.1:{port}"), range(400)))
            browser.await_text('[data-line="0"] .figures', "/s")
            browser.await_(lambda: len(browser.find(".line.busy")) >= 7, "every line is busy")
            return browser.picture()
        finally:
            browser.close()
            run.close()


if __name__ == "__main__":
    PICTURE.write_bytes(take())
