"""`guichet doctor`, `keys`, `audit`, and driving the rehearsal networks."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from channels.contract import RawItem
from cli.output import Status
from guichet import audit
from guichet.clock import utc_now
from guichet.models import AuditEntry, Credential, Discrepancy, FilmJob, FilmState
from guichet.policy import SYSTEM
from guichet.receiving import refusals
from guichet.receiving.ingest import Incoming, store_items
from tests import factories as make
from tests.channels.mastodon_rig import MastodonRig
from tests.cli.conftest import KEYS, Guichet, assert_one_clear_line
from tests.factories import NOW

NEW_KEY = "k2:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


def test_the_doctor_names_what_is_wrong(both: Guichet) -> None:
    said = both("doctor", "--json")
    assert said.status == Status.REFUSED
    found = {f["check"]: f["state"] for f in said.document}
    assert (found["database"], found["redis"], found["keys"]) == ("good", "BAD", "good")
    assert said.failure["error"] == "something is wrong: redis"


def test_the_doctor_sees_what_waits_for_long_and_that_every_delivery_was_forged(guichet: Guichet) -> None:
    with guichet.rows() as session:
        account, now = make.make_account(session, handle="@acme"), utc_now()
        refusals.count(session, SYSTEM, {(account.id, "forged"): 3, (0, "nobody"): 2}, now)
        store_items(session, SYSTEM, [Incoming(account.id, RawItem("t", "k", b"{}"), now - timedelta(hours=1))])
    said = guichet("doctor", "--json")
    found = {f["check"]: (f["state"], f["finding"]) for f in said.document}
    assert found["receiving"][0] == found["webhooks"][0] == "BAD"
    assert "@acme" in found["webhooks"][1]


def test_the_doctor_sees_that_nobody_makes_films(both: Guichet) -> None:
    now = utc_now()
    ago = now - timedelta(minutes=5)
    with both.rows() as session:
        staff = make.make_staff(session)
        idle = make.make_film_job(session, staff, not_before=ago)
        make.make_film_job(session, staff, not_before=now + timedelta(hours=1))
        rendition_id = idle.rendition_id

    def finding() -> tuple[str, str]:
        return next((f["state"], f["finding"]) for f in both("doctor", "--json").document if f["check"] == "films")

    state, words = finding()
    assert state == "BAD"
    assert "is a films worker running?" in words
    with both.rows() as session:
        job = session.get_one(FilmJob, rendition_id)
        job.state, job.lease_until = FilmState.RUNNING, ago
    assert finding()[0] == "BAD", "whoever made it is dead"
    with both.rows() as session:
        session.get_one(FilmJob, rendition_id).lease_until = now + timedelta(minutes=1)
        make.make_film_job(session, make.make_staff(session), not_before=ago)
    assert finding()[0] == "good", "somebody is at work; the other waits for its turn"


def test_the_doctor_sees_a_key_that_is_not_here(guichet: Guichet, monkeypatch: pytest.MonkeyPatch) -> None:
    with guichet.rows() as session:
        session.add(Credential(account_id=make.make_account(session).id, key_id="lost", sealed=b""))
    said = guichet("doctor")
    assert "sealed with keys that are not here: lost" in said.out


def test_keys_are_changed_while_running(both: Guichet, monkeypatch: pytest.MonkeyPatch) -> None:
    sealer = both.runtime().sealer
    with both.rows() as session:
        account = make.make_account(session)
        sealed = sealer.seal({"token": "canary-token"}, f"account:{account.id}:1")
        session.add(Credential(account_id=account.id, key_id=sealed.key_id, sealed=sealed.data))
        audit.record(session, SYSTEM, "test", None, NOW)
        audit.seal(session, SYSTEM, NOW + timedelta(days=1), both.runtime().settings.secret_keys[0])
    monkeypatch.setenv("GUICHET_SECRET_KEYS", f"{NEW_KEY},{KEYS}")
    assert both.json("keys", "rotate") == {"resealed": 1, "key": "k2", "keep": ["k1"]}
    with both.rows() as session:
        assert session.scalars(select(Credential)).one().key_id == "k2"
    assert both.json("keys", "rotate")["resealed"] == 0
    assert both.json("audit", "verify")["sealed"] >= 1, "what an old key signed still holds with it"
    monkeypatch.setenv("GUICHET_SECRET_KEYS", NEW_KEY)
    said = both("audit", "verify")
    assert (said.status, "the signature does not hold" in said.err) == (Status.REFUSED, True)


def test_an_edited_audit_log_shows(guichet: Guichet) -> None:
    with guichet.rows() as session:
        for n in range(3):
            audit.record(session, SYSTEM, f"act {n}", None, NOW)
        audit.seal(session, SYSTEM, NOW + timedelta(days=1), guichet.runtime().settings.secret_keys[0])
    whole = guichet.json("audit", "verify")
    assert (whole["seal"]["digest"], len(whole["seal"]["signature"])) == (whole["head"], 64)
    assert guichet.json("audit", "verify", "--head", whole["head"]) == whole
    assert guichet("audit", "verify", "--head", "f" * 64).status == Status.REFUSED
    with guichet.rows() as session:
        session.execute(update(AuditEntry).where(AuditEntry.action == "act 1").values(action="act 9"))
    said = guichet("audit", "verify", "--json")
    assert said.status == Status.REFUSED
    assert "changed after they were sealed" in said.failure["problems"][0]


def test_what_differs_between_timelines_and_rows_is_told_and_fails(guichet: Guichet) -> None:
    assert guichet("audit", "timelines").out == "Nothing differs, as far as was compared.\n"
    with guichet.rows() as session:
        account, other = make.make_account(session, handle="aurore"), make.make_account(session, handle="lumen")
        session.add(Discrepancy(
            account_id=account.id, kind="stranger", code="unknown_hand", remote_id="7", at=NOW, found_at=NOW,
            text="Red \x1b[31malert\nnow",
        ))  # fmt: skip
        handles = account.handle, other.handle
    said = guichet("audit", "timelines", handles[0])
    assert (said.status, said.err) == (Status.REFUSED, "guichet: 1 differ: see Needs you\n")
    assert "stranger" in said.out
    assert "Red  [31malert now" in said.out, "nothing that a terminal would obey"
    assert guichet.json("audit", "timelines", handles[1]) == []
    assert_one_clear_line(guichet("audit", "timelines", "--now"))
    assert_one_clear_line(guichet("audit", "timelines", "nobody"))


def test_the_rehearsal_is_driven_from_outside(guichet: Guichet, monkeypatch: pytest.MonkeyPatch) -> None:
    with MastodonRig() as rig:
        port = urlsplit(rig.server.url).port or 0
        monkeypatch.setenv("GUICHET_REHEARSAL_PORT", str(port - 2))  # where Mastodon is among them
        said = guichet.json("rehearsal", "say", "mastodon", "hana", "Is there a later flight?", "--to", "guichet")
        assert said["id"]
        assert guichet.json("rehearsal", "fault", "mastodon", "slow", "--seconds", "0.1")
        assert guichet.json("rehearsal", "fault", "mastodon", "--forget") == {"forgotten": True}
        assert isinstance(guichet.json("rehearsal", "ledger", "mastodon"), list)
        wrong = guichet("rehearsal", "fault", "mastodon", "earthquake")
        assert wrong.status == Status.WRONGLY_ASKED
        assert_one_clear_line(wrong)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("rehearsal", "ledger", "mastodon"), 3, "no rehearsal network answers"),
        (("rehearsal", "say", "myspace", "a", "b"), 2, "'myspace' is not one of"),
        (("rehearsal", "fault", "x"), 2, "say which EFFECT"),
        (("rehearsal", "fault", "x", "slow", "--probability", "2"), 2, "not in the range"),
        (("rehearsal", "serve"), 2, "GUICHET_REHEARSAL_PORT"),
        (("demo",), 2, "GUICHET_REHEARSAL_PORT"),
        (("serve", "everything"), 2, "'everything' is not one of"),
    ],
)
def test_what_is_wrongly_asked_is_said_in_one_line(
    guichet: Guichet, words: tuple[str, ...], status: int, says: str
) -> None:
    said = guichet(*words)
    assert says in said.err
    assert said.status == status
    assert_one_clear_line(said)
