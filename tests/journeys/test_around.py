"""What goes on around a conversation, by keyboard: somebody outside is asked, two turn out to be one person, an
employee who knows the topic answers once a colleague has read it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.journeys.office import control, eventually, ledger, say
from tests.journeys.stack import Stack
from tests.journeys.windows import AGENT, CHIEF, LEAD, answer_box, enter, hand_to, keep, open_question

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
EXPERT = "priya@aurore.example"
DESK = "lost@nantes-airport.example"
IS_READ = "async (id) => !(await (await fetch(`/api/v1/conversations/${id}`)).json()).unread"


def mails_to(stack: Stack, address: str) -> list[dict[str, Any]]:
    return [e for e in ledger(stack, "email") if address in str(e["extra"])]


def tab_to(page: Page, label: str) -> None:
    """On to the field of that name, as somebody without a mouse gets there."""
    field = page.get_by_label(label, exact=True)
    for _ in range(12):
        if field.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {label!r}")


def test_a_desk_outside_is_asked_and_answers_where_the_customer_sees_nothing(page: Page, stack: Stack) -> None:
    requests.post(control(stack, "email", f"mailbox/{DESK}"), json={"name": "Lost and found"}, timeout=10)
    say(stack, "mastodon", "umbrella_uma", "I left a green umbrella on AU77, seat 4A.", to="auroreair")
    enter(page, stack, AGENT)
    open_question(page, stack, "green umbrella")
    hand_to(stack, page, "David Okafor")
    page.keyboard.press("o")
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    page.keyboard.type(f"Lost and found <{DESK}>")
    tab_to(page, "Subject")
    page.keyboard.type("Green umbrella, AU77")
    tab_to(page, "Message")
    page.keyboard.type("Is it with you?")
    keep(page, "side-asking")
    for _ in range(12):
        if page.evaluate("document.activeElement.textContent").strip() == "Send the e-mail":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Waiting for Lost and found")).to_be_visible(timeout=20_000)
    asked = eventually(lambda: next(iter(mails_to(stack, DESK)), None))
    assert asked is not None
    say(
        stack, "email", DESK, "It is. Shelf 9, until Friday.", to="help@auroreair.example",
        in_reply_to=asked["remote_id"],
    )  # fmt: skip
    line = page.get_by_role("button", name=re.compile("Side conversation:.*Answer"))
    expect(line).to_be_visible(timeout=30_000)
    said = page.get_by_role("region", name="Side conversation").get_by_role("article")
    expect(said).to_contain_text(["Is it with you?", "It is. Shelf 9, until Friday."])
    expect(page.get_by_text("Waiting for Lost and found")).to_be_hidden()
    keep(page, "side-answered")
    shown = page.url.rsplit("/", 1)[-1].split("?")[0]
    assert eventually(lambda: page.evaluate(IS_READ, shown)), "what stands on the screen is read"
    assert [e for e in ledger(stack, "mastodon") if "umbrella" in e["text"].lower()] == []


def test_one_who_writes_on_two_networks_is_joined_and_separated_again(page: Page, stack: Stack) -> None:
    say(stack, "email", "Wanda.Weiss@customer.example", "Where is my refund for AU12?", to="help@auroreair.example")
    said = "Nobody answers wanda.weiss@customer.example, so I ask here."
    say(stack, "mastodon", "wanda_w", said, to="auroreair")
    enter(page, stack, AGENT)
    open_question(page, stack, "so I ask here")
    page.get_by_role("link", name="Open their page").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Wanda_W")).to_be_visible()
    page.locator("header").get_by_role("button", name="Join with another").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Name or handle")).to_be_focused()
    expect(page.get_by_text("Perhaps the same person")).to_be_visible()
    keep(page, "joining")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Join with Wanda")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Joined. It can be separated again.")).to_be_visible()
    both = page.get_by_role("region", name="On the networks")
    expect(both).to_contain_text("wanda.weiss@customer.example")
    expect(both).to_contain_text("wanda_w")
    expect(page.get_by_text("Where is my refund for AU12?")).to_be_visible()
    keep(page, "joined")
    page.get_by_role("button", name="Separate").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Where is my refund for AU12?")).to_be_hidden()
    expect(page.get_by_role("button", name="Separate")).to_be_hidden()
    expect(both).to_contain_text("Perhaps also Wanda")


def test_a_customer_is_erased_once_their_name_is_typed(page: Page, stack: Stack) -> None:
    say(stack, "mastodon", "erika_m", "My passport number went astray", to="auroreair")
    enter(page, stack, CHIEF)
    open_question(page, stack, "My passport number")
    talk = page.url
    page.get_by_role("link", name="Open their page").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Erase…").focus()
    page.keyboard.press("Enter")
    act = page.get_by_role("button", name="Erase for good")
    expect(act).to_be_disabled()
    expect(page.get_by_role("textbox", name="Type “")).to_be_focused()
    page.keyboard.type("Erika_M")
    keep(page, "erasing")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name=re.compile("^erased-"))).to_be_visible()
    expect(page.get_by_role("main").locator("header")).to_contain_text("Erased for good")
    expect(page.get_by_role("button", name="Erase…")).to_be_hidden()
    keep(page, "erased")
    page.goto(talk)
    expect(page.get_by_text("erased the customer, and all that was said here")).to_be_visible()
    expect(page.get_by_text("My passport number")).to_have_count(0)
    keep(page, "erased-talk")


def test_an_expert_answers_with_their_name_once_a_colleague_has_read_it(
    page: Page, second_page: Page, stack: Stack
) -> None:
    say(stack, "mastodon", "parrot_pat", "May my parrot and my cat sit beside me on AU208?", to="auroreair")
    enter(page, stack, EXPERT)
    open_question(page, stack, "parrot and my cat")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Let go")).to_be_visible()
    page.keyboard.press("r")
    expect(answer_box(page)).to_be_focused()
    page.keyboard.type("The cat may, the parrot flies alone.")
    keep(page, "expert-answering")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Waits for a colleague’s approval")).to_be_visible(timeout=20_000)
    enter(second_page, stack, LEAD, "/inbox?view=approval")
    second_page.get_by_role("listitem").filter(has_text="parrot and my cat").get_by_role("link").press("Enter")
    expect(second_page.get_by_text("Attend votre approbation")).to_be_visible(timeout=20_000)
    keep(second_page, "expert-review")
    assert not [e for e in ledger(stack, "mastodon") if "flies alone" in e["text"]]
    second_page.keyboard.press("Shift+A")
    box = second_page.get_by_role("dialog").get_by_role("textbox")
    expect(box).to_be_visible()
    box.fill("The cat may. The parrot, sadly, flies alone.")
    second_page.get_by_role("button", name="Approuver cette version").press("Enter")
    said = eventually(lambda: [e["text"] for e in ledger(stack, "mastodon") if "flies alone" in e["text"]])
    assert len(said) == 1
    assert "The parrot, sadly" in said[0]
    assert "via Priya" in said[0]
    expect(page.get_by_text("The parrot, sadly, flies alone.")).to_be_visible(timeout=30_000)
