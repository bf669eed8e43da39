"""What attackers write, in every place where the application shows what people outside wrote, in
Chromium: nothing of it runs, and nothing is loaded from anywhere else.

Each attack is a mail's HTML, text and subject, its sender's name, and the name and description of a
file. One in twelve of them here; all of them are a proof (make chaos-inbox)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Browser, Page, Request
from sqlalchemy import select

from channels.contract import Inbound, InboundKind, Person, RawItem, RemoteMedia, Surface
from guichet import models as m
from guichet.clock import utc_now
from guichet.db.engine import open_engine
from guichet.policy import SYSTEM
from guichet.receiving import ingest
from guichet.receiving.digest import digest
from guichet.storage import FileStore
from guichet.unit import open_unit
from tests.journeys.stack import Stack
from tests.journeys.windows import CHIEF, enter
from tests.receiving.test_sanitise import vectors

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

AT_ONCE = 12  # attacks in one conversation
PROBE = """() => [document.documentElement.outerHTML.length, document.querySelectorAll(
    'main script, main iframe, main object, main embed, main form[action], main img[src^="http"]').length]"""


def received(stack: Stack, attacks: Sequence[str]) -> list[int]:
    """Each attack as a mail of somebody; the conversations that they make."""
    settings = stack.settings()
    engine, store = open_engine(settings.database_url), FileStore(settings.data_dir / "media")
    found: set[int] = set()
    for n in range(0, len(attacks), AT_ONCE):
        with open_unit(engine) as unit:
            account = unit.session.scalars(select(m.Account).where(m.Account.network == "email")).first()
            assert account is not None
            for offset, attack in enumerate(attacks[n : n + AT_ONCE]):
                key = f"attack-{n + offset}"
                kept = ingest.Incoming(account.id, RawItem("test", key, b"{}"), utc_now())
                ingest.store_items(unit.session, SYSTEM, [kept])
                raw = unit.session.scalars(select(m.RawItem).where(m.RawItem.delivery_key == key)).one()
                new = digest(unit.session, SYSTEM, raw, [mail(attack, key, f"root-{n}")], utc_now(), store=store)
                ingest.note_digested(raw, utc_now())
                found |= {message.conversation_id for message in new}
    engine.dispose()
    return sorted(found)


def mail(attack: str, key: str, root: str) -> Inbound:
    file = RemoteMedia("text/html", filename=attack, alt=attack, data=attack.encode("utf-8", "replace"))
    who = Person(f"{root}@customer.example", attack, attack, avatar_url=attack, url=attack)
    return Inbound(
        f"{key}@customer.example", InboundKind.MAIL, Surface.MAIL, who, attack, utc_now(), root, html=attack,
        subject=attack, url=attack, media=(file,),
    )  # fmt: skip


@pytest.fixture
def watched(chromium: Browser, stack: Stack) -> Iterator[tuple[Page, list[str]]]:
    """A window, and what happens in it that must not."""
    context = chromium.new_context(viewport={"width": 1440, "height": 2400}, locale="en-GB")
    page = context.new_page()
    wrong: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith((stack.url, "data:", "blob:")):
            wrong.append(f"loaded {request.url[:200]}")

    page.on("request", look)
    page.on("dialog", lambda dialog: (wrong.append(f"ran {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: wrong.append(f"error {error}"))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield page, wrong
    context.close()


def assert_harmless(watched: tuple[Page, list[str]], stack: Stack, attacks: Sequence[str]) -> None:
    page, wrong = watched
    numbers = received(stack, attacks)
    assert len(numbers) == -(-len(attacks) // AT_ONCE)
    enter(page, stack, CHIEF)
    session = page.request
    customers = set()
    for number in numbers:
        page.goto(f"{stack.url}/inbox/{number}?state=all")  # beside the list, with names and first words
        page.get_by_role("article").first.wait_for(timeout=30_000)
        time.sleep(0.1)  # an event handler would run now
        length, dangers = page.evaluate(PROBE)
        assert length > 1000
        assert dangers == 0
        shown = session.get(f"{stack.url}/api/v1/conversations/{number}").json()
        customers.add(shown["customer"]["id"])
        assert wrong == [], number
    page.goto(f"{stack.url}/inbox?q=alert&state=all")
    page.get_by_role("listitem").first.wait_for(timeout=30_000)
    for path in ("/needs-you", "/numbers", "/accounts"):
        page.goto(f"{stack.url}{path}")
        page.get_by_role("main").wait_for(timeout=30_000)
    assert customers
    assert wrong == []


def test_nothing_that_attackers_write_runs_or_loads(watched: tuple[Page, list[str]], stack: Stack) -> None:
    assert_harmless(watched, stack, vectors()[::12])


@pytest.mark.proof
def test_nothing_of_all_that_attackers_write_runs_or_loads(watched: tuple[Page, list[str]], stack: Stack) -> None:
    assert_harmless(watched, stack, vectors())
