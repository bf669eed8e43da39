"""Live events: resumed by number, narrowed and ended with the rights of their person."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from guichet import live
from guichet.models import LiveEvent, Staff
from guichet.policy import SYSTEM
from tests import databases
from tests import factories as make
from tests.waiting import until
from tests.webapp.site import Browser, Site, open_site


class Listener:
    """Reads a stream event by event, for so many seconds at most."""

    def __init__(self, browser: Browser, **headers: str) -> None:
        self.answer: TestResponse = browser.get("/events", headers=headers, buffered=False)
        self._text = iter(self.answer.response)
        self._buffer = ""

    def events(self, seconds: float = 8.0) -> Iterator[dict[str, str]]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while "\n\n" in self._buffer:
                block, self._buffer = self._buffer.split("\n\n", 1)
                fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
                if "event" in fields:
                    yield fields
            try:
                chunk = next(self._text)
            except StopIteration:
                return
            self._buffer += chunk.decode() if isinstance(chunk, bytes) else str(chunk)

    def next(self, kind: str) -> dict[str, str]:
        for event in self.events():
            if event["event"] == kind:
                return event
        raise AssertionError(f"no {kind} was heard")

    def close(self) -> None:
        self.answer.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.live_hub.POLL", 0.1)
    monkeypatch.setattr("webapp.live.PING", 0.3)


def tell(site: Site, kind: str, **data: Any) -> int:
    with site.rows() as session:
        live.tell(session, kind, site.clock.now, **data)
        session.flush()
        return live.number_new(session, SYSTEM)


@pytest.fixture
def person(both: Site) -> Staff:
    with both.rows() as session:
        return make.make_staff(session, "owner")


def test_what_changes_is_heard_also_without_redis(both: Site, person: Staff) -> None:
    listener = Listener(both.browser(person))
    assert listener.answer.mimetype == "text/event-stream"
    listener.next("ping")
    number = tell(both, "conversation", id=7, version=3, what="state")
    heard = listener.next("conversation")
    assert '"id":7' in heard["data"]
    assert heard["id"] == str(number)
    listener.close()


def test_a_broken_stream_goes_on_where_it_was(both: Site, person: Staff) -> None:
    first = tell(both, "brake", on=True)
    tell(both, "conversation", id=1)
    tell(both, "conversation", id=2)
    listener = Listener(both.browser(person), **{"Last-Event-ID": str(first)})
    assert [e["event"] for e, _ in zip(listener.events(), range(2), strict=False)] == ["conversation"] * 2
    listener.close()


@pytest.mark.parametrize("last", ["999999", "not a number"])
def test_a_number_that_is_not_ours_means_read_everything_again(both: Site, person: Staff, last: str) -> None:
    tell(both, "brake", on=True)
    listener = Listener(both.browser(person), **{"Last-Event-ID": last})
    assert next(listener.events())["event"] == "resync"
    listener.close()


def test_a_number_that_is_forgotten_means_the_same(both: Site, person: Staff) -> None:
    for n in range(3):
        tell(both, "conversation", id=n)
    both.clock.turn(hours=7)
    with both.rows() as session:
        live.forget_old(session, SYSTEM, both.clock.now)
    tell(both, "conversation", id=9)
    fresh = both.browser(person)
    listener = Listener(fresh, **{"Last-Event-ID": "1"})
    assert next(listener.events())["event"] == "resync"
    listener.close()


def test_much_about_one_thing_is_said_once(both: Site, person: Staff) -> None:
    first = tell(both, "brake", on=True)
    for version in range(20):
        tell(both, "conversation", id=1, version=version)
    listener = Listener(both.browser(person), **{"Last-Event-ID": str(first)})
    heard = []
    for event in listener.events():
        if event["event"] == "ping":
            break
        heard.append(event)
    assert len(heard) == 1
    assert '"version":19' in heard[0]["data"]
    listener.close()


def test_who_is_far_behind_hears_everything_in_order_once(
    both: Site, person: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further than the process remembers, and further than one look at the database."""
    monkeypatch.setattr("webapp.live_hub._KEPT", 3)
    monkeypatch.setattr("webapp.live._BATCH", 4)
    first = tell(both, "brake", on=True)
    watching = Listener(both.browser(person))
    watching.next("ping")
    for n in range(10):
        tell(both, "conversation", id=n)
    late = Listener(both.browser(person), **{"Last-Event-ID": str(first)})
    for listener in (late, watching):
        heard = [e["data"] for e, _ in zip(listener.events(), range(10), strict=False) if e["event"] == "conversation"]
        assert [f'"id":{n},' in said for n, said in enumerate(heard)] == [True] * 10
        listener.close()


