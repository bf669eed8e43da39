"""The audit log shows an edit, a deletion and a truncation."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import NotAllowed
from guichet.models import AuditEntry, AuditSeal
from guichet.policy import SYSTEM, Actor

KEY = ("k1", b"1" * 32)


@pytest.fixture
def log(session: Session, now: datetime) -> Session:
    """Two sealed batches of three entries, and one entry not sealed yet."""
    for batch in range(2):
        for n in range(3):
            audit.record(session, SYSTEM, "label.add", ("label", batch * 3 + n), now, colour="late")
        session.flush()
        audit.seal(session, SYSTEM, now + audit.SETTLED, KEY)
    audit.record(session, SYSTEM, "label.add", ("label", 9), now)
    session.flush()
    return session


def verify(session: Session, head: str = "") -> audit.Verdict:
    session.expire_all()
    return audit.verify(session, dict([KEY]), head)


def test_an_untouched_log_holds(log: Session) -> None:
    verdict = verify(log)
    assert (verdict.sealed, verdict.unsealed, list(verdict.problems)) == (6, 1, [])


def test_an_edited_entry_shows(log: Session) -> None:
    log.execute(update(AuditEntry).where(AuditEntry.id == 2).values(action="label.remove"))
    assert any("changed after they were sealed" in p for p in verify(log).problems)


def test_a_deleted_entry_shows(log: Session) -> None:
    log.execute(delete(AuditEntry).where(AuditEntry.id == 2))
    assert any("3 were sealed, 2 are there" in p for p in verify(log).problems)


def test_a_truncated_log_shows_against_an_exported_head(log: Session) -> None:
    head = verify(log).head
    log.execute(delete(AuditSeal).where(AuditSeal.id == 2))
    log.execute(delete(AuditEntry).where(AuditEntry.id > 3))
    assert list(verify(log).problems) == []
    assert any("cut short" in p for p in verify(log, head).problems)


def test_a_log_sealed_anew_without_the_key_shows(log: Session) -> None:
    log.execute(update(AuditEntry).where(AuditEntry.id == 5).values(target_id=99))
    log.expire_all()
    entries = [e for e in log.query(AuditEntry).order_by(AuditEntry.id) if 3 < e.id <= 6]
    seal = log.get_one(AuditSeal, 2)
    seal.digest = audit.digest_of(seal.previous, entries)
    seal.signature = audit.sign(seal.digest, b"x" * 32)
    log.flush()
    assert any("signature does not hold" in p for p in verify(log).problems)


def test_an_entry_that_is_committed_behind_a_younger_one_is_sealed_too(session: Session, now: datetime) -> None:
    """Its id was given out first; its transaction lasted longer."""
    session.add(_entry(2, now))
    session.flush()
    assert audit.seal(session, SYSTEM, now + timedelta(seconds=5), KEY) == 0
    session.add(_entry(1, now))
    session.flush()
    assert audit.seal(session, SYSTEM, now + audit.SETTLED, KEY) == 2
    assert list(verify(session).problems) == []


def _entry(id_: int, now: datetime) -> AuditEntry:
    return AuditEntry(
        id=id_, at=now, actor_kind="system", actor_id=None, action="x", target_kind="", target_id=None, data={}, ip=""
    )


def test_only_our_own_processes_seal(log: Session, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        audit.seal(log, Actor(staff_id=1), now, KEY)
