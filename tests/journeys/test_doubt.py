"""A doubt that no network settles, as the person clicks it who decides. It takes minutes, in which
a look is taken at X again and again: it runs beside what wants a processor."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from cli.demo.browser import Browser as Office
from tests.journeys.office import PARIS, Poster, eventually, published
from tests.journeys.stack import Stack
from tests.journeys.windows import SOCIAL, enter, keep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.xdist_group("beside")]


def test_a_doubt_that_nobody_can_settle_is_decided_by_a_person(
    page: Page, stack: Stack, office: Office, post: Poster
) -> None:
    """X calls it a duplicate, which proves nothing, and only the first one can be found."""
    text = "Good morning! All flights leave on time."
    post(text, datetime.now(PARIS), "x")
    eventually(lambda: published(stack, "x", text), seconds=60)
    made = post(text, datetime.now(PARIS), "x")
    eventually(lambda: office.get(f"/posts/{made['id']}")["state"] == "needs_human", seconds=240)
    enter(page, stack, SOCIAL, "/needs-you")
    matter = page.get_by_role("article").filter(has_text=text)
    expect(matter).to_contain_text("it was not there")
    matter.get_by_role("button", name="Drop it").click()
    keep(page, "needs-you-dropping")
    page.get_by_role("dialog").get_by_role("button", name="Drop it").click()
    expect(matter).to_have_count(0)
    assert office.get(f"/posts/{made['id']}")["state"] == "cancelled"
    assert len(published(stack, "x", text)) == 1