def test_numbers_that_went_back_mean_read_everything_again(both: Site, person: Staff) -> None:
    """Another database than before: a backup was put back."""
    for n in range(5):
        tell(both, "conversation", id=n)
    listener = Listener(both.browser(person))
    listener.next("ping")
    with both.rows() as session:
        session.execute(delete(LiveEvent).where(LiveEvent.number > 2))
    assert listener.next("resync")["id"] == "2"
    tell(both, "conversation", id=77)
    assert '"id":77' in listener.next("conversation")["data"]
    listener.close()


def test_a_stream_outlives_a_database_that_is_away(both: Site, person: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener(both.browser(person))
    listener.next("ping")
    asked = threading.Event()

    def away(*_: Any) -> None:
        asked.set()
        raise OperationalError("SELECT", {}, Exception("away"))

    with monkeypatch.context() as patched:
        patched.setattr("webapp.live_hub.live.read_all_after", away)
        tell(both, "conversation", id=1)
        assert asked.wait(5)
    assert '"id":1' in listener.next("conversation")["data"]
    listener.close()


def test_whoever_listens_is_here(both: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.live_hub.PRESENT", 0.2)
    with both.rows() as session:
        person, machine = make.make_staff(session), make.make_staff(session)
    listeners = [Listener(both.browser(person)), Listener(both.program(machine, "read"))]
    with both.rows() as session:
        session.execute(update(Staff).values(presence="offline", seen_at=None))

    def is_here(staff: Staff) -> bool:
        with both.rows() as session:
            return session.get_one(Staff, staff.id).presence == "online"

    until(lambda: is_here(person), 5)
    assert not is_here(machine), "a program is nobody's sign of life"
    for listener in listeners:
        listener.close()


def test_a_disabled_person_hears_nothing_after_five_seconds(both: Site) -> None:
    with both.rows() as session:
        owner, person = make.make_staff(session, "owner"), make.make_staff(session, "administrator")
    listeners = [Listener(both.browser(person)), Listener(both.program(person, "read"))]
    for listener in listeners:
        listener.next("ping")
    began = time.monotonic()
    assert both.browser(owner).post(f"/staff/{person.id}/disable").status_code == 200
    for listener in listeners:
        assert [e["event"] for e in listener.events() if e["event"] != "ping"] == ["signed_out"]
        with pytest.raises(StopIteration):
            next(listener._text)
    assert time.monotonic() - began < 5


def test_a_lost_grant_narrows_the_stream_at_once(both: Site) -> None:
    with both.rows() as session:
        owner, person, account = make.make_staff(session, "owner"), make.make_staff(session), make.make_account(session)
        grant = make.make_grant(session, person, account, "agent")
    listener = Listener(both.browser(person))
    tell(both, "conversation", account_id=account.id, id=1)
    assert '"id":1' in listener.next("conversation")["data"]
    assert both.browser(owner).delete(f"/grants/{grant.id}").status_code == 200
    tell(both, "conversation", account_id=account.id, id=2)
    tell(both, "brake", on=True)
    heard = []
    for event in listener.events():
        heard.append(event["event"])
        if event["event"] == "brake":
            break
    assert "conversation" not in heard
    listener.close()


def test_streams_beyond_the_limit_are_told_to_poll_and_places_come_back(tmp_path: Path) -> None:
    with databases.sqlite_engine() as engine:
        site = open_site(engine, tmp_path, streams=1)
        with site.rows() as session:
            person = make.make_staff(session)
        browser = site.browser(person)
        listener = Listener(browser)
        listener.next("ping")
        refused = browser.get("/events")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "15")
        listener.close()
        again = Listener(browser)
        assert again.answer.status_code == 200
        again.close()


def test_streams_end_with_the_process(both: Site, person: Staff) -> None:
    listener = Listener(both.browser(person))
    listener.next("ping")
    both.app.extensions["guichet"]["hub"].close()
    began = time.monotonic()
    assert all(e["event"] == "ping" for e in listener.events())
    assert time.monotonic() - began < 2
    assert both.browser(person).get("/events").status_code == 503
