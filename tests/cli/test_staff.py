"""`guichet staff` and `guichet token`: people come, go, and are told apart; what is wrongly
asked is said in one line and changes nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from guichet.models import ApiToken, Staff, StaffSession
from guichet.staff import entry, rules
from tests import factories as make
from tests.cli.conftest import Guichet, assert_one_clear_line
from tests.factories import NOW

ADD = ("staff", "add", "ines@example.org", "--name", "Ines Duarte")
PASSWORD = "correct horse battery"


def test_a_person_is_taken_on_and_can_sign_in(both: Guichet) -> None:
    made = both.json(*ADD, "--role", "owner")
    assert (made["id"], made["email"], made["role"]) == (1, "ines@example.org", "owner")
    with both.rows() as session:
        assert entry.sign_in(session, email="Ines@Example.org", password=made["password"]).id == 1
    listed = both.json("staff", "list")
    assert listed == [
        {"id": 1, "email": "ines@example.org", "name": "Ines Duarte", "role": "owner", "disabled_at": None}
    ]


def test_a_given_password_is_read_from_standard_input_and_never_printed(guichet: Guichet) -> None:
    said = guichet(*ADD, "--password-stdin", stdin=PASSWORD + "\n")
    assert said.status == 0
    assert PASSWORD not in said.out + said.err
    with guichet.rows() as session:
        assert rules.password_fits(session.scalars(select(Staff)).one().password_hash, PASSWORD)


@pytest.mark.parametrize(
    ("words", "stdin", "status", "says"),
    [
        (("staff", "add", "ines", "--name", "Ines"), "", 2, "email: must look like"),
        (("staff", "add", "ines@", "--name", "Ines"), "", 2, "email: must look like"),
        (("staff", "add", "a b@example.org", "--name", "Ines"), "", 2, "email: must look like"),
        (("staff", "add", "i@" + "e" * 300, "--name", "Ines"), "", 2, "email: must look like"),
        (("staff", "add", "ines@example.org", "--name", " "), "", 2, "name: must have"),
        (("staff", "add", "ines@example.org"), "", 2, "Missing option '--name'"),
        ((*ADD, "--role", "king"), "", 2, "'king' is not one of"),
        ((*ADD, "--password-stdin"), "", 2, "no password came"),
        ((*ADD, "--password-stdin"), "short\n", 2, "at least 12 characters"),
        ((*ADD, "--password-stdin"), b"\xff\xfe\xfd caf\xe9 password\n", 2, "not UTF-8"),
        (("staff", "disable", "nobody@example.org"), "", 1, "nobody here has the address"),
        (("staff", "password", "nobody@example.org"), "", 1, "nobody here has the address"),
        (("token", "create", "nobody@example.org", "--name", "x"), "", 1, "nobody here has the address"),
        (("token", "create", "a@example.org", "--name", "x", "--scope", "all"), "", 2, "'all' is not one of"),
        (("token", "create", "a@example.org", "--name", "x", "--days", "0"), "", 2, "0 is not in the range"),
        (("staff", "promote"), "", 2, "No such command 'promote'"),
    ],
)
def test_what_is_wrongly_asked_is_said_in_one_line(
    guichet: Guichet, words: tuple[str, ...], stdin: str, status: int, says: str
) -> None:
    said = guichet(*words, stdin=stdin)
    assert said.status == status
    assert says in said.err
    assert_one_clear_line(said)
    as_json = guichet(*words, "--json", stdin=stdin)
    assert as_json.status == status
    assert as_json.failure["error"]
    with guichet.rows() as session:
        assert session.scalars(select(Staff)).all() == []


def test_an_address_is_taken_once(guichet: Guichet) -> None:
    guichet.json(*ADD)
    said = guichet("staff", "add", "INES@example.org", "--name", "Another")
    assert said.status == 1
    assert "already has this address" in said.err


def test_who_is_disabled_leaves_nothing_open(both: Guichet) -> None:
    guichet = both
    with guichet.rows() as session:
        make.make_staff(session, "owner")
        leaving = make.make_staff(session, email="leaving@example.org")
        account = make.make_account(session)
        make.make_grant(session, leaving, account, "agent")
        conversation = make.make_conversation(session, account, assignee_id=leaving.id, state="open")
        entry.open_session(session, leaving, now=NOW)
    secret = guichet.json("token", "create", "leaving@example.org", "--name", "reports")["token"]
    left = guichet.json("staff", "disable", "leaving@example.org")
    assert left["conversations"] == [conversation.id]
    assert (left["sessions_ended"], left["tokens_revoked"]) == (1, 1)
    with guichet.rows() as session:
        assert session.scalars(select(StaffSession)).one().ended_at is not None
        assert session.scalars(select(ApiToken)).one().token_hash == rules.hash_secret(secret)
        assert session.scalars(select(ApiToken)).one().revoked_at is not None
        assert session.get_one(type(conversation), conversation.id).assignee_id is None


def test_the_last_owner_stays(guichet: Guichet) -> None:
    guichet.json(*ADD, "--role", "owner")
    said = guichet("staff", "disable", "ines@example.org", "--json")
    assert (said.status, said.failure["code"]) == (1, "last_owner")


def test_a_new_password_ends_every_session(guichet: Guichet) -> None:
    guichet.json(*ADD)
    with guichet.rows() as session:
        entry.open_session(session, session.get_one(Staff, 1), now=NOW)
    new = guichet.json("staff", "password", "ines@example.org")["password"]
    with guichet.rows() as session:
        assert entry.sign_in(session, email="ines@example.org", password=new).id == 1
        assert session.scalars(select(StaffSession)).one().end_reason == "password_changed"


def test_a_token_is_printed_once_and_kept_hashed(guichet: Guichet) -> None:
    guichet.json(*ADD)
    made = guichet.json(
        "token", "create", "ines@example.org", "--name", "ci", "--scope", "publish", "--scope", "read", "--days", "2"
    )
    with guichet.rows() as session:
        kept = session.scalars(select(ApiToken)).one()
        assert kept.scopes == ["publish", "read"]
        assert made["token"] not in (kept.token_hash, kept.prefix)
