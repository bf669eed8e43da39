"""Accounts: sealed secrets, refreshes that lose nothing, failures that are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.contract import AppKeys, Connected
from channels.errors import AuthExpired, RateLimited
from guichet.accounts import operations, queries, rules
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.models import Account, Brand, Credential, PollCursor
from guichet.policy import SYSTEM, load_actor
from guichet.sealing import CannotUnseal, Sealer
from tests.factories import make_account, make_brand, make_grant, make_staff

OLD, NEW = ("old", bytes(32)), ("new", bytes(range(32)))
SEALER = Sealer([OLD])
CONNECTED = Connected(
    remote_id="r1", handle="house", name="House", base_url="https://social.example",
    secrets={"access_token": "a1", "refresh_token": "r1"},
)  # fmt: skip


@pytest.fixture
def account(session: Session, now: datetime) -> Account:
    return operations.save_connected(session, SYSTEM, SEALER, make_brand(session), "mastodon", CONNECTED, False, now)


def secrets_of(session: Session, account: Account, sealer: Sealer = SEALER) -> dict[str, str]:
    return dict(operations.connection_of(session, sealer, account, AppKeys()).secrets)


def renew(session: Session, account: Account, fresh: Connected, now: datetime) -> bool:
    claim = operations.claim_refresh(session, SYSTEM, account, now)
    assert claim is not None
    return operations.store_refreshed(session, SYSTEM, SEALER, account, fresh, claim, now)


def test_secrets_come_back_as_they_were_and_lie_sealed(session: Session, account: Account) -> None:
    assert secrets_of(session, account) == CONNECTED.secrets
    assert b"a1" not in session.scalars(select(Credential)).one().sealed


def test_a_refresh_that_brings_no_refresh_token_keeps_the_old_one(
    session: Session, account: Account, now: datetime
) -> None:
    fresh = replace(CONNECTED, secrets={"access_token": "a2", "refresh_token": ""}, expires_at=now + timedelta(hours=1))
    renew(session, account, fresh, now)
    assert secrets_of(session, account) == {"access_token": "a2", "refresh_token": "r1"}


def test_an_older_row_put_back_does_not_open(session: Session, account: Account, now: datetime) -> None:
    row = session.scalars(select(Credential)).one()
    older = row.sealed
    renew(session, account, CONNECTED, now)
    row.sealed = older
    with pytest.raises(CannotUnseal):
        secrets_of(session, account)


def test_only_one_renews_at_a_time(session: Session, account: Account, now: datetime) -> None:
    assert operations.claim_refresh(session, SYSTEM, account, now)
    assert not operations.claim_refresh(session, SYSTEM, account, now)
    assert operations.claim_refresh(session, SYSTEM, account, now + timedelta(minutes=3)), "a crash lapses"


def test_what_a_frozen_process_renewed_does_not_replace_what_was_connected_anew(
    session: Session, account: Account, now: datetime
) -> None:
    claim = operations.claim_refresh(session, SYSTEM, account, now)
    assert claim is not None
    later = now + timedelta(minutes=1)
    newest = replace(CONNECTED, secrets={"access_token": "a3", "refresh_token": "r3"})
    brand = session.get_one(Brand, account.brand_id)
    operations.save_connected(session, SYSTEM, SEALER, brand, "mastodon", newest, False, later, account=account)
    stale = replace(CONNECTED, secrets={"access_token": "a2", "refresh_token": "r2"})
    assert not operations.store_refreshed(session, SYSTEM, SEALER, account, stale, claim, later)
    assert secrets_of(session, account) == newest.secrets
    refusal = AuthExpired("no")
    operations.note_refresh_refused(session, SYSTEM, account, refusal, claim, later)
    assert account.state == "connected"


def test_keys_changed_during_a_renewal_lose_nothing_of_it(session: Session, account: Account, now: datetime) -> None:
    claim = operations.claim_refresh(session, SYSTEM, account, now)
    assert claim is not None
    both = Sealer([NEW, OLD])
    operations.reseal_credentials(session, SYSTEM, both)
    fresh = replace(CONNECTED, secrets={"access_token": "a2", "refresh_token": "r2"})
    assert operations.store_refreshed(session, SYSTEM, both, account, fresh, claim, now)
    assert secrets_of(session, account, both) == fresh.secrets


def test_a_reconnect_that_brings_no_refresh_token_keeps_the_old_one_and_nothing_else(
    session: Session, account: Account, now: datetime
) -> None:
    brand = session.get_one(Brand, account.brand_id)
    bare = replace(CONNECTED, secrets={"access_token": "a2", "refresh_token": ""})
    operations.save_connected(session, SYSTEM, SEALER, brand, "mastodon", bare, False, now, account=account)
    assert secrets_of(session, account) == {"access_token": "a2", "refresh_token": "r1"}
    another_way = replace(CONNECTED, secrets={"token": "t", "token_secret": ""})
    operations.save_connected(session, SYSTEM, SEALER, brand, "mastodon", another_way, False, now, account=account)
    assert secrets_of(session, account) == {"token": "t", "token_secret": ""}


@pytest.mark.parametrize(
    ("renews", "refresh_ends", "refused", "ends"),
    [
        (True, None, False, None),
        (True, 5, False, 5),
        (True, 30, False, 30),
        (False, None, False, 1),
        (True, 30, True, 1),
    ],
)
def test_when_a_person_must_connect_anew(
    now: datetime, renews: bool, refresh_ends: int | None, refused: bool, ends: int | None
) -> None:
    def days(n: int | None) -> datetime | None:
        return None if n is None else now + timedelta(days=n)

    found = rules.sign_in_ends(
        days(1), renews=renews, refresh_ends_at=days(refresh_ends), refused_at=now if refused else None
    )  # fmt: skip
    assert found == days(ends)
    assert rules.is_ending(found, now) is (ends is not None and ends < 7)


def test_keys_are_changed_while_everything_runs(session: Session, account: Account) -> None:
    both = Sealer([NEW, OLD])
    assert operations.reseal_credentials(session, SYSTEM, both) == 1
    assert operations.reseal_credentials(session, SYSTEM, both) == 0
    assert secrets_of(session, account, Sealer([NEW])) == CONNECTED.secrets


def test_a_reconnect_as_another_account_is_refused(session: Session, account: Account, now: datetime) -> None:
    other = replace(CONNECTED, remote_id="r2", handle="other")
    with pytest.raises(Conflict, match="other, not house"):
        operations.save_connected(
            session, SYSTEM, SEALER, account.brand, "mastodon", other, False, now, account=account
        )


def test_an_account_of_another_brand_is_not_taken_away(session: Session, account: Account, now: datetime) -> None:
    with pytest.raises(Conflict, match="another brand"):
        operations.save_connected(session, SYSTEM, SEALER, make_brand(session), "mastodon", CONNECTED, False, now)


def test_a_dead_sign_in_needs_a_person_until_a_call_goes_well(
    session: Session, account: Account, now: datetime
) -> None:
    operations.note_failure(session, SYSTEM, account, RateLimited("slow down"), now, used=now)
    assert (account.state, account.last_error) == ("connected", "slow down")
    operations.note_failure(session, SYSTEM, account, AuthExpired("revoked"), now, used=now)
    assert (account.state, account.state_reason) == ("needs_reconnect", "revoked")
    operations.note_success(session, SYSTEM, account, now)
    assert (account.state, account.state_reason, account.last_error) == ("connected", "", "")


def test_a_no_to_secrets_that_were_replaced_meanwhile_says_nothing_of_the_new_ones(
    session: Session, account: Account, now: datetime
) -> None:
    used, later = queries.kept_at(session, account.id), now + timedelta(seconds=1)
    operations.save_connected(session, SYSTEM, SEALER, account.brand, "mastodon", CONNECTED, False, later)
    operations.note_failure(session, SYSTEM, account, AuthExpired("revoked"), later, used=used)
    operations.note_check_failed(session, SYSTEM, account, AuthExpired("revoked"), later, used=used)
    assert (account.state, account.last_error) == ("connected", "")
    operations.note_failure(session, SYSTEM, account, RateLimited("slow down"), later, used=used)
    assert account.last_error == "slow down"
    operations.note_failure(
        session, SYSTEM, account, AuthExpired("no"), later, used=queries.kept_at(session, account.id)
    )
    assert (account.state, account.state_reason) == ("needs_reconnect", "no")


def test_an_account_is_as_well_as_the_worst_of_the_streams_that_are_read(
    session: Session, account: Account, now: datetime
) -> None:
    broken = {"mentions": (1, "slow down"), "messages": (4, "not allowed"), "given up": (9, "long ago"), "own": (0, "")}
    for stream, (failures, why) in broken.items():
        session.add(
            PollCursor(account_id=account.id, stream=stream, value={}, next_poll_at=now, failures=failures,
                       last_error=why)
        )  # fmt: skip
    session.flush()
    read = ["own", "mentions", "messages"]
    operations.note_failure(session, SYSTEM, account, RateLimited("slow down"), now, used=now)
    operations.note_success(session, SYSTEM, account, now + timedelta(minutes=1), streams=read)
    assert (account.last_error, account.last_error_at) == ("not allowed", now)
    session.execute(update(PollCursor).values(failures=0))
    operations.note_success(session, SYSTEM, account, now, streams=read)
    assert (account.last_error, account.last_error_at) == ("", None)


def test_a_good_check_takes_back_what_a_check_said_and_not_what_reading_meets(
    session: Session, account: Account, now: datetime
) -> None:
    operations.note_check_failed(session, SYSTEM, account, RateLimited("slow down"), now, used=now)
    operations.note_checked(session, SYSTEM, account, CONNECTED, now)
    assert (account.last_error, account.last_error_at) == ("", None)
    session.add(
        PollCursor(account_id=account.id, stream="messages", value={}, next_poll_at=now, failures=2, last_error="no")
    )
    session.flush()
    operations.note_failure(session, SYSTEM, account, RateLimited("no"), now, used=now)
    later = now + timedelta(minutes=1)
    operations.note_checked(session, SYSTEM, account, CONNECTED, later)
    assert (account.last_error, account.last_error_at, account.checked_at) == ("no", now, later)


def test_disconnecting_forgets_the_secrets(session: Session, account: Account, now: datetime) -> None:
    operations.disconnect(session, SYSTEM, account, now)
    session.flush()
    assert session.scalars(select(Credential)).all() == []
    with pytest.raises(NotFound, match="not connected"):
        secrets_of(session, account)


def test_managers_connect_to_their_own_brand_only(session: Session, account: Account, now: datetime) -> None:
    manager = make_staff(session)
    make_grant(session, manager, account, "manager")
    me = load_actor(session, manager, now)
    operations.require_connect(session, me, account.brand, now)
    with pytest.raises(NotAllowed):
        operations.require_connect(session, me, make_brand(session), now)


def test_one_sees_the_brands_of_ones_accounts(session: Session, now: datetime) -> None:
    person, mine, theirs = make_staff(session), make_account(session), make_account(session)
    make_grant(session, person, mine, "viewer")
    me = load_actor(session, person, now)
    assert [b.id for b in queries.list_brands(session, me)] == [mine.brand_id]
    with pytest.raises(NotFound):
        queries.get_brand(session, me, theirs.brand_id)


@pytest.mark.parametrize(
    ("intervals", "field"),
    [
        ({"7": [["09:00", "12:00"]]}, "intervals.7"),
        ({"0": [["12:00", "09:00"]]}, "intervals.0"),
        ({"1": [["09:00", "12:00"], ["11:00", "13:00"]]}, "intervals.1"),
        ({"2": [["9", "12:00"]]}, "intervals.2"),
    ],
)
def test_hours_that_cannot_be_meant_are_refused_by_day(intervals: dict[str, list[list[str]]], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.require_calendar(intervals, [])
    assert list(refused.value.fields) == [field]
