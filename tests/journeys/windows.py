"""Windows of the journeys: signing in as somebody, keeping a picture, looking with axe."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import quote

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.architecture.source import ROOT
from tests.journeys.office import sign_in
from tests.journeys.stack import Stack

PICTURES = ROOT / "build" / "screenshots"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CHIEF, SOCIAL = "tomas@aurore.example", "jonas@aurore.example"
LEAD, AGENT = "ines@aurore.example", "david@aurore.example"
AUTHOR = "mei@aurore.example"
_ARRIVED = """() => Promise.allSettled(
    document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished))"""


def enter(page: Page, stack: Stack, email: str, path: str = "/inbox") -> None:
    page.goto(f"{stack.url}/sign-in?next={path}")
    page.fill("#email", email)
    page.fill("#password", stack.sign_ins[email])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}*")


def open_question(page: Page, stack: Stack, text: str) -> None:
    """Open the conversation in which somebody wrote `text`, once it is there."""
    page.goto(f"{stack.url}/inbox?view=open&q={quote(text)}&state=all")
    page.get_by_role("listitem").filter(has_text=text).get_by_role("link").click(timeout=30_000)
    expect(answer_box(page)).to_be_visible(timeout=20_000)


def hand_to(stack: Stack, page: Page, name: str) -> None:
    """The chief gives what is open to somebody."""
    chief = sign_in(stack, CHIEF)
    staff_id = next(one["id"] for one in chief.get("/staff", limit=50)["items"] if one["name"] == name)
    number = page.url.split("/inbox/")[1].split("?")[0]
    chief.post(f"/conversations/{number}/assign", {"staff_id": staff_id})
    expect(page.get_by_text(f"Assigned to {name}").first).to_be_visible(timeout=15_000)


def answer_box(page: Page) -> Locator:
    return page.get_by_role("textbox", name=re.compile("^Reply to"))


def in_month(page: Page, stack: Stack, words: str, zone: str) -> Locator:
    """The post with these words in the calendar, at the month it stands in: this one or one of the next three."""
    page.goto(f"{stack.url}/calendar?view=month&zone={zone}")
    chip = page.locator(".chip:not(.cancelled)", has_text=words)
    for _ in range(3):
        if chip.count():
            break
        page.get_by_role("button", name="Later").click()
        page.wait_for_timeout(700)
    return chip


def drag(page: Page, chip: Locator, since: datetime, days: int) -> datetime:
    """Picks up a post of the month, which is due at `since`, and carries it as many days to the right; it is not let
    go. Returns when it would be due."""
    expect(chip).to_be_visible()
    at, width = chip.bounding_box(), page.locator(".ec-day").first.bounding_box()
    assert at is not None
    assert width is not None
    page.mouse.move(at["x"] + 30, at["y"] + 8)
    page.mouse.down()
    page.mouse.move(at["x"] + 40 + width["width"], at["y"] + 8, steps=6)
    page.mouse.move(at["x"] + 30 + days * width["width"], at["y"] + 8, steps=6)
    day = since + timedelta(days=days)
    expect(page.locator(".chip.to")).to_contain_text(f"{day:%a} {day.day}, {day:%H:%M}")
    return day


def keep(page: Page, name: str) -> None:
    """Keep a picture, and have axe look at the page, once the colours that were on their way have arrived."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.evaluate(_ARRIVED)
    page.screenshot(path=str(PICTURES / f"{name}.png"))
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
