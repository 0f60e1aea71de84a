"""A real browser for pages: one Chromium a module, and what it met while it showed a page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium. `make browser` brings it; without it a test fails, for it cannot say that a page is well."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "no Chromium on this machine: run `make browser`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Shown:
    """A page in the browser, with every request, dialog, error and message that it gave rise to."""

    page: Page
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def wait(self) -> Shown:
        """Wait until the page's script has taken its data."""
        self.page.wait_for_selector("html[data-ready=yes]", state="attached")
        return self

    def violations(self) -> list[str]:
        """Ask axe-core what people with a screen reader, a keyboard or weak eyes would stumble over."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate("() => axe.run().then(result => result.violations)")
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@contextmanager
def showing(browser: Browser, path: Path, *, fragment: str = "", **context: Any) -> Iterator[Shown]:
    """Show a file as a person does who opens it, offline."""
    opened = browser.new_context(offline=True, **context)
    shown = Shown(opened.new_page())
    shown.page.on("request", lambda request: shown.requests.append(request.url))
    shown.page.on("dialog", lambda dialog: (shown.dialogs.append(dialog.message), dialog.dismiss()))
    shown.page.on("pageerror", lambda error: shown.errors.append(str(error)))
    shown.page.on("console", lambda message: shown.errors.append(message.text) if message.type == "error" else None)
    shown.page.goto(f"{path.as_uri()}{fragment}")
    yield shown.wait()
    opened.close()
