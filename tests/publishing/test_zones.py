"""The rules of a zone change: what is scheduled keeps its wall time."""

from __future__ import annotations

import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from channels.networks import Networks
from channels.wire import Wire
from guichet import models as m
from guichet.delivery import operations as delivering
from guichet.policy import SYSTEM
from guichet.publishing import operations
from guichet.publishing.drafting import Item, VariantSpec, Words
from guichet.publishing.embargo import set_embargo
from guichet.publishing.zone_changes import moves_made, moves_to_come
from guichet.publishing.zones import follow_zones
from tests.publishing.desk import NOW, Desk
from tests.workers.stage import runtime_on
from workers import tend
from workers.runtime import Process, use

AT = "2026-03-12T09:00"
IN_PARIS, IN_LONDON = datetime(2026, 3, 12, 8, 0, tzinfo=UTC), datetime(2026, 3, 12, 9, 0, tzinfo=UTC)


@pytest.fixture
def zones(tmp_path: Path) -> Iterator[Path]:
    """A folder of zones that this process goes by."""
    folder = tmp_path / "zones"
    (folder / "Europe").mkdir(parents=True)
    for name in ("Europe/Paris", "Europe/London"):
        (folder / name).write_bytes((resources.files("tzdata") / "zoneinfo" / name).read_bytes())
    zoneinfo.reset_tzpath(to=[str(folder)])
    zoneinfo.ZoneInfo.clear_cache()
    yield folder
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


def let_paris_follow_london(zones: Path) -> None:
    (zones / "Europe/Paris").unlink()
    shutil.copy(zones / "Europe/London", zones / "Europe/Paris")
    zoneinfo.ZoneInfo.clear_cache()


def test_what_is_scheduled_moves_with_its_zone_and_it_is_recorded(desk: Desk, zones: Path) -> None:
    thread = desk.post(words=Words("one", items=[Item("two")]), variants=[VariantSpec(desk.here.id)])
    moved_by_hand, past, now = desk.post(), desk.post(), desk.post()
    for post in (thread, moved_by_hand, past, now):
        desk.schedule(post, at=AT)
    elsewhere = desk.deliveries(moved_by_hand)[0]
    delivering.reschedule(desk.session, desk.publisher, elsewhere, IN_PARIS + timedelta(days=1), NOW)
    operations.publish_now(desk.session, desk.publisher, now, specs={}, now=NOW)
    assert follow_zones(desk.session, SYSTEM, NOW) == 0

    let_paris_follow_london(zones)
    shown = moves_to_come(desk.session, SYSTEM, NOW)
    assert {(move.was, move.due_at, move.wall_time) for move in shown} == {(IN_PARIS, IN_LONDON, AT)}
    assert follow_zones(desk.session, SYSTEM, NOW) == 3
    assert moves_to_come(desk.session, SYSTEM, NOW) == []
    made = moves_made(desk.session, SYSTEM, NOW)
    assert {(move.post_id, move.was, move.due_at) for move in made} == {(m.post_id, m.was, m.due_at) for m in shown}
    assert follow_zones(desk.session, SYSTEM, NOW) == 0
    assert thread.due_at == IN_LONDON
    assert [(d.due_at, d.not_before, d.state) for d in desk.deliveries(thread)] == [
        (IN_LONDON, IN_LONDON, "scheduled"), (IN_LONDON, IN_LONDON, "blocked"),
    ]  # fmt: skip
    assert {d.due_at for d in desk.deliveries(moved_by_hand)} == {IN_PARIS + timedelta(days=1), IN_LONDON}
    assert {d.due_at for d in desk.deliveries(now)} == {NOW}
    recorded = desk.session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "post.zone_changed")).all()
    assert {e.target_id for e in recorded} == {thread.id, moved_by_hand.id, past.id}
    assert recorded[0].data == {"was": IN_PARIS.isoformat(), "due": IN_LONDON.isoformat()}


def test_what_is_past_or_whose_zone_is_gone_stays_where_it_was(desk: Desk, zones: Path) -> None:
    post = desk.post()
    desk.schedule(post, at=AT)
    let_paris_follow_london(zones)
    assert follow_zones(desk.session, SYSTEM, IN_PARIS + timedelta(seconds=1)) == 0
    assert post.due_at == IN_PARIS
    post.time_zone = "Europe/Nowhere"
    assert follow_zones(desk.session, SYSTEM, NOW) == 0
    assert {d.due_at for d in desk.deliveries(post)} == {IN_PARIS}


def test_the_tending_notices_zones_that_were_replaced_while_it_ran(
    desk: Desk, zones: Path, engine: Engine, tmp_path: Path
) -> None:
    post = desk.post()
    desk.schedule(post, at=AT)
    desk.session.commit()
    process = Process(runtime_on(engine, tmp_path), Networks(Wire()), "tend")
    object.__setattr__(process.runtime, "now", lambda: NOW)
    use(process)
    tend.keep_wall_times(process)
    desk.session.refresh(post)
    assert post.due_at == IN_PARIS
    desk.session.commit()
    let_paris_follow_london(zones)
    (zones / "tzdata.zi").write_text("# version 2026z\n")
    tend.keep_wall_times(process)
    use(None)
    desk.session.expire_all()
    assert post.due_at == IN_LONDON


def test_an_embargo_ends_when_its_wall_time_does(desk: Desk, zones: Path) -> None:
    post, draft = desk.post(), desk.post()
    desk.schedule(post, at="2026-03-12T09:30")
    for one in (post, draft):
        set_embargo(desk.session, desk.publisher, one, AT, "Europe/Paris", NOW)
    post.due_at = None  # as if it were planned by the moment: only the embargo has a wall time
    let_paris_follow_london(zones)
    assert follow_zones(desk.session, SYSTEM, NOW) == 2
    assert follow_zones(desk.session, SYSTEM, NOW) == 0
    assert (post.embargo_at, draft.embargo_at) == (IN_LONDON, IN_LONDON)
    assert {(d.due_at, d.not_before, d.state) for d in desk.deliveries(post)} == {
        (IN_PARIS + timedelta(minutes=30), IN_LONDON, "scheduled")
    }
    told = desk.session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "post.zone_changed")).all()
    assert [e.data for e in told] == [{"embargo_was": IN_PARIS.isoformat(), "embargo": IN_LONDON.isoformat()}]
