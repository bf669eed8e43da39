"""Who may do what, as people see it in Chromium: what one may not do is not offered, a connected
account is only ever itself, and who is let go sees nothing any more, at once."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from cli.demo import cast
from tests.journeys.office import accounts, eventually, say, sign_in
from tests.journeys.stack import Stack
from tests.journeys.windows import AGENT, CHIEF, SOCIAL, enter, keep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
VIEWER = "guest@aurore.example"
HANDLE = "auroreair@mastodon.rehearsal"
ENDS_WITHIN = 5.0  # seconds, from the act to the window of who was let go


@pytest.fixture
def colleague(chromium: Browser) -> Iterator[Page]:
    """The window of somebody else."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("path", "shown", "acts"),
    [
        ("/accounts", HANDLE, {"Health"}),
        ("/calendar", "Our summer timetable", {"Today", "Month", "Week", "List"}),
    ],
)
def test_who_may_only_look_is_offered_nothing_else(
    page: Page, stack: Stack, path: str, shown: str, acts: set[str]
) -> None:
    enter(page, stack, VIEWER, path)
    expect(page.get_by_text(shown).first).to_be_visible()
    visible = {b.inner_text().strip() for b in page.locator("main button:visible").all()}
    offered = {name for name in visible if re.match("connect|check|add|edit|remove|switch|new|disable", name, re.I)}
    assert offered == set()
    assert acts <= visible


def test_who_may_only_look_finds_no_settings_but_their_own(page: Page, stack: Stack) -> None:
    enter(page, stack, VIEWER, "/settings/rules")
    expect(page.get_by_text("This section is not yours")).to_be_visible()
    offered = page.get_by_role("navigation", name="Settings").get_by_role("link")
    names = ["My account", "Keyboard", "API tokens", "Staff", "Rights"]
    assert [link.inner_text().strip() for link in offered.all()] == names


def test_everybody_chooses_of_what_a_mail_tells_them(page: Page, stack: Stack) -> None:
    enter(page, stack, VIEWER, "/settings/me")
    card = page.locator("form", has=page.get_by_role("heading", name="Notices by e-mail"))
    expect(card.get_by_role("combobox")).to_have_count(8)
    expect(card.get_by_role("button", name="Save")).to_be_disabled()
    card.get_by_label("What I follow").select_option("Once a day")
    card.get_by_label("Somebody calls me in a note").select_option("At once")
    card.get_by_label("Once a day at").fill("07:30")
    keep(page, "notices-by-mail")
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_role("button", name="Save")).to_be_disabled()
    page.reload()
    expect(card.get_by_label("What I follow")).to_have_value("daily")
    expect(card.get_by_label("Somebody calls me in a note")).to_have_value("soon")
    expect(card.locator("input[type=time]")).to_have_value("07:30")


def test_who_may_only_look_reads_a_conversation_without_a_box(page: Page, stack: Stack) -> None:
    say(stack, "mastodon", "late_lou", "Where do I find the lounge?", to="auroreair")
    enter(page, stack, VIEWER, "/inbox?view=open")
    page.get_by_text("Where do I find the lounge?").first.click(timeout=30_000)
    expect(page.get_by_role("heading", name=re.compile("late_lou", re.I)).first).to_be_visible()
    expect(page.get_by_role("textbox", name=re.compile("Reply"))).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("Claim|Assign|Close|Snooze|Send"))).to_have_count(0)
    keep(page, "viewer-conversation")


