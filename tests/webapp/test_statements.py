"""How much a page asks of the database: few statements over one connection, whatever it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, event

from guichet import models as m
from tests import factories as make
from tests.statements import heard_by
from tests.webapp.site import Browser, Site


@pytest.fixture
def asks(both: Site) -> tuple[Browser, Browser]:
    """An agent's browser and program: 30 conversations on two accounts of three, with
    labels and a team, all of which the agent follows."""
    with both.rows() as session:
        staff, team = make.make_staff(session), make.make_team(session)
        labels = [make.make_label(session, name) for name in ("Refund", "Bag", "Urgent")]
        accounts = [make.make_account(session) for _ in range(3)]
        for account in accounts[:2]:
            make.make_grant(session, staff, account, "agent")
        for n in range(30):
            since = make.NOW - timedelta(hours=n)
            one = make.make_conversation(session, accounts[n % 3], waiting_since=since, team_id=team.id)
            session.add_all(m.ConversationLabel(conversation_id=one.id, label_id=label.id) for label in labels)
            session.add(m.ConversationFollower(conversation_id=one.id, staff_id=staff.id, since=make.NOW))
    return both.browser(staff), both.program(staff, "read")


@contextmanager
def transactions(engine: Engine) -> Iterator[list[Connection]]:
    """The connections on which one begins within the block."""
    begun: list[Connection] = []

    def note(connection: Connection) -> None:
        begun.append(connection)

    event.listen(engine, "begin", note)
    try:
        yield begun
    finally:
        event.remove(engine, "begin", note)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/conversations?limit=5", 4),  # who asks, their rights, the walk, the rows
        ("/conversations?limit=15", 4),
        ("/conversations?limit=15&view=mine", 5),  # none waits: also those that do not
        ("/conversations/badges", 3),
        ("/conversations/{id}", 14),
        ("/conversations/{id}/messages", 10),
    ],
)
def test_a_page_takes_few_statements_over_one_connection(
    both: Site, asks: tuple[Browser, Browser], path: str, most: int
) -> None:
    for browser in asks:
        address = path.format(id=browser.get("/conversations?limit=1").json["items"][0]["id"])
        with heard_by(both.engine) as statements, transactions(both.engine) as begun:
            answer = browser.get(address)
        assert answer.status_code == 200
        asked = [one for one in statements if one != "BEGIN DEFERRED"]
        assert (len(asked) <= most, len(begun)) == (True, 1), asked


def test_a_row_says_what_is_its_readers_own(both: Site, asks: tuple[Browser, Browser]) -> None:
    with both.rows() as session:
        other = make.make_staff(session)
        first = session.get_one(m.Account, 1)
        make.make_grant(session, other, first, "viewer")
    mine = asks[0].get("/conversations").json["items"]
    theirs = both.browser(other).get("/conversations").json["items"]
    assert {one["followed"] for one in mine} == {True}
    assert {one["followed"] for one in theirs} == {False}
    assert [label["name"] for label in mine[0]["labels"]] == ["Bag", "Refund", "Urgent"]
    assert len(mine) == 20
    assert {one["account"]["id"] for one in theirs} == {first.id}
