"""Publishing as its people click it: a thread, the brake, the calendar. In Chromium,
over rehearsal networks, whose ledgers say what really went out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from cli.demo.browser import Browser as Office
from tests.channels.rig import sample_image
from tests.journeys.office import OURS, PARIS, Poster, eventually, published
from tests.journeys.stack import Stack
from tests.journeys.windows import CHIEF, SOCIAL, drag, enter, in_month, keep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_thread_with_media_goes_out_once_in_order_on_each_network(page: Page, stack: Stack, tmp_path: Path) -> None:
    picture = tmp_path / "gate.png"
    picture.write_bytes(sample_image("").open())
    texts = ["Our new gate: what changes.", "Come thirty minutes earlier.", "Questions? We are here."]
    comment, own = "The map: see our site.", "Notre nouvelle porte : ce qui change."
    enter(page, stack, SOCIAL, "/compose")
    for handle in OURS.values():
        page.get_by_role("checkbox", name=re.compile(rf" {re.escape(handle)}$")).check()
    page.get_by_role("textbox", name="Text", exact=True).fill(texts[0])
    page.set_input_files("input[type=file]", str(picture))
    page.get_by_label(re.compile("^Description of gate.png")).fill("A gate")
    for text in (texts[2], texts[1]):  # written in the wrong order
        page.get_by_role("button", name="Add to the thread").click()
        page.get_by_placeholder("What comes next in the thread?").last.fill(text)
    page.get_by_role("button", name="Move part 3 up").click()
    page.get_by_role("button", name="Add a first comment").click()
    page.get_by_role("textbox", name="First comment").fill(comment)
    page.get_by_role("button", name="Write differently for…").click()
    page.get_by_role("menuitem", name=re.compile("Mastodon")).click()
    page.get_by_role("textbox", name="1 of 3").fill(own)
    expect(page.get_by_role("tab", name=re.compile("other text"))).to_be_visible()
    page.get_by_role("radio", name="Now").check()
    keep(page, "compose-thread")
    page.get_by_role("button", name="Send 3 posts now").click()
    for network in OURS:
        first = own if network == "mastodon" else texts[0]
        wanted = [first, *texts[1:], comment]
        found = eventually(
            lambda n=network, w=wanted: f if len(f := published(stack, n, *w)) >= len(w) else None, seconds=120
        )
        assert sorted(e["text"] for e in found) == sorted(wanted), f"each once on {network}"
        by_text = {e["text"]: e for e in found}
        chain = [by_text[t]["in_reply_to"] for t in (*texts[1:], comment)]
        assert chain == [by_text[first]["remote_id"], by_text[texts[1]]["remote_id"], by_text[first]["remote_id"]]
        assert by_text[first]["media"], f"the picture is missing on {network}"
    expect(page.get_by_role("link", name="See it").first).to_be_visible(timeout=30_000)
    keep(page, "compose-sent")


def test_a_post_is_written_from_a_template_with_the_words_of_each_network(page: Page, stack: Stack) -> None:
    enter(page, stack, SOCIAL, "/compose")
    for network in ("x", "mastodon"):
        page.get_by_role("checkbox", name=re.compile(rf" {re.escape(OURS[network])}$")).check()
    page.get_by_role("button", name="From a template").click()
    keep(page, "template-choose")
    page.get_by_role("menuitem", name="Strike").click()
    asked = page.get_by_role("dialog", name="Strike")
    expect(asked.get_by_label("flights")).to_have_value("all flights")
    asked.get_by_label("day").fill("Friday 13th")
    asked.get_by_label("until").fill("midnight")
    keep(page, "template-asks")
    asked.get_by_role("button", name="Write the post").click()
    everywhere = "Strike notice for Friday 13th: all flights may be cancelled. Rebooking is free until midnight."
    there = "Strike on Friday 13th: all flights may be cancelled. Rebook for free until midnight."
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value(everywhere)
    page.get_by_role("tab", name=re.compile("other text")).click()
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value(there)
    page.get_by_role("radio", name="Now").check()
    keep(page, "template-written")
    page.get_by_role("button", name="Send 2 posts now").click()
    for network, words in (("x", there), ("mastodon", everywhere)):
        [one] = eventually(lambda n=network, w=words: published(stack, n, w), seconds=120)
        assert one["text"] == words


def test_a_partner_is_named_once_by_keyboard_and_each_network_gets_its_own_handle(page: Page, stack: Stack) -> None:
    enter(page, stack, SOCIAL, "/settings/address-book")
    page.get_by_role("button", name="Check: Aurore Club").click()
    expect(page.get_by_text("Aurore Club: every network knows the handle.")).to_be_visible()
    page.get_by_role("button", name="Check: City of Nantes").click()
    expect(page.get_by_text("nobody is called so there any more")).to_be_visible()
    keep(page, "address-book")
    enter(page, stack, SOCIAL, "/compose")
    for network in ("x", "mastodon", "bluesky"):
        page.get_by_role("checkbox", name=re.compile(rf" {re.escape(OURS[network])}$")).check()
    box = page.get_by_role("textbox", name="Text", exact=True)
    box.click()
    page.keyboard.type("👩‍👩‍👧 Thank you @auro")
    expect(page.get_by_role("option", name=re.compile("Aurore Club"))).to_be_visible()
    keep(page, "mention-offered")
    page.keyboard.press("Enter")
    page.keyboard.type(" and @nan")
    page.keyboard.press("Enter")
    expect(box).to_have_value("👩‍👩‍👧 Thank you @[Aurore Club] and @[City of Nantes]")
    said = {
        "x": "👩‍👩‍👧 Thank you @auroreclub and City of Nantes",
        "mastodon": "👩‍👩‍👧 Thank you @auroreclub@mastodon.rehearsal and City of Nantes",
        "bluesky": "👩‍👩‍👧 Thank you @auroreclub.test and City of Nantes",
    }
    for words in said.values():
        expect(page.get_by_text(words, exact=True)).to_be_visible()
    page.get_by_role("radio", name="Now").check()
    keep(page, "mention-written")
    page.get_by_role("button", name="Send 3 posts now").click()
    for network, words in said.items():
        [one] = eventually(lambda n=network, w=words: published(stack, n, w), seconds=120)
        assert one["text"] == words
        if network == "bluesky":
            assert one["extra"]["marked"] == ["@auroreclub.test"]


def test_what_the_brake_held_is_sent_moved_and_dropped_as_it_was_chosen(
    page: Page, stack: Stack, office: Office, post: Poster
) -> None:
    enter(page, stack, CHIEF, "/calendar")
    page.get_by_role("button", name="Brake").click()
    page.get_by_label("Reason, shown to everybody").fill("A strike")
    page.get_by_role("button", name="Pull the brake").click()
    band = page.get_by_role("status").filter(has_text="The brake is on for everything")
    expect(band).to_contain_text("A strike")
    texts = {choice: f"To be {choice} after the strike." for choice in ("sent", "moved", "dropped")}
    posts = {choice: post(text, datetime.now(PARIS), "mastodon") for choice, text in texts.items()}
    eventually(lambda: office.get("/brake")["held"] >= 3, seconds=60)
    page.get_by_role("button", name="Lift the brake…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Each by itself (3)").click()
    for choice, name in (("sent", "Send now"), ("moved", "New time"), ("dropped", "Drop")):
        row = dialog.get_by_role("listitem").filter(has_text=texts[choice]).last  # within its group
        row.get_by_role("radio", name=name).check()
    tomorrow = datetime.now(PARIS) + timedelta(days=1)
    moved = dialog.get_by_role("listitem").filter(has_text=texts["moved"]).last
    type_time(moved, tomorrow)
    keep(page, "brake-lifting")
    dialog.get_by_role("button", name=re.compile("^Lift the brake, send 1, move 1, drop 1$")).click()
    expect(band).to_have_count(0)
    eventually(lambda: published(stack, "mastodon", texts["sent"]), seconds=60)
    sent = posts["sent"]["id"]  # the network has it a moment before we know
    eventually(lambda: office.get(f"/posts/{sent}")["state"] == "published", seconds=60)
    states = {choice: office.get(f"/posts/{made['id']}") for choice, made in posts.items()}
    assert {choice: read["state"] for choice, read in states.items()} == {
        "sent": "published",
        "moved": "scheduled",
        "dropped": "cancelled",
    }
    assert states["moved"]["wall_time"] == f"{tomorrow:%Y-%m-%dT}11:15"
    assert len(published(stack, "mastodon", *texts.values())) == 1


def type_time(row: Locator, day: datetime) -> None:
    """Day and 11:15 in the fields of a row."""
    for label, typed in (("Day, as", f"{day:%d/%m/%Y}"), ("Hour, from", "11:15")):
        box = row.get_by_role("textbox", name=re.compile(label))
        box.fill(typed)
        box.press("Tab")


def test_a_post_is_dragged_to_another_day_undone_and_moved_by_keyboard(
    page: Page, stack: Stack, office: Office, post: Poster
) -> None:
    due = (datetime.now(PARIS) + timedelta(days=40)).replace(hour=9, minute=0)
    due += timedelta(days=-due.weekday())  # a Monday, so that Wednesday stands in the same row
    made = post("The spring fares are out.", due, "x", "bluesky")
    enter(page, stack, CHIEF, "/calendar")
    chip = in_month(page, stack, "spring fares", "Europe/Paris")
    wednesday = drag(page, chip, due, days=2)
    keep(page, "calendar-dragging")
    page.mouse.up()
    expect(page.get_by_text(re.compile("^Moved to"))).to_be_visible()
    assert office.get(f"/posts/{made['id']}")["wall_time"] == f"{wednesday:%Y-%m-%dT%H:%M}"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert office.get(f"/posts/{made['id']}")["wall_time"] == f"{due:%Y-%m-%dT%H:%M}"
    chip.focus()
    page.keyboard.press("Enter")
    day = page.get_by_role("textbox", name=re.compile("^Day, as"))
    day.fill(f"{wednesday:%d/%m/%Y}")
    day.press("Tab")
    page.get_by_role("button", name=re.compile("^Move to Wed")).press("Enter")
    expect(page.get_by_text(re.compile("^Moved to")).first).to_be_visible()
    assert office.get(f"/posts/{made['id']}")["wall_time"] == f"{wednesday:%Y-%m-%dT%H:%M}"
