"""A real Chromium on a real server: found by name, started on a free port, watched for trouble."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "test-results"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


@dataclass
class Server:
    """The studio in a process of its own; it can be killed and started again on its port."""

    workspace: Path
    port: int = field(default_factory=lambda: free_port())
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        command = [sys.executable, str(ROOT / "xtts_demo.py"), "--workspace", str(self.workspace)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
            # From another folder, as a user may: nothing may depend on the current one.
            cwd=self.workspace.parent,
            env={**os.environ, **self.environ},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "The studio is at" in line, line
        return self

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")  # its event loop would be in the way of the tests after it
def chromium() -> Iterator[Any]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no Chromium is installed here (looked for {', '.join(NAMES)})")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Tab:
    """One tab of the browser with everything that it asked for and complained about."""

    page: Any
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    under_way: set[Any] = field(default_factory=set)
    """Requests of handlers, and the stream of their answers, which ends with the last of them."""
    moved: float = 0.0
    """When one of these began or ended."""

    def watch(self) -> Tab:
        self.page.on("request", self._request)
        self.page.on("requestfinished", self._answered)
        self.page.on("requestfailed", self._answered)  # so ends a stream, too
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.set_default_timeout(180_000)
        return self

    def _request(self, request: Any) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            self.outside.append(request.url)
        if "/queue/" in request.url:
            self.under_way.add(request)
            self.moved = time.monotonic()

    def _answered(self, request: Any) -> None:
        self.under_way.discard(request)
        self.moved = time.monotonic()

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def open(self, url: str) -> Tab:
        self.page.goto(url)
        self.page.wait_for_selector("#pages [role=tab]")
        return self

    def turn_to(self, name: str) -> None:
        """Go to a page of the studio."""
        pages = ["dataset", "train", "speak", "g2p", "phonemes", "system"]
        self._tab("#pages", "page", pages, name)
        self.page.locator(f"#page-{name}").wait_for(state="visible")

    def view(self, name: str) -> None:
        """Go to a view of the Dataset page."""
        views = ["sources", "transcribe", "check", "clips", "versions"]
        self._tab("#dataset-views", "dataset-view", views, name)
        self.page.locator(f"#dataset-view-{name}").wait_for(state="visible")

    def _tab(self, box: str, kind: str, order: list[str], name: str) -> None:
        """Click a tab, through the menu where the window is too narrow for all.

        A slow browser moves tabs into the menu while one is about to be clicked: then once more.
        """
        from playwright.sync_api import TimeoutError as Late

        menu = self.page.locator(f"{box} > .tab-wrapper")
        words = menu.locator(".tab-container.visually-hidden button")
        button = self.page.locator(f"#{kind}-{name}-button")

        def clicked() -> bool:
            try:
                if button.count():
                    button.click(timeout=15_000)
                    return True
                label = words.nth(order.index(name)).inner_text(timeout=15_000)
                choice = menu.locator(".overflow-dropdown button").get_by_text(label, exact=True)
                if not choice.is_visible():
                    menu.get_by_label("More tabs").click(timeout=15_000)
                choice.click(timeout=15_000)
            except Late:
                return False
            return True

        self.until(clicked, 120, f"the tab {name} is clicked")

    def settled(self) -> Tab:
        """Wait until the server has answered everything that the page asked, and it is drawn.

        What a test does before that, a late answer may take back. The end of a stream that the page
        closed itself is not always told, so that nothing for half a minute is an end, too.
        """
        quiet = 0

        def still() -> bool:
            nonlocal quiet
            self._drawn()
            busy = self.under_way and time.monotonic() - self.moved < 30
            quiet = 0 if busy else quiet + 1
            return quiet == 3

        self.until(still, 180, "all is answered")
        return self

    def _drawn(self) -> None:
        frame = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
        for _ in range(2):
            self.page.evaluate(frame)

    def fill(self, box: Any, text: str) -> None:
        """Write into a text box; a loaded browser hands a value on later than it shows it."""
        box.fill(text)
        self._drawn()
        self.until(lambda: box.input_value() == text, 30, "the text is kept")

    def fits(self) -> None:
        """Wait until nothing sticks out of the window sideways."""
        sizes = "[document.documentElement.scrollWidth, window.innerWidth]"

        def narrow() -> bool:
            wide, room = self.page.evaluate(sizes)
            return bool(wide <= room)

        self.until(narrow, 30, "the page fits into the window")

    def picture(self, name: str) -> Path:
        PICTURES.mkdir(exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def until(self, condition: Any, seconds: float, what: str) -> None:
        """Wait until a Python condition holds: the seconds of a quiet machine, three times."""
        deadline = time.monotonic() + 3 * seconds
        while time.monotonic() < deadline:
            if condition():
                return
            self.page.wait_for_timeout(250)
        self.picture("failed-" + re.sub(r"\W+", "-", what))
        raise AssertionError(f"after {seconds} s still not: {what}")


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """Return a function that opens a fresh tab: `tab(width=1280, scheme="light")`."""
    opened = []

    def new(width: int = 1280, scheme: str = "light") -> Tab:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        opened.append(context)
        return Tab(context.new_page()).watch()

    yield new
    for context in opened:
        context.close()


@pytest.fixture(scope="module")  # a studio that stays takes time from all tests after it
def serve(chromium: Any) -> Iterator[Any]:
    """Return a function that starts a studio: `serve(workspace)`; skipped without a browser."""
    started: list[Server] = []

    def start(workspace: Path, **environ: str) -> Server:
        started.append(Server(workspace, environ=environ).start())
        return started[-1]

    yield start
    for one in started:
        one.kill()
