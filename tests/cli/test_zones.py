"""`guichet zones`: what a change of a zone's rules moves is shown before it is, and changes nothing."""

from __future__ import annotations

from datetime import timedelta

from guichet.models import Post
from tests import factories as make
from tests.cli.conftest import Guichet


def test_what_the_installed_rules_would_move_is_shown_from_when_to_when(guichet: Guichet) -> None:
    assert guichet.json("zones") == {"to_come": [], "made": []}
    with guichet.rows() as session:
        account = make.make_account(session, handle="aurore")
        make.make_grant(session, make.make_staff(session, email="a@example.org"), account, "publisher")
    words = ("Come!", "--as", "a@example.org", "--account", "1", "--at", "2030-07-01T09:00", "--zone", "Europe/Paris")
    post = guichet.json("post", *words)["id"]
    with guichet.rows() as session:  # as the rules of some years ago had it
        row = session.get_one(Post, post)
        assert row.due_at is not None
        row.due_at += timedelta(hours=1)
    [move] = guichet.json("zones")["to_come"]
    assert (move["post"], move["wall time"], move["zone"]) == (post, "2030-07-01T09:00", "Europe/Paris")
    assert move["was"].startswith("2030-07-01 08:00")
    assert move["is"].startswith("2030-07-01 07:00")
    assert "To be moved: 1" in guichet("zones").out
