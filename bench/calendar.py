"""The calendar with 5,000 posts in view, against the same page with one post.

The whole stack as `guichet run` starts it, and Chromium: how long the API takes for a month, how
long until it is drawn, and the time between frames while the week is scrolled and a post is
carried about in the month. Ratios count; a page with one post is the floor.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from playwright.sync_api import Page, sync_playwright
from sqlalchemy.orm import Session

from bench.databases import fresh
from bench.figures import Figure, median, percentile, timed
from guichet import models as m
from guichet.config import Settings
from guichet.db.engine import open_engine
from guichet.delivery.payload import freeze, payload_hash
from guichet.policy import SYSTEM
from guichet.staff.operations import create_token_for
from guichet.staff.rules import hash_password
from tests.factories import make_account, make_brand, make_staff
from tests.journeys.stack import Stack, running
from tests.journeys.windows import FLAGS, enter

COUNT = 5000
_EMAIL, _PASSWORD = "bench@example.org", "a passphrase of the bench"
# Collects the times between frames until it is asked for them.
_WATCH = """() => { let last = 0; window.frames_ = []; const on = (at) => {
  if (last) window.frames_.push(at - last); last = at; requestAnimationFrame(on); }; requestAnimationFrame(on); }"""


def measure() -> Iterator[Figure]:
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh("SQLite", Path(folder)) as url,
        running(Path(folder), GUICHET_DATABASE_URL=url, GUICHET_LOG_LEVEL="WARNING") as stack,
    ):
        token, lone = _fill(stack.settings(), url)
        stack.sign_ins[_EMAIL] = _PASSWORD
        yield from _api(stack, token, lone)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
            enter(page, stack, _EMAIL, "/calendar")
            yield from _page(page, stack, lone)
            browser.close()


def _next_month() -> datetime:
    now = datetime.now(UTC)
    return (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)


def _fill(settings: Settings, url: str) -> tuple[str, int]:
    """The posts, a token, and a campaign that one of them is of."""
    now, first, engine = datetime.now(UTC), _next_month(), open_engine(url)
    with Session(engine) as session, session.begin():
        owner = make_staff(session, "owner", email=_EMAIL, password_hash=hash_password(_PASSWORD))
        brand = make_brand(session, time_zone="UTC")
        accounts = [make_account(session, brand, network=n) for n in ("mastodon", "bluesky", "x")]
        campaign = m.PostTag(brand_id=brand.id, kind="campaign", name="One", folded="one", created_at=now)
        session.add(campaign)
        for n in range(COUNT):
            due = first + timedelta(minutes=n * 28 * 24 * 60 // COUNT)
            post = m.Post(
                brand_id=brand.id, author_id=owner.id, state="scheduled", wall_time=f"{due:%Y-%m-%dT%H:%M}",
                due_at=due, created_at=now, updated_at=now,
            )  # fmt: skip
            post.variants = [m.Variant(is_base=True, text=f"Post number {n}: what there is to say of it, in a line.")]
            post.targets = [m.PostTarget(account_id=a.id, variant=post.variants[0]) for a in accounts[: 1 + n % 3]]
            if n == COUNT // 2:
                post.tags = [campaign]
            session.add(post)
            session.flush()
            payload = freeze(text=post.variants[0].text, surface="public")
            session.add_all(
                m.Delivery(
                    kind="post", state="scheduled", account_id=t.account_id, actor_id=owner.id, post_id=post.id,
                    payload=payload, payload_hash=payload_hash(payload), content_hash="", due_at=due, not_before=due,
                    created_at=now, updated_at=now,
                )
                for t in post.targets
            )  # fmt: skip
        _, token = create_token_for(session, SYSTEM, owner, name="bench", scopes=["read"], expires_at=None, now=now)
        found = campaign.id
    engine.dispose()
    return token, found


def _api(stack: Stack, token: str, lone: int) -> Iterator[Figure]:
    asking, first = requests.Session(), _next_month()
    asking.headers["Authorization"] = f"Bearer {token}"
    month = {"since": first.isoformat(), "until": (first + timedelta(days=31)).isoformat()}

    def ask(**more: str) -> int:
        answer = asking.get(f"{stack.url}/api/v1/posts/calendar", params={**month, **more}, timeout=60)
        return len(answer.json()["items"])

    assert (ask(), ask(campaign_id=str(lone))) == (COUNT, 1)
    whole, one = median(timed(ask, 10)), median(timed(lambda: ask(campaign_id=str(lone)), 10))
    yield Figure(f"the API's answer with {COUNT} posts, p50", whole, "ms", goal=1000, at_least=False)
    yield Figure("the API's answer with one post, p50", one, "ms")


def _page(page: Page, stack: Stack, lone: int) -> Iterator[Figure]:
    for view in ("month", "week"):
        crowded = _frames(page, stack, view, "")
        floor = _frames(page, stack, view, f"&campaign={lone}")
        act = "a post is carried about the month" if view == "month" else "the week is scrolled"
        drawn = f"from the click to the drawn {view}, {COUNT} posts"
        yield Figure(drawn, crowded[0], "ms", goal=3000, at_least=False)
        yield Figure(f"the same with one post ({view})", floor[0], "ms")
        p95, least = percentile(crowded[1], 0.95), percentile(floor[1], 0.95)
        yield Figure(f"between frames while {act}, p95", p95, "ms")
        yield Figure(f"the same with one post ({view}), p95", least, "ms")
        yield Figure(f"ratio ({view})", p95 / least, "×", goal=2, at_least=False)


def _frames(page: Page, stack: Stack, view: str, more: str) -> tuple[float, list[float]]:
    """Milliseconds until the posts are drawn, and between frames while something is done."""
    page.goto(f"{stack.url}/calendar?view={view}&zone=UTC{more}")
    page.get_by_role("button", name="Later").wait_for()
    clicks = 1
    if view == "week":  # to the week that holds the middle of the month, where the lone post is
        middle = _next_month() + timedelta(days=14)
        clicks = (middle.date() - datetime.now(UTC).date()).days // 7 + 1
    for _ in range(clicks - 1):
        page.get_by_role("button", name="Later").click()
        page.wait_for_timeout(400)
    began = time.perf_counter()
    page.get_by_role("button", name="Later").click()
    page.locator(".chip.scheduled, .more").first.wait_for(state="attached")
    took = (time.perf_counter() - began) * 1000
    page.wait_for_timeout(1500)
    page.evaluate(_WATCH)
    if view == "week":
        page.mouse.move(700, 500)
        for n in range(60):
            page.mouse.wheel(0, 60 if n < 30 else -60)
            page.wait_for_timeout(16)
    else:
        _carry(page)
    frames: list[float] = page.evaluate("window.frames_")
    return took, frames


def _carry(page: Page) -> None:
    """Pick up a post, carry it over the grid and let it go where it was."""
    box = page.locator(".chip.scheduled").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for n in range(60):
        page.mouse.move(300 + 15 * n, 300 + 5 * n)
        page.wait_for_timeout(16)
    page.keyboard.press("Escape")
    page.mouse.move(x, y)
    page.mouse.up()
