"""`guichet series` and `guichet account limits`: what repeats, and what may still be sent."""

from __future__ import annotations

import pytest

from cli.output import Status
from tests import factories as make
from tests.cli.conftest import Guichet, assert_one_clear_line

AS = ("--as", "writer@example.org")
WEEKLY = ("--rule", "FREQ=WEEKLY;COUNT=3", "--at", "2999-03-04T09:00", "--zone", "Europe/Paris")


@pytest.fixture
def people(guichet: Guichet) -> Guichet:
    with guichet.rows() as session:
        brand = make.make_brand(session, name="Aurore", time_zone="Europe/Paris")
        account = make.make_account(session, brand, handle="aurore@social.example")
        make.make_account(session, brand, "x", base_url="", handle="aurore", monthly_limit=12_500_000)
        make.make_grant(session, make.make_staff(session, email="writer@example.org"), account, "publisher")
        make.make_staff(session, email="stranger@example.org")
    return guichet


def states(guichet: Guichet, series: int) -> list[str]:
    return [p["state"] for p in guichet.json("series", "show", str(series))["posts"]]


def test_a_series_is_made_looked_through_skipped_and_ended(people: Guichet) -> None:
    draft = people.json("post", "Chaque lundi", *AS, "--account", "1", "--draft")["id"]
    made = people.json("series", "make", str(draft), *AS, *WEEKLY)
    assert [p["at"] for p in made["posts"]] == ["2999-03-04T09:00", "2999-03-11T09:00", "2999-03-18T09:00"]
    people.json("series", "skip", str(made["posts"][1]["post"]), *AS)
    assert states(people, made["series"]) == ["scheduled", "cancelled", "scheduled"]
    [row] = people.json("series", "list")
    assert (row["posts"], row["to come"]) == (3, 2)
    assert people.json("series", "end", str(made["series"]), *AS)["cancelled"] == 2
    assert set(states(people, made["series"])) == {"cancelled"}
    assert people.json("series", "list") == []
    assert len(people.json("series", "list", "--all")) == 1
    again = people("series", "end", str(made["series"]), *AS)
    assert (again.status, "is to come" in again.err) == (Status.REFUSED, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "9"), "no such series"),
        (("end", "1", "--as", "stranger@example.org"), "no such series"),
        (("skip", "2", *AS), "does not repeat"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(people: Guichet, words: tuple[str, ...], says: str) -> None:
    first = people.json("post", "Un", *AS, "--account", "1", "--draft")["id"]
    people.json("post", "Deux", *AS, "--account", "1", "--draft")
    people.json("series", "make", str(first), *AS, "--rule", "FREQ=DAILY;COUNT=1", *WEEKLY[2:])
    said = people("series", *words)
    assert said.status == Status.REFUSED
    assert_one_clear_line(said)
    assert says in said.err


def test_what_an_account_may_still_send_is_told_with_what_it_costs(people: Guichet) -> None:
    told = people.json("account", "limits", "x:aurore")
    assert told["spending"] == {"currency": "USD", "spent": 0.0, "limit": 12.5}
    assert all(row["known"] == "counted" and row["left"] == row["of"] for row in told["limits"])
    assert told["limits"]
    assert people.json("account", "limits", "1")["spending"] is None
    assert "USD, of 12.50 at most" in people("account", "limits", "x:aurore").out
