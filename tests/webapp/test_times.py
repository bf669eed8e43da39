"""Over the API: the week of an account, the posts behind each figure, and the times put forward."""

from __future__ import annotations

from datetime import timedelta

from bench.times import World
from guichet.timing.rules import Part, Seen
from tests import factories
from tests.timing.past import measured, publish
from tests.webapp.site import Site


def test_every_figure_of_the_week_leads_to_its_posts_and_every_time_to_its_reasons(site: Site) -> None:
    history = World(a_day=2, better=Part(1, 8), factor=8).history(3)
    weeks = timedelta(weeks=(site.clock.now - max(s.at for s in history) - timedelta(days=2)) // timedelta(weeks=1))
    history = [Seen(s.post_id, s.at + weeks, s.brought) for s in history]
    with site.rows() as session:
        owner, account = factories.make_staff(session, "owner"), factories.make_account(session, time_zone="UTC")
        measured(session, account, publish(session, account, owner, history), history)
        id_ = account.id
    browser = site.browser(owner)
    times = browser.get(f"/accounts/{id_}/times").get_json()
    assert times["verdict"] == "found"
    assert sum(part["posts"] for part in times["week"]) == times["posts"] > 100
    best = times["best"][0]
    where = {name: best[name] for name in ("weekday", "hour") if best[name] is not None}
    behind = browser.get(f"/accounts/{id_}/times/posts", query_string=where).get_json()
    assert behind["posts"] == best["posts"]
    brought = [post["brought"] for post in behind["items"]]
    assert brought == sorted(brought, reverse=True)
    suggested = browser.get("/times/suggested", query_string={"account_id": id_, "time_zone": "Asia/Tokyo"}).get_json()
    assert len(suggested["items"]) >= 1
    for one in suggested["items"]:
        assert one["reasons"][0]["said"].endswith(f"all posts {times['usual']}")
        assert one["time_zone"] == "Asia/Tokyo"
    assert suggested["accounts"] == [{"account_id": id_, "verdict": "found", "said": times["said"]}]