def test_an_account_is_connected_again_as_itself_and_as_no_other(page: Page, stack: Stack) -> None:
    enter(page, stack, SOCIAL, "/accounts")
    row = page.get_by_role("listitem").filter(has_text=HANDLE)
    row.get_by_role("button", name="Disconnect").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(row.get_by_text("Disconnected")).to_be_visible()
    for handle in ("lumen", "auroreair"):
        row.get_by_role("button", name="Connect again").click()
        page.locator("button[form=connect-form]").click()
        page.wait_for_url(re.compile("authorize"))
        page.get_by_text(f"@{handle}").first.click()
        page.get_by_role("button", name=re.compile("^Authorize")).click()
        if handle == "lumen":
            said = f"This is lumen@mastodon.rehearsal, not {HANDLE}: sign in there as the account to reconnect"
            expect(page.get_by_text(said)).to_be_visible()
            keep(page, "connected-as-another")
            page.get_by_role("link", name="Back to the accounts").click()
    page.wait_for_url("**/accounts*")
    expect(row.get_by_text("Connected", exact=False).first).to_be_visible(timeout=20_000)
    assert accounts(sign_in(stack, SOCIAL))["mastodon", "auroreair"]["state"] == "connected"


def test_who_is_let_go_sees_nothing_any_more_and_what_they_leave_is_listed(
    page: Page, colleague: Page, stack: Stack
) -> None:
    say(stack, "mastodon", "early_eve", "Can I change my seat to 12A?", to="auroreair")
    agent = sign_in(stack, AGENT)
    found = eventually(
        lambda: next((c for c in agent.get("/conversations", state="all", q="12A", limit=50)["items"]), None)
    )
    agent.post(f"/conversations/{found['id']}/claim")
    token = agent.post("/tokens", {"name": "report", "scopes": ["read"], "days": 1})["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{stack.url}/api/v1/me", headers=bearer, timeout=10).status_code == 200
    enter(colleague, stack, AGENT, f"/inbox/{found['id']}")
    expect(colleague.get_by_text("Can I change my seat to 12A?").first).to_be_visible()
    colleague.get_by_role("textbox", name=re.compile("^Reply to")).fill("You can, and it costs nothing.")

    enter(page, stack, CHIEF, "/settings/staff")
    person = page.get_by_role("listitem").filter(has_text="David Okafor")
    person.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    began = time.monotonic()
    expect(colleague.get_by_role("heading", name="Your session has ended")).to_be_visible(timeout=15_000)
    took = time.monotonic() - began
    assert took < ENDS_WITHIN
    expect(colleague.get_by_text("Can I change my seat to 12A?").first).to_be_hidden()
    keep(colleague, "let-go")
    assert requests.get(f"{stack.url}/api/v1/me", headers=bearer, timeout=10).status_code == 401

    left = page.get_by_role("dialog")
    expect(left.get_by_role("heading", name="What David Okafor leaves")).to_be_visible()
    expect(left.locator(f'a[href="/inbox/{found["id"]}"]')).to_be_visible()
    keep(page, "what-somebody-leaves")
    now = sign_in(stack, CHIEF).get(f"/conversations/{found['id']}")
    assert (now["assignee"] or {}).get("name") != "David Okafor"


def test_for_how_long_is_kept_what_was_said(page: Page, stack: Stack) -> None:
    """An administrator is told what would go before it is saved. The office is too young to have
    anything so old: what is counted is tested in tests/webapp/test_retention.py."""
    page.route(re.compile(r"/too-old\?days=7$"), lambda route: route.fulfill(json={"conversations": 1200}))
    enter(page, stack, CHIEF, "/settings/brands")
    row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=cast.AURORE, exact=True))
    dialog, days = page.get_by_role("dialog"), page.get_by_label("Keep what was said for (days)")

    def save(text: str) -> None:
        row.get_by_role("button", name=re.compile("Edit")).click()
        days.fill(text)
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)

    row.get_by_role("button", name=re.compile("Edit")).click()
    days.fill("7")
    expect(dialog.get_by_text("1200 conversations are older: they go within the hour, for good.")).to_be_visible()
    keep(page, "kept-for")
    page.keyboard.press("Escape")
    save("36500")
    expect(row).to_contain_text("kept 36500 days")
    save("")
    expect(row).not_to_contain_text("kept")
