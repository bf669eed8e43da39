"""A rule that acts after a time, as somebody who leads makes it, without a mouse: tried before it is
kept, tried again before it is switched on, and seen to act in the history of who waited too long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from cli.demo.browser import Browser as Office
from guichet import models as m
from guichet.db.engine import open_engine
from guichet.unit import open_unit
from tests.journeys.office import eventually, say
from tests.journeys.stack import Stack
from tests.journeys.windows import CHIEF, enter, keep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ASKED = "Has anybody found the green umbrella of row 9?"
NAME = "Umbrellas do not wait"
WATCH = """() => {
    window.touched = 0
    for (const kind of ['pointerdown', 'wheel']) addEventListener(kind, () => window.touched++, true)
}"""


def go_to(page: Page, control: Locator) -> None:
    """By Tab, however far it is."""
    expect(control).to_be_visible()
    for _ in range(200):
        if control.evaluate("(one) => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {control}")


def press(page: Page, control: Locator) -> None:
    go_to(page, control)
    page.keyboard.press("Enter")


def enter_into(page: Page, control: Locator, words: str) -> None:
    """Typed instead of what stands there; of a list, the entry that begins so."""
    go_to(page, control)
    if control.evaluate("(one) => one instanceof HTMLInputElement"):
        page.keyboard.press("Control+a")
    page.keyboard.type(words)


def has_waited(stack: Stack, conversation_id: int, minutes: int) -> None:
    """As if it had come so long ago."""
    engine = open_engine(stack.settings().database_url)
    with open_unit(engine) as unit:
        conversation = unit.session.get_one(m.Conversation, conversation_id)
        assert conversation.asked_at is not None
        conversation.asked_at -= timedelta(minutes=minutes)
    engine.dispose()


def test_a_rule_in_time_is_made_tried_switched_on_and_acts(page: Page, stack: Stack, office: Office) -> None:
    say(stack, "mastodon", "umbrella_uma", ASKED, to="auroreair")

    def asked() -> dict[str, Any] | None:
        return next((c for c in office.get("/conversations", q="umbrella", state="all")["items"]), None)

    conversation = eventually(asked)
    enter(page, stack, CHIEF, "/settings/rules")
    page.evaluate(WATCH)
    press(page, page.get_by_role("button", name="Add a rule"))
    form = page.get_by_role("dialog", name="Add a rule")
    enter_into(page, form.get_by_label("Name"), NAME)
    enter_into(page, form.get_by_label("When", exact=True), "The customer w")
    enter_into(page, form.get_by_label("For how long"), "5")
    enter_into(page, form.get_by_label("Unit of time"), "min")
    press(page, form.get_by_role("button", name="Add a condition"))
    enter_into(page, form.get_by_label("Condition 1: values"), "umbrella")
    enter_into(page, form.get_by_label("Action 1: what"), "Raise")
    enter_into(page, form.get_by_label("Action 1: which"), "Urg")
    look = form.get_by_role("button", name="What would it act on now?")
    press(page, look)
    expect(form.get_by_role("status")).to_contain_text("waited so long")  # five minutes are not over
    has_waited(stack, conversation["id"], 6)
    press(page, look)
    expect(form.get_by_role("status")).to_contain_text("Would act on 1 of")
    expect(form.get_by_role("status")).to_contain_text(ASKED)
    keep(page, "rule-in-time")
    press(page, form.get_by_role("button", name="Save, still off"))

    question = page.get_by_role("dialog", name=f"Switch on “{NAME}”?")
    expect(question).to_contain_text(ASKED)
    assert office.get(f"/conversations/{conversation['id']}")["priority"] == conversation["priority"]
    keep(page, "rule-in-time-switching")
    press(page, question.get_by_role("button", name="Switch on"))
    row = page.get_by_role("listitem").filter(has_text=NAME)
    expect(row.get_by_role("button", name="Switch off")).to_be_visible()
    expect(row).to_contain_text("After 5")
    assert page.evaluate("window.touched") == 0, "a mouse was needed"

    eventually(lambda: office.get(f"/conversations/{conversation['id']}")["priority"] == "urgent", seconds=30)
    page.goto(f"{stack.url}/inbox/{conversation['id']}")
    acted = page.get_by_text("acted: long enough waiting for an answer")
    expect(acted).to_have_count(1)
    keep(page, "rule-in-time-acted")
