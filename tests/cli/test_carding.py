"""The cards that `guichet post` makes: what was seen stands on them, and what was not is said."""

from __future__ import annotations

from sqlalchemy import select

from channels.pages import Page
from cli.commands.carding import Looked, cards_of, told
from guichet.models import Account, Delivery, Media
from guichet.publishing.files import Found
from tests.cli.conftest import Guichet
from tests.cli.test_post import AS, people
from tests.publishing.conftest import desk
from tests.publishing.desk import NOW, Desk

__all__ = ["desk", "people"]
INSIDE = "http://127.0.0.1:9/news"
LINK = "https://klm.com/news"


def test_a_link_of_which_no_page_can_be_had_goes_without_a_card_and_that_is_told(people: Guichet) -> None:
    with people.rows() as session:
        assert session.get_one(Account, 2).network == "bluesky"
    made = people.json("post", f"Lisez {INSIDE}", *AS, "--account", "2")
    assert made["cards"] == [f"{INSIDE}: no card: that link leads to an address inside, which is not looked at"]
    assert people.json("post", f"Et {INSIDE}", *AS, "--account", "2", "--no-card")["cards"] == []
    assert people.json("post", f"Ou {INSIDE}", *AS, "--account", "1")["cards"] == []
    with people.rows() as session:
        assert all("card" not in d.payload for d in session.scalars(select(Delivery)))


def test_what_was_seen_stands_on_the_card_with_its_picture(desk: Desk) -> None:
    seen = {0: Looked(LINK, Page(LINK, "Summer", "At last"), Found(b"x", "image/jpeg", "a.jpg", 40, 40), "key")}
    missing = Looked(LINK, None, note="gone")
    [(item, card)] = cards_of(desk.session, desk.publisher, {**seen, 1: missing}, NOW).items()
    assert (item, card.url, card.title, card.description) == (0, LINK, "Summer", "At last")
    assert desk.session.get_one(Media, card.media_id).is_of_link
    assert told({**seen, 1: missing}) == [f"{LINK}: card “Summer”", f"{LINK}: no card: gone"]
