"""After a restore or a copy: programs find it out before they begin, webhooks are told to come
back, nothing is read, and `guichet instance confirm` is a person's word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from cli.output import Status
from cli.recognising import recognise
from guichet.clock import utc_now
from guichet.config import Settings, read_settings
from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze
from guichet.models import Credential, Delivery, Instance, Message, PollCursor
from guichet.policy import SYSTEM
from tests import factories as make
from tests.channels.mastodon_rig import MastodonRig
from tests.cli.conftest import Guichet, assert_one_clear_line
from tests.webapp.site import open_site
from tests.webapp.test_hooks import kept, send
from tests.workers.hearing import begin, receive_all, texts
from tests.workers.stage import open_stage


def settings() -> Settings:
    import os

    return read_settings(os.environ)


def begin_program() -> list[str]:
    """What a program does first; what it says."""
    said: list[str] = []
    recognise(settings(), said.append)
    return said


def leave_note(guichet: Guichet, **changes: str) -> None:
    """As if the files were another installation's."""
    path = guichet.folder / "media" / ".instance"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def quarantine(guichet: Guichet) -> None:
    begin_program()
    leave_note(guichet, id="another")
    assert begin_program() != []


def test_a_program_says_nothing_where_all_is_as_it_was_left(both: Guichet) -> None:
    assert both.json("instance", "status")["id"] is None
    assert begin_program() == begin_program() == []
    assert both.json("instance", "status")["waits_since"] is None


def test_a_copy_waits_for_a_person(both: Guichet) -> None:
    quarantine(both)
    said = both("instance", "status")
    assert said.status == Status.REFUSED
    assert "another installation last ran with this database" in said.err
    assert_one_clear_line(said)
    assert both("instance", "status", "--json").failure["waits_since"]
    assert both.json("brake", "status")["brakes"][0]["stops"] == "posts and answers"
    assert both.json("instance", "confirm") == {"confirmed": True}
    assert both.json("brake", "status")["on"] is False
    assert begin_program() == []
    assert both("instance", "confirm").status == Status.REFUSED


def test_confirming_demands_a_choice_for_what_is_overdue(both: Guichet) -> None:
    with both.rows() as session:
        now = utc_now()
        delivery = delivering.create(
            session, SYSTEM, account=make.make_account(session), kind="post",
            payload=freeze(text="Offer", surface="public"), due_at=now, now=now,
        )  # fmt: skip
    quarantine(both)
    said = both("instance", "confirm", "--json")
    assert (said.status, [h["delivery"] for h in said.failure["held"]]) == (Status.REFUSED, [delivery.id])
    both.json("instance", "confirm", "--held", "drop")
    with both.rows() as session:
        assert session.scalars(select(Delivery.state)).one() == "cancelled"


def test_a_database_put_back_to_an_earlier_moment_shows(both: Guichet) -> None:
    begin_program()
    with both.rows() as session:
        before = session.scalars(select(Instance)).one().seen_at
    assert begin_program() == []  # it went on
    with both.rows() as session:
        session.execute(update(Instance).values(seen_at=before))  # and is back again
    assert begin_program() != []
    assert "put back to an earlier moment" in both("instance", "status").err


def test_webhooks_are_told_to_come_back(engine: Engine, tmp_path: Path) -> None:
    site = open_site(engine, tmp_path)
    with site.rows() as session:
        account = make.make_account(session, network="x", is_rehearsal=True, remote_id="900")
        sealed = site.runtime.sealer.seal({"token": "t"}, f"account:{account.id}:1")
        session.add(Credential(account_id=account.id, key_id=sealed.key_id, sealed=sealed.data, version=1))
        now = utc_now()
        session.add(Instance(instance_id="copy", public_url="", seen_at=now, unconfirmed_since=now))
    assert send(site, account, b"{}") == 503
    assert kept(site) == []
    assert site.stranger().get("/-/readyz").json["confirmed"] is False
    with site.rows() as session:
        session.execute(update(Instance).values(unconfirmed_since=None))
    assert send(site, account, b"{}") == 200


def test_nothing_is_read(engine: Engine, tmp_path: Path) -> None:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        begin(stage)
        rig.say_publicly("Is anybody there?")
        with stage.session() as session:
            now = utc_now()
            session.add(Instance(instance_id="copy", public_url="", seen_at=now, unconfirmed_since=now))
            cursors = [c.value for c in session.scalars(select(PollCursor))]
        receive_all(stage)
        with stage.session() as session:
            assert session.scalars(select(Message)).all() == []
            assert [c.value for c in session.scalars(select(PollCursor))] == cursors
            session.execute(update(Instance).values(unconfirmed_since=None))
        receive_all(stage)
        assert len(texts(stage)) == 1


def test_a_restored_database_waits_wherever_it_is_restored(
    guichet: Guichet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_program()
    guichet.json("backup", str(tmp_path / "backup"))
    monkeypatch.setenv("GUICHET_DATABASE_URL", f"sqlite:///{tmp_path}/restored.sqlite3")
    guichet.json("restore", str(tmp_path / "backup"))  # beside the same files, on the same machine
    assert begin_program() != []
    assert guichet("instance", "status").status == Status.REFUSED
    assert guichet.json("instance", "confirm") == {"confirmed": True}
    assert begin_program() == []
