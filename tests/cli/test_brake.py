"""`guichet brake`: pulled for everything, a brand or an account; lifted only with a choice
for everything that it held."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from cli.output import Status
from guichet.clock import utc_now
from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze
from guichet.models import Account, Brake, Delivery
from guichet.policy import SYSTEM
from tests import factories as make
from tests.cli.conftest import Guichet, assert_one_clear_line


@pytest.fixture
def company(both: Guichet) -> Guichet:
    with both.rows() as session:
        brand = make.make_brand(session, name="Aurore")
        make.make_account(session, brand, handle="aurore")
        make.make_account(session, make.make_brand(session, name="Boreal"), handle="boreal")
    return both


def hold(guichet: Guichet, account_id: int = 1, **more: bool) -> int:
    """Something that a brake held."""
    with guichet.rows() as session:
        now = utc_now()
        account = session.get_one(Account, account_id)
        delivery = delivering.create(
            session, SYSTEM, account=account, kind="post", payload=freeze(text="Offer", surface="public"),
            due_at=now, now=now, **more,
        )  # fmt: skip
        delivery.state = "held"
        return delivery.id


def state(guichet: Guichet, delivery_id: int) -> str:
    with guichet.rows() as session:
        return session.get_one(Delivery, delivery_id).state


def test_it_is_pulled_shown_and_lifted(company: Guichet) -> None:
    assert company.json("brake", "status") == {"on": False, "brakes": [], "held": 0, "in_flight": 0}
    pulled = company.json("brake", "on", "--reason", "a crisis")
    assert (pulled["scope"], pulled["stops"]) == ("everything", "posts")
    shown = company.json("brake", "status")
    assert [b["reason"] for b in shown["brakes"]] == ["a crisis"]
    assert "a crisis" in company("brake", "status").out
    company.json("brake", "off")
    assert company.json("brake", "status")["on"] is False


def test_it_has_a_scope_and_a_second_switch(company: Guichet) -> None:
    company.json("brake", "on", "--brand", "Aurore", "--answers")
    company.json("brake", "on", "--account", "boreal", "--no-posts", "--answers")
    with company.rows() as session:
        rows = session.scalars(select(Brake).order_by(Brake.id)).all()
    assert [(b.scope, b.scope_id, b.stops_posts, b.stops_answers) for b in rows] == [
        ("brand", 1, True, True),
        ("account", 2, False, True),
    ]
    company.json("brake", "off", "--account", "2")
    assert [b["what"] for b in company.json("brake", "status")["brakes"]] == ["the brand Aurore"]


def test_lifting_demands_a_choice_for_what_is_held(company: Guichet) -> None:
    company.json("brake", "on")
    first, second, third = (hold(company) for _ in range(3))
    said = company("brake", "off", "--send", str(first), "--json")
    assert said.status == Status.REFUSED
    assert [h["delivery"] for h in said.failure["held"]] == [second, third]
    assert {state(company, d) for d in (first, second, third)} == {"held"}, "nothing is done by half"
    later = (utc_now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    company.json("brake", "off", "--send", str(first), "--move", f"{second}={later}", "--drop", str(third))
    assert [state(company, d) for d in (first, second, third)] == ["due", "scheduled", "cancelled"]


def test_one_choice_may_stand_for_all(company: Guichet) -> None:
    company.json("brake", "on", "--account", "1")
    held = hold(company)
    company.json("brake", "off", "--account", "1", "--held", "drop")
    assert state(company, held) == "cancelled"


def test_one_choice_may_stand_for_an_account(company: Guichet) -> None:
    company.json("brake", "on")
    here, also, there = hold(company), hold(company), hold(company, 2)
    assert company("brake", "off", "--drop-of", "aurore").status == Status.REFUSED, "the other account has no choice"
    later = (utc_now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    company.json("brake", "off", "--drop-of", "aurore", "--move-of", f"boreal={later}")
    assert [state(company, d) for d in (here, also, there)] == ["cancelled", "cancelled", "scheduled"]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("on", "--brand", "Nobody"), 1, "there is no brand 'Nobody'; there are: Aurore, Boreal"),
        (("on", "--account", "77"), 1, "not yours to see"),
        (("on", "--brand", "Aurore", "--account", "1"), 2, "either --brand or --account"),
        (("on", "--no-posts"), 2, "a brake stops something"),
        (("off", "--brand", "Boreal"), 1, "this brake is not on"),
        (("off", "--held", "maybe"), 2, "'maybe' is not one of"),
        (("off", "--move", "soon"), 2, "must look like 12=2026"),
        (("off", "--move", "1=soon"), 2, "wall_time: must look like"),
        (("off", "--move", "1=2030-01-01T10:00", "--zone", "Nowhere"), 2, "no such time zone"),
        (("off", "--send", "1", "--drop", "1"), 2, "named more than once"),
        (("off", "--drop", "1"), 1, "not held by a brake: 1"),
        (("off", "--drop-of", "aurore"), 1, "nothing is held on aurore"),
        (("off", "--move-of", "soon"), 2, "must look like aurore=2026"),
    ],
)
def test_what_is_wrongly_asked_changes_nothing(
    company: Guichet, words: tuple[str, ...], status: int, says: str
) -> None:
    company.json("brake", "on")
    said = company("brake", *words)
    assert says in said.err
    assert said.status == status
    assert_one_clear_line(said)
    assert [b["scope"] for b in company.json("brake", "status")["brakes"]] == ["everything"]
