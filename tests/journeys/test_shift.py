"""A whole shift at the counter without a mouse: fifty questions of four networks, one after the other,
each with what an agent would do about it, and at its end what the public saw and what the desk shows."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as Stuck

from cli.demo.browser import Browser as Office
from tests.journeys.office import eventually, ledger, say, sign_in
from tests.journeys.stack import Stack
from tests.journeys.windows import AGENT, enter, keep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

QUESTIONS = 50
MAIL = "help@auroreair.example"
COLLEAGUE = "amelie@aurore.example"
TO = {"mastodon": "auroreair", "x": "auroreair", "bluesky": "auroreair.test", "email": MAIL}
# What becomes of every tenth question; six of ten are answered by hand.
ACTS = ("answer", "answer", "canned", "answer", "hand over", "answer", "set aside", "answer", "thanks", "answer")
# Counts what a mouse did, and keeps where keys and focus went.
WATCH = """() => {
    window.touched = 0
    window.keys = []
    for (const kind of ['pointerdown', 'mousedown', 'wheel']) addEventListener(kind, () => window.touched++, true)
    for (const kind of ['keydown', 'focusin']) addEventListener(kind, (event) => {
        const over = document.querySelectorAll('[role=dialog], [role=menu], [role=alertdialog]').length
        const { tagName, id } = event.target
        const at = Math.round(performance.now())
        window.keys.push([at, location.pathname, event.key ?? kind, tagName, id, over].join(' '))
    }, true)
}"""


def act_of(number: int) -> str:
    return ACTS[number % len(ACTS)]


def words_of(number: int) -> str:
    if act_of(number) == "thanks":
        return f"Flight AU{700 + number}: what a lovely crew, thank you."
    return f"Flight AU{700 + number}: may I still change my seat?"


@pytest.fixture
def asked(stack: Stack, office: Office) -> dict[int, str]:
    """Fifty customers have written, and all of it is on the desk. What each network said of it."""
    sign_in(stack, COLLEAGUE).patch("/me", {"presence": "offline"})  # filled the demonstration, and takes no share
    said = {}
    for number, network in zip(range(QUESTIONS), itertools.cycle(TO)):
        who = f"flyer{number}" + {"bluesky": ".test", "email": "@home.example"}.get(network, "")
        how = {"subject": f"Flight AU{700 + number}"} if network == "email" else {}
        said[number] = str(say(stack, network, who, words_of(number), to=TO[network], **how))
    eventually(lambda: found(office)[QUESTIONS - 1 :], seconds=120)
    return said


def found(office: Office) -> list[dict[str, Any]]:
    return list(office.get("/conversations", q="flight", state="all", limit=100)["items"])


def open_number(page: Page) -> int:
    """Whose question is open, told by its words; waits until one is."""
    talk = page.get_by_role("region", name="Conversation", exact=True)
    said = talk.get_by_text(re.compile(r"Flight AU7\d\d: ")).first
    expect(said).to_be_visible(timeout=20_000)
    return int(said.inner_text().split("AU")[1].split(":")[0]) - 700


def reply_box(page: Page) -> Locator:
    return page.get_by_role("textbox", name=re.compile("^Reply to"))


def do(page: Page, number: int) -> None:
    """What the agent does about the open question, by keys, as fast as they go; what comes next is open afterwards."""
    here = page.url
    act = act_of(number)
    if act == "answer":
        page.keyboard.type(f"rYes, until the gate of AU{700 + number} closes.")
        page.keyboard.press("Control+Shift+Enter")
    elif act == "canned":
        page.keyboard.type("r:booking")
        expect(page.get_by_role("option", name=re.compile("Ask for the booking"))).to_be_visible()
        page.keyboard.press("Enter")
        expect(reply_box(page)).to_have_value(re.compile("booking reference"))
        page.keyboard.press("Control+Shift+Enter")
    elif act == "hand over":
        page.keyboard.type(f"nFor the gate of AU{700 + number}, I think.")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text(f"For the gate of AU{700 + number}").first).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.type("aJonas")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Assigned to Jonas Weber").first).to_be_visible()
        page.keyboard.press("Escape")
    elif act == "set aside":
        page.keyboard.type("sm")
    elif act == "thanks":
        page.keyboard.type("lpraise")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        page.keyboard.type("en")
    talk = page.get_by_role("region", name="Conversation", exact=True)
    try:
        page.wait_for_function("(here) => location.href !== here", arg=here, timeout=20_000)
    except Stuck:
        keys = "\n".join(page.evaluate("window.keys.slice(-80)"))
        pytest.fail(f"{act} {number} leads nowhere: {talk.inner_text()}\n{reply_box(page).input_value()!r}\n{keys}")


def test_fifty_questions_are_worked_off_without_a_mouse(
    page: Page, stack: Stack, office: Office, asked: dict[int, str]
) -> None:
    enter(page, stack, AGENT)
    shown = page.get_by_role("region", name="Conversations").get_by_role("listitem")
    expect(shown).to_have_count(20, timeout=30_000)  # as many as one may have at once; more come as they are done
    page.evaluate(WATCH)
    keep(page, "shift-begin")
    done: list[int] = []
    left = ""
    while len(done) < QUESTIONS:
        if urlsplit(page.url).path == "/inbox":  # it was handed over, or nothing came next yet
            expect(page.locator(f"#row-{left}")).to_have_count(0, timeout=20_000)
            expect(shown).not_to_have_count(0, timeout=20_000)
            page.keyboard.press("j")
            page.keyboard.press("Enter")
        number = open_number(page)
        left = urlsplit(page.url).path.rpartition("/")[2]
        do(page, number)
        done.append(number)
    assert sorted(done) == list(range(QUESTIONS))
    assert page.evaluate("window.touched") == 0, "a mouse was needed"
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing is assigned to you")).to_be_visible(timeout=20_000)
    keep(page, "shift-end")

    # What the public saw: each who was to be answered was, once and in their own thread.
    answered = [number for number in done if act_of(number) in ("answer", "canned")]
    sent = eventually(lambda: all_sent if len(all_sent := answers(stack)) >= len(answered) else {}, seconds=60)
    for number in answered:
        words = f"AU{700 + number} closes" if act_of(number) == "answer" else f"Hello Flyer{number},"
        [one] = [entry for entry in sent if words in entry["text"]]
        assert one["in_reply_to"] in asked[number], words
    assert len(sent) == len(answered)

    # How the desk stands: who was answered or thanked waits no more, the rest does, with somebody or until they write.
    stands = {
        ("answer", "resolved", False): 30,
        ("canned", "resolved", False): 5,
        ("thanks", "resolved", False): 5,
        ("set aside", "snoozed", True): 5,
        ("hand over", "new", True): 5,
    }
    rows = eventually(lambda: now if standing(now := by_number(office)) == stands else {}, seconds=60)
    handed = [row for n, row in rows.items() if act_of(n) == "hand over"]
    assert {row["assignee"]["name"] for row in handed} == {"Jonas Weber"}
    assert {label["name"] for n, row in rows.items() if act_of(n) == "thanks" for label in row["labels"]} == {"praise"}


def by_number(office: Office) -> dict[int, dict[str, Any]]:
    return {int(re.findall(r"AU(\d+)", row["preview"])[0]) - 700: row for row in found(office)}


def standing(rows: dict[int, dict[str, Any]]) -> Counter[tuple[str, str, bool]]:
    return Counter((act_of(n), row["state"], row["waiting_since"] is not None) for n, row in rows.items())


def answers(stack: Stack) -> list[dict[str, Any]]:
    return [entry for network in TO for entry in ledger(stack, network) if re.search("gate of|Hello", entry["text"])]
