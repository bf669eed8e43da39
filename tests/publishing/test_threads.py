"""Threads and first comments: each part with its own files, its own count, in its order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guichet import models as m
from guichet.errors import Invalid
from guichet.publishing import operations
from guichet.publishing.drafting import Item, VariantSpec, Words, contents_of, specs_of, words_of
from guichet.publishing.rules import content_hash
from tests import factories
from tests.publishing.desk import NOW, SPECS, Desk


def picture(desk: Desk) -> m.Media:
    staff = desk.session.get_one(m.Staff, desk.publisher.staff_id)
    return factories.make_media(desk.session, staff)


def test_every_item_of_a_thread_carries_its_own_files(desk: Desk) -> None:
    first, second, third = picture(desk), picture(desk), picture(desk)
    thread = Words("one", items=[Item("two", [third.id, second.id]), Item("three")], media_ids=[first.id])
    post = desk.post(words=thread, variants=[VariantSpec(desk.here.id)])
    desk.schedule(post)
    sent = [[f["media_id"] for f in d.payload["media"]] for d in desk.deliveries(post)]
    assert sent == [[first.id], [third.id, second.id], []]


def test_what_was_written_is_read_back_for_all_and_where_it_differs(desk: Desk) -> None:
    file = picture(desk)
    common = Words("one", items=[Item("two", [file.id])], first_comment="the link", media_ids=[file.id])
    own = [Item("other", []), Item("and more", [file.id])]
    post = desk.post(words=common, variants=[VariantSpec(desk.here.id), VariantSpec(desk.there.id, items=own)])
    desk.session.flush()
    desk.session.expire_all()
    assert words_of(post) == common
    here, there = specs_of(post)
    assert here.own() == []
    assert (there.own(), there.items) == (["items"], own)
    assert there.over(words_of(post)).first_comment == "the link"


def test_a_first_comment_waits_for_the_post_itself_however_long_its_thread(desk: Desk) -> None:
    words = Words("one", items=[Item("two")], first_comment="the link")
    post = desk.post(words=words, variants=[VariantSpec(desk.here.id)])
    desk.schedule(post)
    first, second, comment = desk.deliveries(post)
    assert [first.kind, second.kind, comment.kind] == ["post", "thread_item", "first_comment"]
    assert comment.predecessor_id == first.id
    assert comment.payload["text"] == "the link"


def test_a_first_comment_that_becomes_an_item_makes_another_chain(desk: Desk) -> None:
    post = desk.post(words=Words("one", first_comment="two"), variants=[VariantSpec(desk.here.id)])
    desk.schedule(post)
    operations.change(desk.session, desk.publisher, post, words=Words("one", items=[Item("two")]), specs=SPECS, now=NOW)
    alive = [(d.kind, d.state) for d in desk.deliveries(post) if d.state != "cancelled"]
    assert alive == [("post", "scheduled"), ("thread_item", "blocked")]


def test_an_item_that_is_too_long_is_named_by_its_place(desk: Desk) -> None:
    words = Words("fine", items=[Item("x" * 301)], first_comment="x" * 302)
    post = desk.post(words=words, variants=[VariantSpec(desk.there.id)])
    with pytest.raises(Invalid) as refused:
        desk.schedule(post)
    assert [p["item"] for p in refused.value.data["problems"][desk.there.id]] == [1, 2]
    checked = operations.preflight(desk.publisher, contents_of(post), {desk.there.id: desk.there}, SPECS)[0]
    assert checked.counts == (4, 301, 302)


def test_an_approval_covers_every_file_of_every_item(desk: Desk) -> None:
    words = Words("one", items=[Item("two", [picture(desk).id])])
    post = desk.post(words=words, variants=[VariantSpec(desk.here.id)])
    before = content_hash(contents_of(post))
    moved = replace(words, items=[Item("two")], media_ids=words.items[0].media_ids)
    operations.change(desk.session, desk.publisher, post, words=moved, specs=SPECS, now=NOW)
    assert content_hash(contents_of(post)) != before
