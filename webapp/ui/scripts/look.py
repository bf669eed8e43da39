"""Takes the pictures by which the pages are judged: every page, three widths, both themes, both
languages, busy, empty and broken; and runs axe on each. Needs the built application and Chromium.

    python webapp/ui/scripts/look.py OUT [--pages inbox,compose] [--scenes] [--widths 1440] [--quick]

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

from playwright.sync_api import Page, sync_playwright

UI = Path(__file__).parents[1]
AXE = UI / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {"1440": (1440, 900), "1024": (1024, 768), "390": (390, 844)}
PAGES = {
    "inbox": "/inbox?view=open",
    "talk": "/inbox/1?view=open",
    "compose": "/compose",
    "calendar": "/calendar",
    "needs-you": "/needs-you",
    "numbers": "/numbers",
    "accounts": "/accounts",
    "settings": "/settings",
}
# What only shows after somebody did something: the page, then the keys pressed or what is clicked
# (a role and a part of a name, by its place in the catalogue's English or French).
SCENES: dict[str, tuple[str, list[str]]] = {
    "palette": ("/inbox?view=open", ["key Control+k", "type re"]),
    "keys": ("/inbox?view=open", ["key Shift+?"]),
    "brake": ("/inbox?view=open", ["css .foot button:nth-of-type(2)"]),
    "assign": ("/inbox/2?view=open", ["wait", "key a"]),
    "label": ("/inbox/2?view=open", ["wait", "key l"]),
    "close": ("/inbox/2?view=open", ["wait", "key e"]),
    "note": ("/inbox/2?view=open", ["wait", "key n", "type For @Jonas: the second one this week."]),
    "too-long": ("/inbox/1?view=open", ["wait", "key r", "type " + "Sorry about that. " * 18]),
    "emoji": ("/inbox/2?view=open", ["wait", "css [aria-label^='Ins'][aria-label*='moji']", "wait"]),
    "snooze": ("/inbox/2?view=open", ["wait", "key s"]),
    "cannot": ("/inbox/11?view=open", []),
    "bulk": ("/inbox?view=open", ["key j", "key x", "key j", "key x"]),
    "written": ("/compose/1", []),
    "thread": ("/compose/2", ["wait"]),
    "differs-files": ("/compose/2", ["wait", "css [role=tab]:nth-of-type(2)"]),
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
    "slots": ("/settings/slots", ["wait", "css .rows .acts .button"]),
    "move": ("/calendar", ["wait", "css .chip.scheduled"]),
    "connect": ("/accounts", ["wait", "css header .primary"]),
    "health": ("/accounts", ["wait", "css li .acts .button"]),
    "person": ("/inbox?view=open", ["css .person-button"]),
    "waits": ("/numbers", ["wait", "css tfoot td a"]),
    "by-agent": ("/numbers?by=agent", []),
    "wall": ("/numbers?wall=1&days=1", []),
    # The last two: what one server was told stays, and the band would stand in every other picture.
    "braked": ("/inbox?view=open", ["css .foot button:nth-of-type(2)", "css .dialog .danger", "wait"]),
    "lift": ("/inbox?view=open", ["wait", "css .band button", "wait", "css .dialog li .choices label:nth-of-type(2)"]),
}
PORTS = {"busy": 8171, "empty": 8172, "broken": 8173}


@contextmanager
def fixture_server(mode: str, language: str) -> Iterator[str]:
    """The built pages over the made-up API; its address."""
    command = ["node", str(UI / "fixtures" / "serve.mjs"), str(PORTS[mode]), mode, language]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{PORTS[mode]}"
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
    for mode in ("busy",) if quick else ("busy", "empty", "broken"):
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


def do(page: Page, act: str) -> None:
    """One act of a scene. What is not there at this width is left out."""
    kind, _, what = act.partition(" ")
    if kind == "key":
        page.keyboard.press(what)
    elif kind == "type":
        page.keyboard.type(what)
    elif kind == "css" and page.locator(what).first.is_visible():
        page.locator(what).first.click(timeout=3000)
    page.wait_for_timeout(500)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--pages", default=",".join(PAGES))
    arguments.add_argument("--widths", default=",".join(WIDTHS))
    arguments.add_argument("--scenes", action="store_true", help="also what shows after an act")
    arguments.add_argument("--quick", action="store_true")
    asked = arguments.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for mode, width, theme, language in shots(asked.quick):
            if width not in asked.widths.split(","):
                continue
            with fixture_server(mode, language) as address:
                size = WIDTHS[width]
                context = browser.new_context(
                    viewport={"width": size[0], "height": size[1]}, bypass_csp=False, locale=language
                )
                kept = f'{{"theme": "{theme}", "language": "{language}"}}'
                context.add_init_script(f"localStorage.setItem('guichet.preferences', JSON.stringify({kept}))")
                wanted = [name for name in asked.pages.split(",") if name]
                if asked.scenes and mode == "busy":
                    wanted += SCENES
                for name in wanted:
                    page = context.new_page()
                    where = f"{name}-{mode}-{width}-{theme}-{language}"
                    page.on("pageerror", lambda error, at=where: wrong.append(f"{at}: {error}"))
                    page.on(
                        "console",
                        lambda said, at=where: (
                            wrong.append(f"{at}: {said.text}")
                            if said.type == "error" and "Failed to load resource" not in said.text
                            else None
                        ),
                    )
                    path, acts = SCENES.get(name) or (PAGES[name], [])
                    page.goto(address + path, wait_until="domcontentloaded")
                    page.wait_for_timeout(900)
                    for act in acts:
                        do(page, act)
                    page.screenshot(path=asked.out / f"{where}.png")
                    wrong += [f"{where}: {found}" for found in axe(page)]
                    page.close()
                context.close()
        browser.close()
    print("\n".join(wrong) or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
