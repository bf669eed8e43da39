"""`guichet post`: through the same operations and rights as the API, once under one key,
followed until it has settled."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import Engine, select

from cli.output import Status
from guichet.models import Account, Delivery, Media, Post, Staff
from tests import factories as make
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.rig import sample_image
from tests.cli.conftest import Guichet, assert_one_clear_line
from tests.workers.stage import Stage, open_stage

AUTHOR = "writer@example.org"
AS = ("--as", AUTHOR)


@pytest.fixture
def people(guichet: Guichet) -> Guichet:
    """A publisher, an author without the right to publish, and two accounts of one brand."""
    with guichet.rows() as session:
        brand = make.make_brand(session, name="Aurore", time_zone="Europe/Paris")
        first = make.make_account(session, brand, handle="aurore@social.example")
        second = make.make_account(session, brand, "bluesky", base_url="", handle="aurore.example")
        publisher = make.make_staff(session, email=AUTHOR)
        author = make.make_staff(session, email="author@example.org")
        make.make_staff(session, email="nobody@example.org")
        for account in (first, second):
            make.make_grant(session, publisher, account, "publisher")
            make.make_grant(session, author, account, "author")
    return guichet


def count(guichet: Guichet, model: type) -> int:
    with guichet.rows() as session:
        return len(session.scalars(select(model)).all())


def test_a_post_is_put_into_the_queue_of_each_account(people: Guichet) -> None:
    made = people.json("post", "Bonjour", *AS, "--account", "1", "--account", "bluesky:aurore.example")
    assert made["state"] == "sending"
    assert [(d["account"], d["state"]) for d in made["deliveries"]] == [
        ("mastodon:aurore@social.example", "due"),
        ("bluesky:aurore.example", "due"),
    ]
    with people.rows() as session:
        row = session.scalars(select(Post)).one()
        author = session.scalars(select(Staff).where(Staff.email == AUTHOR)).one()
        assert row.author_id == author.id
        assert {d.actor_id for d in session.scalars(select(Delivery))} == {author.id}


def test_a_wall_time_is_meant_in_its_zone(people: Guichet) -> None:
    at = ("--account", "1", "--at", "2030-07-01T09:00")
    paris = people.json("post", "Matin", *AS, *at)
    tokyo = people.json("post", "Asa", *AS, *at, "--zone", "Asia/Tokyo")
    assert paris["due_at"].startswith("2030-07-01 07:00")
    assert tokyo["due_at"].startswith("2030-07-01 00:00")
    assert [d["state"] for d in paris["deliveries"]] == ["scheduled"]


def test_pictures_are_cut_and_made_as_each_account_takes_them_and_the_author_is_told(
    people: Guichet, tmp_path: Path
) -> None:
    with people.rows() as session:
        session.get_one(Account, 1).settings = {"limits": {"image_bytes": 130_000}}
    Image.effect_noise((600, 500), 60).save(tmp_path / "gate.png")
    brought = ("--media", str(tmp_path / "gate.png"), "A gate", "--crop", "1:1")
    accounts = ("--account", "1", "--account", "bluesky:aurore.example")
    made = people.json("post", "Look", *AS, *accounts, *brought, "--at", "2030-07-01T09:00")
    with people.rows() as session:
        sent = {d.account_id: d.payload["media"][0] for d in session.scalars(select(Delivery))}
        (media,) = session.scalars(select(Media))
    assert sent[1]["mime"] == "image/jpeg"
    assert sent[1]["size"] <= 130_000 < sent[2]["size"]
    assert sent[1]["width"] == sent[1]["height"]
    assert (sent[2]["width"], sent[2]["height"], media.width) == (500, 500, 600)
    assert [line.partition(" as ")[0] for line in made["renditions"]] == [
        "aurore@social.example: gate.png", "aurore.example: gate.png",
    ]  # fmt: skip


def test_a_draft_sends_nothing(people: Guichet) -> None:
    made = people.json("post", "Perhaps", *AS, "--account", "1", "--draft", "--at", "2030-07-01T09:00", "--wait")
    assert (made["state"], made["deliveries"]) == ("draft", [])


def test_who_may_not_publish_asks_for_approval(people: Guichet) -> None:
    made = people.json("post", "May I?", "--as", "author@example.org", "--account", "1")
    assert made["state"] == "awaiting_approval"


def test_text_comes_from_a_file_or_standard_input_and_threads_follow(people: Guichet, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Écrit dans un fichier\n")
    people.json("post", "--text-file", str(tmp_path / "text"), *AS, "--account", "2", "--thread", "two")
    people.json("post", "--text-file", "-", *AS, "--account", "2", stdin="from stdin")
    with people.rows() as session:
        texts = [(d.item, d.payload["text"]) for d in session.scalars(select(Delivery).order_by(Delivery.id))]
    assert texts == [(0, "Écrit dans un fichier"), (1, "two"), (0, "from stdin")]


def test_a_file_goes_with_its_alt_text(people: Guichet, tmp_path: Path) -> None:
    (tmp_path / "sun.png").write_bytes(sample_image("").open())
    people.json("post", "Sun", *AS, "--account", "1", "--media", str(tmp_path / "sun.png"), "The sun over Orly")
    with people.rows() as session:
        media = session.scalars(select(Media)).one()
        assert (media.alt, media.mime) == ("The sun over Orly", "image/png")
        assert session.scalars(select(Delivery)).one().payload["media"][0]["alt"] == "The sun over Orly"
    assert people.runtime().store.get(media.storage_key)


def test_the_same_key_does_it_once(both: Guichet) -> None:
    with both.rows() as session:
        make.make_grant(session, make.make_staff(session, email=AUTHOR), make.make_account(session), "publisher")
    words = ("post", "Once", *AS, "--account", "1", "--key", "release-42")
    first, again = both.json(*words), both.json(*words)
    assert (again["id"], again["replayed"], first["replayed"]) == (first["id"], True, False)
    assert count(both, Post) == count(both, Delivery) == 1
    other = both("post", "Other", *AS, "--account", "1", "--key", "release-42", "--json")
    assert (other.status, other.failure["code"]) == (Status.REFUSED, "key_reused")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("x", "--as", "stranger@example.org", "--account", "1"), 1, "nobody here has the address"),
        (("x", "--as", "nobody@example.org", "--account", "1"), 1, "not yours to see"),
        (("x", *AS, "--account", "99"), 1, "not yours to see"),
        (("x", *AS, "--account", "9" * 40), 1, "not yours to see"),
        (("x", *AS, "--account", "x:aurore"), 1, "there is no account"),
        (("x", *AS), 2, "Missing option '--account'"),
        ((*AS, "--account", "1"), 2, "say the text"),
        (("x", *AS, "--account", "1", "--text-file", "f"), 2, "say the text"),
        ((*AS, "--account", "1", "--text-file", "/nowhere/text"), 2, "/nowhere/text cannot be read: No such file"),
        ((*AS, "--account", "1", "--text-file", "/"), 2, "/ cannot be read: Is a directory"),
        (("x", *AS, "--account", "1", "--media", "/nowhere/sun.png", "alt"), 2, "/nowhere/sun.png cannot be read"),
        (("x", *AS, "--account", "1", "--media", sys.executable, "alt"), 2, "files of this kind cannot be sent"),
        (("x", *AS, "--account", "1", "--at", "tomorrow"), 2, "wall_time: must look like"),
        (("x", *AS, "--account", "1", "--at", "2030-01-01T10:00+02:00"), 2, "a wall time has no offset"),
        (("x", *AS, "--account", "1", "--at", "2030-01-01T10:00", "--zone", "Mars/Olympus"), 2, "no such time zone"),
        (("x", *AS, "--account", "1", "--zone", "Europe/Paris"), 2, "there is no --at"),
        (("x", *AS, "--account", "1", "--at", "2020-01-01T10:00"), 2, "that time is past"),
        (("x", *AS, "--account", "1", "--account", "1"), 2, "an account can be named once"),
        (("x" * 3000, *AS, "--account", "2"), 2, "a network would refuse this"),
        (("x", *AS, "--account", "1", "--key", "with space"), 2, "--key must be"),
        (("x", *AS, "--account", "1", "--timeout", "-1"), 2, "not in the range"),
    ],
)
def test_what_is_wrongly_asked_changes_nothing(people: Guichet, words: tuple[str, ...], status: int, says: str) -> None:
    said = people("post", *words)
    assert says in said.err
    assert said.status == status
    assert_one_clear_line(said)
    assert count(people, Post) == count(people, Media) == 0
    kept = people.folder / "media"
    assert not [p for p in kept.rglob("*") if p.is_file()]


def test_a_refused_post_leaves_no_file_behind(people: Guichet, tmp_path: Path) -> None:
    (tmp_path / "sun.png").write_bytes(sample_image("").open())
    said = people("post", "x" * 3000, *AS, "--account", "2", "--media", str(tmp_path / "sun.png"), "Sun")
    assert said.status == Status.WRONGLY_ASKED
    assert not [p for p in (people.folder / "media").rglob("*") if p.is_file()]


# ---------------------------------------------------------------- waiting


@pytest.fixture
def stage(both: Guichet, engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    """A worker and a rehearsed Bluesky with one account, on which somebody publishes."""
    with BlueskyRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        with both.rows() as session:
            make.make_staff(session, "owner", email=AUTHOR)
        yield stage


class _Worker(threading.Thread):
    """Drains the queue until told to stop."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(daemon=True)
        self._stage, self.over = stage, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            self._stage.drain()


