"""Notices that go out by real mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from guichet import models as m
from guichet.clock import utc_now
from tests import factories as f
from tests.channels.email_rig import EmailRig
from tests.workers.stage import Stage, open_stage
from workers import notices
from workers.runtime import use

WORDS = "My card is 4111 1111 1111 1111"


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with EmailRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        url = f"smtp+plain://guichet%40house.example:rehearsal@127.0.0.1:{rig.server.smtp_port}"
        settings = replace(stage.runtime.settings, mail_url=url, mail_from="guichet@house.example")
        stage.process.runtime = replace(stage.runtime, settings=settings)
        yield stage


def called(stage: Stage, **staff: str) -> int:
    """Somebody who was called in a note ten minutes ago, and wants to know at once."""
    ago = utc_now() - timedelta(minutes=10)
    with stage.session() as session:
        account = session.get_one(m.Account, stage.account_id)
        given = {"email": "ada@house.example", "name": "Ada", **staff}
        ada = f.make_staff(session, "administrator", **given)
        throughs = dict.fromkeys(("soon_through", "hourly_through", "daily_through"), ago - timedelta(minutes=1))
        f.make_letter_wish(session, ada, choices={"mentioned": "soon"}, **throughs)
        conversation = f.make_conversation(session, account, state="open", preview=WORDS, subject=WORDS)
        told = m.Notice(staff_id=ada.id, account_id=account.id, conversation_id=conversation.id, kind="mention", at=ago)
        session.add(told)
        session.flush()
        return conversation.id


def write(stage: Stage) -> m.Letter | None:
    use(stage.process)
    notices.write()
    with stage.runtime.reading() as session:
        row = session.scalars(select(m.Letter)).one_or_none()
        session.expunge_all()
        return row


def test_one_mail_goes_out_once_in_their_language_without_a_customers_word(stage: Stage) -> None:
    stage.rig.network.add_person("ada@house.example", "Ada", "customer")
    conversation_id = called(stage, locale="fr")
    for _ in range(3):
        letter = write(stage)
    assert letter is not None
    assert letter.state == "sent"
    (entry,) = stage.rig.network.ledger()
    headers, text = entry["extra"]["headers"], entry["text"]
    assert headers["Subject"].strip() == "1 avis dans Guichet"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["List-Unsubscribe-Post"].strip() == "List-Unsubscribe=One-Click"
    off = headers["List-Unsubscribe"].strip()
    assert re.fullmatch(r"<http://localhost/notice-mails/\d+/[0-9a-f]{40}>", re.sub(r"\s", "", off))
    assert f"/inbox/{conversation_id}\n" in text
    assert "Quelqu’un vous appelle" in text
    assert "4111" not in text


def test_what_is_refused_for_good_is_given_up_and_said(stage: Stage) -> None:
    called(stage)  # nobody there knows her
    letter = write(stage)
    assert letter is not None
    assert (letter.state, letter.tries, bool(letter.said)) == ("failed", 1, True)
    write(stage)
    assert stage.rig.network.ledger() == []


def test_without_a_mail_server_and_on_a_copy_nothing_is_planned(stage: Stage) -> None:
    called(stage)
    whole = stage.process.runtime
    stage.process.runtime = replace(whole, settings=replace(whole.settings, mail_url=""))
    assert write(stage) is None
    stage.process.runtime = whole
    with stage.session() as session:
        copy = m.Instance(instance_id="1", public_url="https://x.example", seen_at=utc_now())
        copy.unconfirmed_since = utc_now()
        session.add(copy)
    assert write(stage) is None


def test_a_server_that_is_away_is_tried_again(stage: Stage) -> None:
    called(stage)
    whole = stage.process.runtime
    stage.process.runtime = replace(whole, settings=replace(whole.settings, mail_url="smtp+plain://127.0.0.1:9"))
    letter = write(stage)
    assert letter is not None
    assert (letter.state, letter.tries, bool(letter.next_at)) == ("waiting", 1, True)
