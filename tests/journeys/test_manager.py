"""A season as its manager plans it: a table with faults mended in the page, approved by somebody
else, moved on the calendar, braked, and let go with choices. In Chromium, over rehearsal networks,
whose ledger says what went out; pictures are kept, and axe looks at every page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from cli.demo.browser import Browser as Office
from tests.journeys.office import accounts, eventually, ledger
from tests.journeys.stack import Stack
from tests.journeys.windows import AUTHOR, SOCIAL, drag, enter, in_month, keep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NEW_YORK = ZoneInfo("America/New_York")
COLUMNS = {"text": "Text", "accounts": "Accounts", "date": "Date", "time": "Time", "zone": "Time zone"}
# By row, as the page numbers them: the cell that is wrong, how, and what it is mended with.
WRONG = {
    5: ("date", "2020-01-01", "2031-01-06"),
    12: ("time", "25:99", "10:15"),
    23: ("accounts", "mastodon:nobody", ""),
    34: ("text", "x" * 501, "Winter offer 34: ask our experts."),
    45: ("zone", "America/New_Amsterdam", "America/New_York"),
    56: ("date", "2031-02-31", "2031-02-28"),
    67: ("text", "", "Winter offer 67: ask our experts."),
}


def winter(account: str, last: datetime) -> bytes:
    """A hundred posts for an account, hour by hour, the last on a day of its own; seven cells are wrong."""
    first = (datetime.now(NEW_YORK) + timedelta(days=3)).replace(hour=8, minute=0)
    rows = []
    for n, at in enumerate([*(first + timedelta(hours=n) for n in range(99)), last], 2):
        said = f"Winter offer {n}: ask our experts."
        rows.append({"text": said, "accounts": account, "date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}",
                     "zone": "America/New_York"})  # fmt: skip
    for row, (column, wrong, _) in WRONG.items():
        rows[row - 2][column] = wrong
    out = io.StringIO()
    table = csv.DictWriter(out, list(COLUMNS))
    table.writerow(COLUMNS)
    table.writerows(rows)
    return out.getvalue().encode()


def named(office: Office, text: str) -> Mapping[str, Any]:
    """The post that says this."""
    found: Mapping[str, Any] = next(p for p in office.get("/posts", q=text)["items"] if p["text"] == text)
    return found


def test_a_season_is_planned_approved_moved_stopped_and_let_go(
    page: Page, second_page: Page, stack: Stack, office: Office
) -> None:
    account = accounts(office)["mastodon", "lumen"]
    last = (datetime.now(NEW_YORK) + timedelta(days=40)).replace(hour=9, minute=0)
    last -= timedelta(days=last.weekday())  # a Monday, so that Wednesday stands in the same row
    mend_and_bring_in(page, stack, f"mastodon:{account['handle']}", last)
    approve_all(second_page, stack)
    move_the_last(second_page, stack, office, last)
    stop_and_let_go(second_page, stack, office, account)


def mend_and_bring_in(page: Page, stack: Stack, account: str, last: datetime) -> None:
    """The author's part."""
    enter(page, stack, AUTHOR, "/import")
    content = winter(account, last)
    page.locator("input[type=file]").first.set_input_files(
        {"name": "winter.csv", "mimeType": "text/csv", "buffer": content}
    )
    expect(page.get_by_text("7 cells to mend in 7 rows")).to_be_visible(timeout=30_000)
    keep(page, "manager-1-wrong")
    for row, (column, _, right) in WRONG.items():
        page.get_by_role("textbox", name=f"{COLUMNS[column]}, row {row}", exact=True).fill(right or account)
    expect(page.get_by_text("All rows are right")).to_be_visible(timeout=30_000)
    keep(page, "manager-2-mended")
    page.get_by_role("button", name="Bring in 100 posts").click()
    expect(page.get_by_text("100 posts brought in.")).to_be_visible(timeout=60_000)


def approve_all(page: Page, stack: Stack) -> None:
    """The manager reads one, and approves a hundred in one act, and what is left in another."""
    enter(page, stack, SOCIAL, "/needs-you")
    page.get_by_role("link", name="Read and decide about several…").click()
    page.get_by_role("button", name="Winter offer 2: ask our experts.").click()
    keep(page, "manager-3-reading")
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name="Select all 100").check()
    keep(page, "manager-4-approving")
    page.keyboard.press("a")
    page.get_by_role("dialog").get_by_role("button", name="Approve 100").click()
    expect(page.get_by_text("100 posts approved.")).to_be_visible(timeout=90_000)
    page.get_by_role("checkbox", name="Select all 1", exact=True).check()
    page.keyboard.press("a")
    page.get_by_role("dialog").get_by_role("button", name="Approve 1", exact=True).click()
    expect(page.get_by_text("It is nobody’s turn")).to_be_visible(timeout=90_000)


def move_the_last(page: Page, stack: Stack, office: Office, last: datetime) -> None:
    wednesday = drag(page, in_month(page, stack, "Winter offer 101", "America/New_York"), last, days=2)
    keep(page, "manager-5-dragging")
    page.mouse.up()
    expect(page.get_by_text(re.compile("^Moved to"))).to_be_visible()
    moved = named(office, "Winter offer 101: ask our experts.")
    assert (moved["wall_time"], moved["state"]) == (f"{wednesday:%Y-%m-%dT%H:%M}", "scheduled")


def stop_and_let_go(page: Page, stack: Stack, office: Office, account: Mapping[str, Any]) -> None:
    """Three come due under the brake; what is alike takes one choice, and one of it another."""
    texts = [f"Winter offer {n}: ask our experts." for n in (2, 3, 4)]
    page.get_by_role("button", name="Brake").click()
    page.get_by_label("What to stop").select_option(label=f"{account['handle']} · Mastodon")
    page.get_by_role("button", name="Pull the brake").click()
    expect(page.get_by_role("status").filter(has_text="The brake is on for the account")).to_be_visible()
    for text in texts:
        office.post(f"/posts/{named(office, text)['id']}/publish")
    eventually(lambda: office.get("/brake")["held"] >= 3, seconds=60)
    page.get_by_role("button", name="Lift the brake…").click()
    dialog = page.get_by_role("dialog")
    alike = dialog.get_by_role("radiogroup", name=re.compile("^What becomes of these 3 on"))
    alike.get_by_role("radio", name="Send now").check()
    dialog.get_by_text("Each by itself (3)").click()
    one = dialog.get_by_role("radiogroup", name=f"What becomes of “{texts[1]}”")
    one.get_by_role("radio", name="Drop").check()
    keep(page, "manager-6-lifting")
    dialog.get_by_role("button", name="Lift the brake, send 2, drop 1").click()
    sent = eventually(
        lambda: f if len(f := [e["text"] for e in ledger(stack, "mastodon") if e["text"] in texts]) >= 2 else None,
        seconds=60,
    )
    assert sorted(sent) == [texts[0], texts[2]]
    assert named(office, texts[1])["state"] == "cancelled"
