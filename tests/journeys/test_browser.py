"""The day at the counter in Chromium, as its people click it; pictures of it are kept in
build/screenshots. Every page it passes is examined by axe."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.architecture.source import ROOT
from tests.journeys.office import eventually, ledger, say
from tests.journeys.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PICTURES = ROOT / "build" / "screenshots"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SOCIAL, LEAD = "jonas@aurore.example", "ines@aurore.example"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: make test-all installs it")
        pytest.skip("no Chromium here: make test-all installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window in which nothing may go wrong unnoticed: a script error or a refusal by the
    content security policy fails the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None)
    yield page
    context.close()
    assert wrong == []


def enter(page: Page, stack: Stack, email: str, path: str = "/inbox") -> None:
    page.goto(f"{stack.url}/sign-in?next={path}")
    page.fill("#email", email)
    page.fill("#password", stack.sign_ins[email])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}*")


def keep(page: Page, name: str) -> None:
    """Keep a picture, and have axe look at the page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(PICTURES / f"{name}.png"))
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(
    ("network", "title", "typed"),
    [
        ("x", "X", {}),
        ("mastodon", "Mastodon", {}),
        ("bluesky", "Bluesky", {"identifier": "auroreclub.test"}),
        ("email", "E-mail", {"address": "club@auroreair.example"}),
    ],
)
def test_an_account_is_connected_by_hand(
    page: Page, stack: Stack, network: str, title: str, typed: dict[str, str]
) -> None:
    enter(page, stack, SOCIAL, "/accounts")
    page.get_by_role("button", name="Connect an account").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile(f"{title}$|{title} ")).first.click()
    page.select_option("#connect-brand", label="Aurore Air")
    for field, value in typed.items():
        page.fill(f"#connect-{field}", value)
    keep(page, f"connect-{network}")
    page.locator("button[form=connect-form]").click()
    if not typed:  # its own consent page
        page.wait_for_url(re.compile("authorize|authenticate"))
        page.get_by_text("auroreclub").click()
        page.get_by_role("button", name=re.compile("^Authorize")).click()
        page.wait_for_url("**/accounts*")
    expect(page.get_by_text(re.compile("auroreclub|club@auroreair.example")).first).to_be_visible(timeout=20_000)


def test_a_post_for_every_network_is_scheduled_in_another_zone_and_goes_out(page: Page, stack: Stack) -> None:
    enter(page, stack, SOCIAL, "/compose")
    due = datetime.now(ZoneInfo("Europe/Paris")) + timedelta(minutes=1)
    text = f"Gate change at {due:%H:%M}: all flights to Lisbon leave from B."
    for handle in ("auroreair", "auroreair@mastodon.rehearsal", "auroreair.test"):
        page.get_by_role("checkbox", name=re.compile(rf" {re.escape(handle)}$")).check()
    page.get_by_role("textbox", name="Text").first.fill(text)
    page.fill("#wall-time", f"{due:%Y-%m-%dT%H:%M}")
    keep(page, "compose")
    page.get_by_role("button", name=re.compile("^Schedule")).click()
    sent = eventually(
        lambda: (
            found
            if len(found := [e for n in ("x", "mastodon", "bluesky") for e in ledger(stack, n) if e["text"] == text])
            >= 3
            else None
        ),
        seconds=120,
    )
    assert len(sent) == 3
    page.goto(f"{stack.url}/calendar")
    expect(page.get_by_text("Gate change").first).to_be_visible(timeout=20_000)
    keep(page, "calendar")


def test_a_question_appears_is_answered_by_keyboard_and_measured(page: Page, stack: Stack) -> None:
    enter(page, stack, LEAD)
    page.wait_for_load_state("networkidle")
    said = say(stack, "mastodon", "late_lea", "My valise went missing between Nice and Brest, help!", to="auroreair")
    # Nobody reloads: it is shared to the one who is here, and the live stream brings it.
    row = page.get_by_text("My valise went missing").first
    expect(row).to_be_visible(timeout=30_000)
    keep(page, "inbox-list")
    row.click()
    page.keyboard.press("r")
    expect(page.locator("textarea:focus")).to_be_visible()
    page.keyboard.type("We have found it in Nice. It is with you tomorrow.")
    keep(page, "inbox-answering")
    page.keyboard.press("Control+Enter")
    entry = eventually(
        lambda: next((e for e in ledger(stack, "mastodon") if "found it in Nice" in e["text"]), None), seconds=60
    )
    assert entry["in_reply_to"] in str(said)
    page.goto(f"{stack.url}/numbers")
    page.get_by_role("table").first.wait_for()
    keep(page, "numbers")


@pytest.mark.parametrize(
    "path", ["/inbox", "/compose", "/calendar", "/needs-you", "/numbers", "/accounts", "/settings"]
)
def test_every_page_stands_on_a_phone_in_the_dark(page: Page, stack: Stack, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    enter(page, stack, "claire@aurore.example", path)
    page.wait_for_load_state("networkidle")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{path} is {overflow} px wider than the phone"
    keep(page, f"phone-dark{path.replace('/', '-')}")
