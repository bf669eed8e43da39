"""`guichet queue`: made, filled and looked through from the command line, in a named person's right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels import registry
from cli.output import Status
from guichet.evergreen.filling import fill_queue
from guichet.policy import SYSTEM
from tests import factories as make
from tests.cli.conftest import Guichet, assert_one_clear_line

AS = ("--as", "writer@example.org")


@pytest.fixture
def people(guichet: Guichet) -> Guichet:
    with guichet.rows() as session:
        brand = make.make_brand(session, name="Aurore", time_zone="Europe/Paris")
        account = make.make_account(session, brand, handle="aurore@social.example")
        for name, role in (("writer", "publisher"), ("author", "author")):
            make.make_grant(session, make.make_staff(session, email=f"{name}@example.org"), account, role)
    return guichet


def test_a_queue_is_made_filled_looked_through_and_ended(people: Guichet) -> None:
    days = [f"--slot={day}@09:00" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    made = people.json("queue", "make", "Conseils", *AS, "--brand", "Aurore", "--account", "1", *days, "--rest", "1")
    draft = people.json("post", "Fermez vos volets", *AS, "--account", "1", "--draft")["id"]
    item = people.json("queue", "add", "conseils", str(draft), *AS, "--season", "01-01", "12-31")["item"]
    people.json("queue", "word", str(item), "Pensez aux volets", *AS)
    with people.rows() as session:
        fill_queue(session, SYSTEM, made["id"], registry.specs_by_name(), datetime.now(UTC))
    shown = people.json("queue", "show", str(made["id"]))
    assert [p["says"] for p in shown["posts"]] == ["Fermez vos volets"]
    assert (len(shown["planned"]), shown["posts"][0]["wordings"]) == (7, 2)
    assert people.json("queue", "pause", "--item", str(item), *AS)["paused"] is True
    assert people.json("queue", "show", "Conseils")["planned"] == []
    assert people.json("queue", "list")[0]["posts"] == 1
    people.json("queue", "remove", "Conseils", *AS)
    assert people.json("queue", "list") == []


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("show", "Nichts"), Status.REFUSED, "there is no queue 'Nichts'"),
        (("make", "X", *AS, "--brand", "Aurore", "--account", "1", "--slot", "9h"), Status.WRONGLY_ASKED, "mon@09:00"),
        (("pause", *AS), Status.WRONGLY_ASKED, "either QUEUE or --item"),
        (("make", "X", "--as", "author@example.org", "--brand", "Aurore", "--account", "1"), Status.REFUSED, "right"),
        (("drop", "9", *AS), Status.REFUSED, "no such post in a queue"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(people: Guichet, words: tuple[str, ...], status: Status, says: str) -> None:
    said = people("queue", *words)
    assert said.status == status
    assert_one_clear_line(said)
    assert says in said.err