def test_waiting_ends_when_it_is_out(both: Guichet, stage: Stage) -> None:
    worker = _Worker(stage)
    worker.start()
    try:
        made = both.json("post", "Out now", *AS, "--account", str(stage.account_id), "--wait", "--timeout", "30")
    finally:
        worker.over.set()
        worker.join()
    assert made["state"] == "published"
    assert made["deliveries"][0]["url"].startswith("http")
    assert stage.texts() == ["Out now"]


def test_waiting_ends_with_a_status_of_its_own_when_time_is_over(both: Guichet, stage: Stage) -> None:
    said = both("post", "Later", *AS, "--account", str(stage.account_id), "--wait", "--timeout", "0.2", "--json")
    assert said.status == Status.UNSETTLED
    assert [d["state"] for d in said.failure["deliveries"]] == ["due"]


def test_waiting_on_what_failed_says_why(both: Guichet, stage: Stage) -> None:
    stage.plant("status_before", status=400)
    worker = _Worker(stage)
    worker.start()
    try:
        said = both("post", "No", *AS, "--account", str(stage.account_id), "--wait", "--timeout", "30", "--json")
    finally:
        worker.over.set()
        worker.join()
    assert (said.status, said.failure["state"]) == (Status.REFUSED, "failed")
    assert said.failure["deliveries"][0]["reason"]
    assert stage.texts() == []
