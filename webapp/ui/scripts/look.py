"""Takes the pictures by which the pages are judged: every page, four widths, both themes, both
languages, busy, and empty, broken, loading, with one part refused, and cut off from its server;
and runs axe on each. Needs the built application and Chromium.

    python webapp/ui/scripts/look.py OUT [--pages inbox,compose] [--scenes] [--only lift] [--quick]
        [--widths 1440] [--height 2600] [--modes busy]

Exits 1 when axe finds anything, a script error was thrown, or the browser refused something
under the content security policy.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, FilePayload, Page, sync_playwright

UI = Path(__file__).parents[1]
AXE = UI / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {"1440": (1440, 900), "1280": (1280, 800), "1024": (1024, 768), "390": (390, 844)}
PAGES = {
    "inbox": "/inbox?view=open",
    "talk": "/inbox/1?view=open",
    "compose": "/compose",
    "calendar": "/calendar",
    "needs-you": "/needs-you",
    "numbers": "/numbers",
    "accounts": "/accounts",
    "settings": "/settings",
    "list": "/calendar?view=list",
    "import": "/import",
    "approval": "/compose/3",
    "approved": "/compose/1",
    "sent-back": "/compose/5",
    "approvals": "/settings/approvals",
    "to-approve": "/needs-you/approvals",
    "to-settle": "/needs-you/deliveries",
    "slots": "/settings/slots",
    "people": "/settings/staff",
    "rights": "/settings/rights",
    "rules": "/settings/rules",
    "promises": "/settings/promises",
    "links": "/settings/links",
    "hashtags": "/settings/hashtags",
    "templates": "/settings/templates",
    "library": "/library",
}
# What only shows after somebody did something: the page, then the keys pressed or what is clicked
# (a role and a part of a name, by its place in the catalogue's English or French).
SCENES: dict[str, tuple[str, list[str]]] = {
    "link-form": ("/settings/links", ["css .rows button"]),
    "palette": ("/inbox?view=open", ["key Control+k", "type re"]),
    "keys": ("/inbox?view=open", ["key Shift+?"]),
    "brake": ("/inbox?view=open", ["css .foot button:nth-of-type(2)"]),
    "assign": ("/inbox/2?view=open", ["wait", "key a"]),
    "label": ("/inbox/2?view=open", ["wait", "key l"]),
    "close": ("/inbox/2?view=open", ["wait", "key e"]),
    "note": ("/inbox/2?view=open", ["wait", "key n", "type For @Jonas: the second one this week."]),
    "mention": ("/inbox/2?view=open", ["wait", "key n", "type Could @"]),
    "merge": ("/inbox/1?view=open", ["wait", "key m", "wait"]),
    "join-link": ("/inbox/1?view=open", ["wait", "key Shift+L", "wait", "type the", "wait"]),
    "canned": ("/inbox/2?view=open", ["wait", "key r", "type Hi :re"]),
    "canned-list": ("/inbox/2?view=open", ["wait", "css .tools > .menu-trigger:last-of-type", "wait"]),
    "canned-form": ("/settings/canned", ["wait", "css .rows .acts .button", "wait"]),
    "notices": ("/inbox?view=open", ["key g", "key m", "wait"]),
    "too-long": ("/inbox/1?view=open", ["wait", "key r", "type " + "Sorry about that. " * 18]),
    "emoji": ("/inbox/2?view=open", ["wait", "css [aria-label^='Ins'][aria-label*='moji']", "wait"]),
    "search": ("/inbox?q=the&state=all", []),
    "search-odd": ("/inbox?q=is:odd&state=all", []),
    "search-help": ("/inbox?view=open", ["css .find .button"]),
    "snooze": ("/inbox/2?view=open", ["wait", "key s"]),
    "cannot": ("/inbox/11?view=open", []),
    "bulk": ("/inbox?view=open", ["key j", "key x", "key j", "key x"]),
    "written": ("/compose/1", []),
    "thread": ("/compose/2", ["wait"]),
    "differs-files": ("/compose/2", ["wait", "css [role=tab]:nth-of-type(2)"]),
    "library-file": ("/library", ["wait", "css ul button"]),
    "from-library": ("/compose", ["wait", "css .drop button:nth-of-type(2)", "wait", "css .dialog ul button"]),
    "day": ("/compose", ["wait", "css .day-open"]),
    "twice": ("/compose?at=2026-10-25T02:30", ["wait", "css section li label"]),
    "sent": ("/compose/1", []),
    "take-down": ("/compose/1", ["wait", "css .account .acts .button"]),
    "resend": ("/needs-you", ["wait", "css article .acts .button:nth-of-type(2)"]),
    "week": ("/calendar?view=week&zone2=America/New_York", []),
    "queue": ("/compose", ["wait", "css section li label", "css .kinds label:nth-of-type(3)", "wait"]),
    "repeat": (
        "/compose",
        [
            "wait",
            "css section li label",
            "css .repeat select",
            "key ArrowDown",
            "key ArrowDown",
            "key ArrowDown",
            "key Enter",
            "wait",
        ],
    ),
    "series": ("/compose/8", ["wait", "css .series label:nth-of-type(2)"]),
    "clashes": ("/compose", ["wait", "css section li label", "css textarea", "type More trains on Sunday!", "wait"]),
    "link-card": (
        "/compose",
        [
            "wait",
            *(f"css section li:nth-of-type({n}) label" for n in (1, 3)),
            "css textarea",
            "type More trains https://northline.example/lyon",
            "wait",
            "wait",
            "wait",
        ],
    ),
    "link-gone": (
        "/compose",
        [
            "wait",
            "css section li:nth-of-type(3) label",
            "css textarea",
            "type See https://northline.example/gone",
            "wait",
            "wait",
            "wait",
        ],
    ),
    "hashtag": ("/compose", ["wait", "css section li label", "css textarea", "type Trains again. #tr", "wait"]),
    "tagged": (
        "/compose",
        [
            "wait",
            "css section li label",
            "css section li:nth-of-type(3) label",
            "css textarea",
            "type The winter timetable (https://northline.example/winter). All of it.",
            "wait",
        ],
    ),
    "slot-week": ("/settings/slots", ["wait", "css .rows .acts .button"]),
    "usage": ("/accounts", ["wait", "css li .acts .button:nth-of-type(2)"]),
    "versions": ("/compose/3", ["wait", "css .past summary", "css .past details:last-of-type summary"]),
    "link": ("/compose/3", ["wait", "css .guests > .button", "type Maître Roy", "wait"]),
    "link-made": ("/compose/3", ["wait", "css .guests > .button", "type Maître Roy", "css .dialog .primary", "wait"]),
    "break-glass": ("/compose/3", ["wait", "css .acts .button.quiet", "type The press calls at 03:00"]),
    "policy": ("/settings/approvals", ["wait", "css .rows .acts .button"]),
    "read-post": ("/needs-you/approvals", ["wait", "css .words"]),
    "approve-many": (
        "/needs-you/approvals",
        ["wait", "key j", "key x", "key j", "key x", "key a", "wait", "css .dialog .primary", "wait"],
    ),
    "settle-many": (
        "/needs-you/deliveries",
        ["wait", "css section:last-of-type .head input", "css .bar .button:nth-of-type(1)", "wait"],
    ),
    "away": ("/settings/me", ["wait", "css .away .button", "wait"]),
    "table": ("/import", ["wait", "file input[type=file]", "wait", "wait"]),
    "chosen": ("/calendar?view=list", ["wait", "css li input[type=checkbox]", "wait"]),
    "move": ("/calendar", ["wait", "css .chip.scheduled"]),
    "connect": ("/accounts", ["wait", "css header .primary"]),
    "health": ("/accounts", ["wait", "css li .acts .button"]),
    "best-times": ("/accounts?times=1&weekday=1&hour=8", ["wait"]),
    "suggested": ("/compose?account=1&account=2", ["wait", "css .best > .button"]),
    "person": ("/inbox?view=open", ["css .person-button"]),
    "waits": ("/numbers", ["wait", "css tfoot td a"]),
    "by-agent": ("/numbers?by=agent", []),
    "wall": ("/numbers?wall=1&days=1", []),
    # The last two: what one server was told stays, and the band would stand in every other picture.
    "braked": ("/inbox?view=open", ["css .foot button:nth-of-type(2)", "css .dialog .danger", "wait"]),
    "lift": (
        "/inbox?view=open",
        ["wait", "css .band button", "wait", "css .dialog li .choices label:nth-of-type(2)", "css .dialog summary"],
    ),
}
MODES = ("busy", "empty", "broken", "loading", "forbidden", "stale")
_PORT = 8171  # and the next ones, one for each mode


@contextmanager
def fixture_server(mode: str, language: str) -> Iterator[str]:
    """The built pages over the made-up API; its address."""
    port = _PORT + MODES.index(mode)
    serving = "busy" if mode == "stale" else mode
    command = ["node", str(UI / "fixtures" / "serve.mjs"), str(port), serving, language]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise SystemExit(f"{address} did not start")


def shots(quick: bool) -> Iterator[tuple[str, str, str, str]]:
    """(mode, width, theme, language) of each picture."""
    for mode in ("busy",) if quick else MODES:
        for width in WIDTHS:
            for theme in ("light",) if quick else ("light", "dark"):
                for language in ("en",) if quick else ("en", "fr"):
                    if mode != "busy" and (theme, language) not in {("light", "en"), ("dark", "fr")}:
                        continue
                    yield mode, width, theme, language


def axe(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{found['id']} ({found['impact']}): {node['target']} {node.get('failureSummary', '')[:300]}"
        for found in result["violations"]
        for node in found["nodes"][:3]
    ]


def _hear(page: Page, where: str, wrong: list[str]) -> None:
    """Note what the page says that is wrong with it."""

    def note(said: ConsoleMessage) -> None:
        if said.type == "error" and "Failed to load resource" not in said.text:
            wrong.append(f"{where}: {said.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: wrong.append(f"{where}: {error}"))


def do(page: Page, act: str) -> None:
    """One act of a scene. What is not there at this width is left out."""
    kind, _, what = act.partition(" ")
    if kind == "key":
        page.keyboard.press(what)
    elif kind == "type":
        page.keyboard.type(what)
    elif kind == "css" and page.locator(what).first.is_visible():
        page.locator(what).first.click(timeout=3000)
    elif kind == "file":
        table = FilePayload(name="winter-2026.xlsx", mimeType="application/octet-stream", buffer=b"read by nobody")
        page.locator(what).first.set_input_files(table)
    page.wait_for_timeout(500)


def cut_off(page: Page) -> None:
    """The server has not been heard for minutes."""
    page.context.set_offline(True)
    page.clock.fast_forward(120_000)
    page.wait_for_timeout(300)
    page.context.set_offline(False)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--pages", default=",".join(PAGES))
    arguments.add_argument("--widths", default=",".join(WIDTHS))
    arguments.add_argument("--height", type=int, help="of every picture, to see long pages whole")
    arguments.add_argument("--modes", default=",".join(MODES))
    arguments.add_argument("--only", default=",".join(SCENES), help="these scenes")
    arguments.add_argument("--scenes", action="store_true", help="also what shows after an act")
    arguments.add_argument("--quick", action="store_true")
    asked = arguments.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for mode, width, theme, language in shots(asked.quick):
            if width not in asked.widths.split(",") or mode not in asked.modes.split(","):
                continue
            with fixture_server(mode, language) as address:
                size = WIDTHS[width]
                context = browser.new_context(
                    viewport={"width": size[0], "height": asked.height or size[1]}, bypass_csp=False, locale=language
                )
                kept = f'{{"theme": "{theme}", "language": "{language}"}}'
                context.add_init_script(f"localStorage.setItem('guichet.preferences', JSON.stringify({kept}))")
                wanted = [name for name in asked.pages.split(",") if name]
                if asked.scenes and mode == "busy":
                    wanted += [name for name in SCENES if name in asked.only.split(",")]
                for name in wanted:
                    page = context.new_page()
                    if mode == "stale":
                        page.clock.install()
                    where = f"{name}-{mode}-{width}-{theme}-{language}"
                    _hear(page, where, wrong)
                    path, acts = SCENES.get(name) or (PAGES[name], [])
                    page.goto(address + path, wait_until="domcontentloaded")
                    page.wait_for_timeout(900)
                    for act in acts:
                        do(page, act)
                    if mode == "stale":
                        cut_off(page)
                    page.screenshot(path=asked.out / f"{where}.png")
                    wrong += [f"{where}: {found}" for found in axe(page)]
                    page.close()
                context.close()
        browser.close()
    print("\n".join(wrong) or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
