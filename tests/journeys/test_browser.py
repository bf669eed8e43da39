"""The day at the counter in Chromium, as its people click it; pictures of it are kept in
build/screenshots. Every page it passes is examined by axe."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.journeys.office import eventually, ledger, say
from tests.journeys.stack import Stack
from tests.journeys.windows import (
    AGENT,
    AUTHOR,
    LEAD,
    SOCIAL,
    answer_box,
    enter,
    hand_to,
    keep,
    open_question,
)  # fmt: skip

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


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
    page.fill("#wall-time", f"{due:%d/%m/%Y}")
    page.fill("#wall-time-hour", f"{due:%H:%M}")
    page.keyboard.press("Tab")
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
    page.goto(f"{stack.url}/calendar?view=list")  # the month shows the first few of a day
    expect(page.get_by_text("Gate change").first).to_be_visible(timeout=20_000)
    page.goto(f"{stack.url}/calendar?view=month")
    expect(page.locator(".chip").first).to_be_visible(timeout=20_000)
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


def published(stack: Stack, network: str, words: str) -> dict[str, Any]:
    return eventually(lambda: next((e for e in ledger(stack, network) if words in e["text"]), {}), seconds=60)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 200), "teal").save(out, "PNG")
    return out.getvalue()


def test_an_answer_with_a_file_reaches_the_customer_with_its_description(page: Page, stack: Stack) -> None:
    say(stack, "mastodon", "form_fred", "Which form is it, for a musical instrument?", to="auroreair")
    enter(page, stack, AGENT)
    open_question(page, stack, "for a musical instrument")
    hand_to(stack, page, "David Okafor")  # whoever it was given to when it came
    answer_box(page).fill("This one, both sides.")
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "notes.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"})
    expect(page.get_by_text("takes no X-MSDOWNLOAD files")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Remove notes.exe").click()
    chooser.set_input_files({"name": "form.png", "mimeType": "image/png", "buffer": picture()})
    with page.expect_response(lambda r: r.request.method == "PATCH" and "/media/" in r.url):
        page.get_by_role("textbox", name=re.compile("form.png")).fill("A form with two fields")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    keep(page, "inbox-file")
    page.reload()  # the draft is the server's, its files and what they show too
    expect(answer_box(page)).to_have_value("This one, both sides.", timeout=20_000)
    expect(page.get_by_role("textbox", name=re.compile("form.png"))).to_have_value("A form with two fields")
    page.get_by_role("button", name="Send", exact=True).click()
    [sent] = published(stack, "mastodon", "both sides")["media"]
    assert (sent["type"], sent["alt"]) == ("image/png", "A form with two fields")
    expect(page.get_by_role("img", name="A form with two fields")).to_be_visible(timeout=20_000)
    keep(page, "inbox-file-sent")


def test_two_agents_see_each_other_and_the_second_answer_waits_until_the_first_is_read(
    page: Page, second_page: Page, stack: Stack
) -> None:
    say(stack, "mastodon", "lonely_luc", "Is anybody there on a Sunday?", to="auroreair")
    enter(page, stack, AGENT)
    open_question(page, stack, "there on a Sunday")
    hand_to(stack, page, "David Okafor")  # whoever it was given to when it came
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Let go")).to_be_visible()
    enter(second_page, stack, SOCIAL)
    open_question(second_page, stack, "there on a Sunday")
    expect(page.get_by_text("Jonas Weber is looking at this")).to_be_visible(timeout=15_000)
    answer_box(second_page).press_sequentially("Yes, we are.")
    expect(page.get_by_text("Jonas Weber is writing an answer")).to_be_visible(timeout=15_000)
    answer_box(page).fill("We are here. What is it about?")
    second_page.keyboard.press("Control+Enter")
    expect(second_page.get_by_text("David Okafor has this conversation")).to_be_visible()
    expect(answer_box(second_page)).to_have_value("Yes, we are.")
    second_page.get_by_role("button", name="Take it over").click()
    expect(page.get_by_text("Jonas Weber has this conversation")).to_be_visible(timeout=15_000)
    answer_box(second_page).press("Control+Enter")
    expect(page.get_by_text("Jonas Weber answered while you wrote.")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("button", name="I have read it")).to_be_focused()
    keep(page, "inbox-conflict")
    page.keyboard.press("Enter")
    expect(answer_box(page)).to_have_value("We are here. What is it about?")
    published(stack, "mastodon", "Yes, we are.")
    assert not [e for e in ledger(stack, "mastodon") if "What is it about" in e["text"]]


def test_a_question_is_claimed_answered_and_closed_without_a_mouse(page: Page, stack: Stack) -> None:
    said = "Do you fly to Rome in March?"
    say(stack, "mastodon", "key_kim", said, to="auroreair")
    enter(page, stack, AGENT)
    page.goto(f"{stack.url}/inbox?view=open&sort=newest")
    expect(page.get_by_role("listitem").filter(has_text=said)).to_be_visible(timeout=30_000)
    for _ in range(40):
        page.keyboard.press("j")
        if said in page.evaluate("document.activeElement.textContent"):
            break
        page.wait_for_timeout(50)
    page.keyboard.press("Enter")
    expect(answer_box(page)).to_be_visible(timeout=20_000)
    hand_to(stack, page, "David Okafor")  # whoever it was given to when it came
    expect(page.get_by_text("Assigned to David Okafor, Flights")).to_be_visible(timeout=15_000)
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Let go")).to_be_visible()
    page.keyboard.press("r")
    expect(answer_box(page)).to_be_focused()
    page.keyboard.type("Twice a day, from Lyon.")
    page.keyboard.press("Control+Enter")
    published(stack, "mastodon", "Twice a day")
    expect(page.get_by_text("Nobody waits")).to_be_visible(timeout=20_000)
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    closed = page.get_by_text("Conversation with Key_Kim closed.")
    expect(closed).to_be_visible()
    assert page.evaluate("document.activeElement !== document.body"), "the focus is lost after closing"
    page.keyboard.press("u")
    expect(closed).to_be_hidden()


def test_keys_are_changed_and_switched_off(page: Page, stack: Stack) -> None:
    enter(page, stack, AUTHOR, "/settings/keyboard")
    change = page.get_by_role("button", name="Change the key: Go to the calendar")
    change.click()
    page.keyboard.press("j")
    expect(page.get_by_role("alert").filter(has_text="taken by “Next conversation”")).to_be_visible()
    page.keyboard.press("q")
    expect(change.locator("xpath=ancestor::li")).to_contain_text("q")
    keep(page, "keyboard-en")
    page.reload()  # it is kept on the server
    expect(change.locator("xpath=ancestor::li")).to_contain_text("q")
    page.keyboard.press("q")
    page.wait_for_url("**/calendar*")
    page.goto(f"{stack.url}/settings/keyboard")
    page.get_by_label("No single-key shortcuts").check()
    expect(change).to_be_disabled()
    page.locator("h2", has_text="Keyboard").click()
    page.keyboard.press("q")
    page.keyboard.press("?")
    assert page.url.endswith("/settings/keyboard")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")  # is pressed together, and stays
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="As they were").click()
    expect(page.get_by_label("No single-key shortcuts")).not_to_be_checked()


def test_it_can_be_installed_as_an_application(page: Page, stack: Stack) -> None:
    enter(page, stack, AGENT)
    browser = page.context.new_cdp_session(page)
    read = browser.send("Page.getAppManifest")
    assert read["errors"] == [], "the manifest is not what browsers understand"
    assert json.loads(read["data"])["start_url"] == "/inbox"
    errors = browser.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [one["errorId"] for one in errors] == ["in-incognito"], "as every window of a test is"
    # iOS takes no drawing, but a picture, and rounds it itself.
    icon = page.request.get(str(page.locator("link[rel=apple-touch-icon]").evaluate("(link) => link.href")))
    with Image.open(io.BytesIO(icon.body())) as picture:
        assert (icon.headers["content-type"], picture.format, picture.size) == ("image/png", "PNG", (180, 180))
