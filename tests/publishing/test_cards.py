"""Cards of links: what was agreed to is what goes out, only where the network is given it, and
nothing of it is lost without a word."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guichet import models as m
from guichet.delivery.payload import thaw
from guichet.errors import Conflict, Invalid
from guichet.policy import SYSTEM
from guichet.publishing import operations, previewing
from guichet.publishing.cards import Card
from guichet.publishing.drafting import Item, VariantSpec, Words, contents_of, specs_of, undecided_in, words_of
from guichet.publishing.files import Found, add_media
from guichet.publishing.linking import set_rule
from guichet.publishing.previewing import Seen
from guichet.publishing.rules import content_hash
from guichet.publishing.versions import differences, snapshot
from guichet.storage import FileStore
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk
from tests.publishing.test_links import NETWORKS, RULE, owner

LINK = "https://klm.com/summer"
CARD = Card(LINK, "Summer", "From June on")


def picture(desk: Desk, **more: object) -> m.Media:
    uploader = desk.session.get_one(m.Staff, desk.publisher.staff_id)
    return make.make_media(desk.session, uploader, is_of_link=True, mime="image/jpeg", **more)


def written(desk: Desk, card: Card = CARD, **more: object) -> m.Post:
    return desk.post(words=Words(f"Read {LINK}", cards={0: card}), **more)


def cards(desk: Desk, post: m.Post) -> dict[str, object]:
    names = {desk.here.id: "mastodon", desk.there.id: "bluesky"}
    return {names[d.account_id]: d.payload.get("card") for d in desk.deliveries(post)}


def test_the_card_is_frozen_for_the_network_that_is_given_it_and_its_link_is_tagged_as_the_text(desk: Desk) -> None:
    set_rule(desk.session, owner(desk), desk.brand, RULE, NETWORKS, NOW)
    file = picture(desk)
    post = written(desk, Card(LINK, "Summer\n at last", "", file.id))
    desk.schedule(post)
    found = cards(desk, post)
    assert found["mastodon"] is None
    assert found["bluesky"]["url"] == f"{LINK}?utm_source=bluesky"
    assert (found["bluesky"]["title"], found["bluesky"]["picture"]["sha256"]) == ("Summer at last", file.sha256)


def test_what_is_frozen_is_what_the_network_gets(desk: Desk, tmp_path: object) -> None:
    post = written(desk)
    desk.schedule(post)
    payload = next(d.payload for d in desk.deliveries(post) if d.account_id == desk.there.id)
    card = thaw(payload, FileStore(tmp_path)).card
    assert (card.url, card.title, card.description, card.picture) == (LINK, "Summer", "From June on", None)


@pytest.mark.parametrize("change", ["title", "description", "url", "media_id", "is_shown"])
def test_a_card_that_changes_is_another_content_where_it_is_shown_and_nowhere_else(desk: Desk, change: str) -> None:
    post = written(desk)
    desk.schedule(post)
    before = {c.account_id: content_hash([c]) for c in contents_of(post)}
    new = {"title": "a", "description": "b", "url": f"{LINK}?c", "media_id": picture(desk).id, "is_shown": False}
    card = Card(**{**CARD.__dict__, change: new[change]})
    words = Words(f"Read {LINK}", cards={0: card})
    operations.change(desk.session, desk.publisher, post, words=words, specs=SPECS, now=NOW)
    after = {c.account_id: content_hash([c]) for c in contents_of(post)}
    assert before[desk.here.id] == after[desk.here.id]
    assert before[desk.there.id] != after[desk.there.id]
    frozen = next(d for d in desk.deliveries(post) if d.account_id == desk.there.id)
    assert frozen.content_hash == after[desk.there.id]


def test_versions_tell_how_a_card_changed(desk: Desk) -> None:
    post = written(desk)
    desk.schedule(post)
    before = snapshot(post)
    words = Words(f"Read {LINK}", cards={0: Card(LINK, "Winter", "From June on")})
    operations.change(desk.session, desk.publisher, post, words=words, specs=SPECS, now=NOW)
    [found] = differences(before, snapshot(post))
    assert (found.field, found.accounts) == ("card", (desk.there.id,))
    assert ("new", "Winter") in found.pieces


def test_files_are_shown_instead_of_a_card_and_each_item_has_its_own(desk: Desk) -> None:
    file = picture(desk)
    words = Words(
        LINK, [Item("two", [file.id]), Item(f"three {LINK}")], "comment",
        cards={0: CARD, 1: CARD, 2: Card(LINK, "Third"), 3: CARD},
    )  # fmt: skip
    post = desk.post(words=words, variants=[VariantSpec(desk.there.id)])
    desk.schedule(post)
    found = [d.payload.get("card") for d in desk.deliveries(post)]
    assert [card and card["title"] for card in found] == ["Summer", None, "Third", None]


def test_a_copy_of_the_words_keeps_cards_and_what_accounts_have_of_their_own(desk: Desk) -> None:
    own = VariantSpec(desk.there.id, cards={0: Card(LINK, "Own", media_id=picture(desk).id)})
    post = written(desk, variants=[VariantSpec(desk.here.id), own])
    assert words_of(post).cards == {0: CARD}
    assert words_of(post).media_ids == []
    again = {s.account_id: s for s in specs_of(post)}
    assert (again[desk.here.id].cards, again[desk.there.id].cards) == (None, own.cards)


def test_a_link_of_which_nobody_said_anything_is_told_and_one_without_a_card_is_not() -> None:
    words = Words(LINK, [Item("none"), Item(LINK, [1]), Item(LINK)])
    assert undecided_in(words) == [0, 3]
    assert undecided_in(Words(LINK, cards={0: Card(is_shown=False)})) == []


def test_what_can_be_no_card_is_refused_at_its_field(desk: Desk) -> None:
    wrong = {"cards.0.url": Card("javascript:alert(1)"), "cards.0.title": Card(LINK, "x" * 301)}
    for field, card in wrong.items():
        with pytest.raises(Invalid) as refused:
            written(desk, card)
        assert set(refused.value.fields) == {field}
    large = picture(desk, size=1_000_001)
    with pytest.raises(Invalid) as refused:
        written(desk, Card(LINK, media_id=large.id))
    assert set(refused.value.fields) == {"cards.0.media_id"}
    with pytest.raises(Invalid, match="file is not there"):
        written(desk, Card(LINK, media_id=large.id + 99))


def keep(desk: Desk, key: str) -> m.LinkPreview:
    found = Found(b"x", "image/jpeg", "a.jpg", 40, 40)
    media = add_media(desk.session, desk.publisher, found, storage_key=key, is_of_link=True, now=NOW)
    return previewing.keep_preview(desk.session, desk.publisher, LINK, Seen(LINK, "t", "d"), media, NOW)


def test_what_was_seen_is_ones_own_and_lasts_a_day_its_picture_a_week(desk: Desk) -> None:
    keep(desk, "first")
    seen = keep(desk, "second")
    find = previewing.find_preview
    assert find(desk.session, desk.publisher, LINK, NOW + timedelta(hours=23)) is seen
    assert find(desk.session, desk.author, LINK, NOW) is None
    assert find(desk.session, desk.publisher, LINK, NOW + timedelta(days=1)) is None
    used = seen.media_id
    written(desk, Card(LINK, media_id=used))
    assert previewing.forget_previews(desk.session, SYSTEM, NOW + timedelta(days=2)) == []
    assert previewing.forget_previews(desk.session, SYSTEM, NOW + timedelta(days=8)) == ["first"]
    assert desk.session.get(m.Media, used) is not None


def test_a_copy_that_nobody_confirmed_looks_at_nothing(desk: Desk) -> None:
    desk.session.add(m.Instance(instance_id="a", public_url="", seen_at=NOW, unconfirmed_since=NOW))
    desk.session.flush()
    with pytest.raises(Conflict) as refused:
        previewing.require_looking(desk.session, desk.publisher)
    assert refused.value.code == "unconfirmed"
