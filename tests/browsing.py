"""A real browser for tests: Debian's Chromium, driven by selenium. It reaches this machine and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tests import needs
from tests.until import until

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")

#: All names but addresses of this machine lead nowhere, and nothing is asked on Chromium's own behalf.
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--no-first-run",
)

#: What the protocol calls it to find by a selector of CSS (WebDriver §12.3).
_BY_SELECTOR: Final = "css selector"

#: Keys that write no character, by the numbers that Chromium has for them.
CODES = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Browser:
    """One browser with one page."""

    def __init__(self) -> None:
        try:
            from selenium.webdriver import Chrome
            from selenium.webdriver.chrome.options import Options
            from selenium.webdriver.chrome.service import Service
        except ImportError:
            needs.missing("needs selenium")
        options = Options()
        options.binary_location = needs.tool("chromium")
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self._driver = Chrome(options=options, service=Service(needs.tool("chromedriver")))
        self.resize(1300, 850)

    def close(self) -> None:
        self._driver.quit()

    def open(self, url: str) -> None:
        """Load a page anew; what was logged before is forgotten."""
        self._driver.get("about:blank")
        self.complaints()
        self.asked()
        self._driver.get(url)

    def resize(self, width: int, height: int) -> None:
        """Make the page so large, in pixels of CSS."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._driver.execute_cdp_cmd(name, parameters)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self._driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What Chromium has complained about since it was asked last: errors, and what a policy did not allow."""
        return [entry["message"] for entry in self._log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def asked(self) -> list[str]:
        """The URLs that the page has asked for since this was called last."""
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._driver.get_log(kind)  # type: ignore[no-untyped-call]  # selenium's
        return found

    def find(self, selector: str) -> list[WebElement]:
        return self._driver.find_elements(_BY_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text of the first element, as a reader sees it or would hear it; "" without one."""
        found: str = self.run(
            "const one = document.querySelector(arguments[0]); return one ? one.textContent : ''", selector
        )
        return found

    def await_text(self, selector: str, part: str) -> str:
        """The text of an element, once it has that part."""
        return until(
            lambda: text if part in (text := self.text(selector)) else "", f'"{part}" in {selector}', pause_s=0.05
        )

    def await_(self, condition: Callable[[], T | None], what: str) -> T:
        """Wait for a condition that is asked in the page."""
        return until(condition, what, pause_s=0.05)

    def click_text(self, selector: str, text: str) -> None:
        """Click the first of these elements that has this text."""
        self.await_(lambda: [one for one in self.find(selector) if one.text == text], f"{text} is there")[0].click()

    def press(self, *keys: str) -> None:
        """Press keys, each by itself, wherever the focus is: `t`, `Enter` (UI Events KeyboardEvent key Values)."""
        for key in keys:
            code = CODES.get(key, ord(key[0].upper()))
            text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
            self.command("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
            self.command("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def picture(self) -> bytes:
        """The page as PNG."""
        return self._driver.get_screenshot_as_png()
