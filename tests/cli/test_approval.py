"""`guichet approval`: what waits, for whom, and deciding in the right of who is named."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from cli.output import Status
from guichet.clock import utc_now
from guichet.models import Brand, Post
from guichet.policy import SYSTEM
from guichet.publishing import policies
from guichet.publishing.policies import Policy
from guichet.publishing.steps import Step
from tests import factories as make
from tests.cli.conftest import Guichet, assert_one_clear_line


@dataclass
class Newsroom:
    """A post by an author that waits for a chief."""

    guichet: Guichet
    post: int

    def state(self) -> str:
        with self.guichet.rows() as session:
            return session.get_one(Post, self.post).state

    def refused(self, *words: str) -> str:
        said = self.guichet(*words)
        assert said.status == Status.REFUSED
        assert_one_clear_line(said)
        return said.err


@pytest.fixture
def newsroom(guichet: Guichet) -> Newsroom:
    with guichet.rows() as session:
        brand = make.make_brand(session, needs_approval=True)
        account = make.make_account(session, brand, handle="aurore")
        people = {n: make.make_staff(session, email=f"{n}@example.org", name=n) for n in ("author", "chief", "other")}
        make.make_staff(session, "administrator", email="admin@example.org")
        for name, role in (("author", "author"), ("chief", "publisher"), ("other", "publisher")):
            make.make_grant(session, people[name], account, role)
        step = Step("Chief", staff=(people["chief"].id,))
        policies.set_policy(session, SYSTEM, session.get_one(Brand, brand.id), Policy((step,)), {}, utc_now())
    made = guichet.json("post", "May I?", "--as", "author@example.org", "--account", "1", "--at", "2030-07-01T09:00")
    return Newsroom(guichet, made["id"])


def test_what_waits_is_listed_with_whom_it_waits_for(newsroom: Newsroom) -> None:
    [row] = newsroom.guichet.json("approval", "list")
    assert (row["post"], row["account"], row["step"]) == (newsroom.post, "mastodon:aurore", "1/1")
    assert (row["waits_for"], row["says"]) == ("chief", "May I?")
    assert newsroom.guichet.json("approval", "list", "--as", "chief@example.org") == [row]
    assert newsroom.guichet.json("approval", "list", "--as", "other@example.org") == []
    assert newsroom.guichet("approval", "list", "--as", "other@example.org").out == "Nothing waits for an approval.\n"


def test_only_whose_turn_it_is_agrees_and_only_to_what_they_read(newsroom: Newsroom) -> None:
    one = str(newsroom.post)
    assert "not your turn" in newsroom.refused("approval", "approve", one, "--as", "other@example.org")
    version = newsroom.guichet.json("approval", "list")[0]["version"]
    changed = newsroom.refused("approval", "approve", one, "--as", "chief@example.org", "--version", str(version + 1))
    assert "changed it since" in changed
    words = ("--as", "chief@example.org", "--version", str(version), "--comment", "fine")
    done = newsroom.guichet.json("approval", "approve", one, *words)
    assert done == {"id": newsroom.post, "state": "scheduled", "still_waits": False}
    assert newsroom.guichet.json("approval", "list") == []


def test_it_is_sent_back_with_a_comment(newsroom: Newsroom) -> None:
    words = ("approval", "reject", str(newsroom.post), "--as", "chief@example.org")
    assert newsroom.guichet(*words).status == Status.WRONGLY_ASKED
    newsroom.guichet.json(*words, "--comment", "say which train")
    assert newsroom.state() == "draft"
    with newsroom.guichet.rows() as session:
        assert session.get_one(Post, newsroom.post).rejected_reason == "say which train"


def test_several_are_decided_in_one_act_and_what_is_refused_says_why(newsroom: Newsroom) -> None:
    words = ("post", "And I?", "--as", "author@example.org", "--account", "1", "--at", "2030-07-02T09:00")
    other = newsroom.guichet.json(*words)["id"]
    [first, second] = newsroom.guichet.json("approval", "list")
    asked = (f"{first['post']}:{first['version']}", f"{other}:{second['version'] + 1}", "999")
    said = newsroom.guichet("--json", "approval", "approve", *asked, "--as", "chief@example.org")
    assert said.status == Status.REFUSED
    told = json.loads(said.err)
    assert (told["done"], [row["state"] for row in told["items"]]) == (1, ["scheduled", "", ""])
    assert "changed it since" in told["items"][1]["refused"]
    assert newsroom.state() == "scheduled"
    assert newsroom.guichet("approval", "approve", "12:x", "--as", "chief@example.org").status == Status.WRONGLY_ASKED


def test_only_an_administrator_breaks_the_glass_and_says_why(newsroom: Newsroom) -> None:
    words = ("approval", "break-glass", str(newsroom.post), "--reason", "a recall, at night")
    newsroom.refused(*words, "--as", "chief@example.org")
    assert newsroom.state() == "awaiting_approval"
    assert newsroom.guichet.json(*words, "--as", "admin@example.org")["state"] == "scheduled"
