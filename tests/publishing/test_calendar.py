"""What the calendar reads: the same as the list and the post itself say, in as many statements
whatever the number of posts."""

from __future__ import annotations

from datetime import timedelta

from guichet import models as m
from guichet.delivery.states import State
from guichet.policy import load_actor
from guichet.publishing import tags
from guichet.publishing.allowed import Deed, deeds
from guichet.publishing.calendar import Entry, read_calendar
from guichet.publishing.drafting import VariantSpec
from guichet.publishing.queries import Filter, deliveries_of, list_posts
from guichet.publishing.rules import standing
from tests import factories
from tests.publishing.desk import NOW, Desk
from tests.statements import heard_by

SPAN: Filter = {"since": NOW, "until": NOW + timedelta(days=30)}


def crowd(desk: Desk) -> list[m.Post]:
    """A post in each way of standing that a calendar tells apart."""
    made = []
    for n, state in enumerate([None, *State]):
        post = desk.post(text=f"{n} " + "x" * 200)
        desk.schedule(post, desk.author if n % 2 else desk.publisher, at=f"2026-03-{11 + n}T09:00")
        if state is not None:
            desk.deliveries(post)[0].state = state
        made.append(post)
    draft = desk.post(text="draft", wall_time="2026-03-12T10:00", time_zone="Europe/Paris")
    draft.due_at = NOW + timedelta(days=2)
    doubt = made[-1]
    delivery = desk.deliveries(doubt)[0]
    delivery.state = State.NEEDS_HUMAN
    desk.session.flush()
    return [*made, draft]


def test_an_entry_says_what_the_post_itself_says(desk: Desk) -> None:
    crowd(desk)
    for actor in (desk.publisher, desk.author):
        posts = {p.id: p for p in list_posts(desk.session, actor, **SPAN, limit=200)}
        found = {e.id: e for e in read_calendar(desk.session, actor, SPAN)[0]}
        assert found.keys() == posts.keys()
        deliveries = deliveries_of(desk.session, actor, list(posts))
        for id_, post in posts.items():
            going_out = [d for d in deliveries[id_] if d.kind not in ("delete", "edit")]
            assert found[id_].state == standing(post.state, [d.state for d in going_out]), post.variants[0].text
            assert found[id_].may_move == (Deed.MOVE in deeds(actor, post, deliveries[id_])), found[id_]
            assert found[id_].first_words == post.variants[0].text[:160]
            assert found[id_].account_ids == (desk.here.id, desk.there.id)


def test_it_knows_nothing_of_accounts_that_one_does_not_see_and_nothing_of_other_peoples_posts(desk: Desk) -> None:
    post = desk.post(variants=[VariantSpec(desk.here.id), VariantSpec(desk.there.id)])
    desk.schedule(post)
    viewer = factories.make_staff(desk.session)
    factories.make_grant(desk.session, viewer, desk.here, "author")
    half = load_actor(desk.session, viewer, NOW)
    [entry] = read_calendar(desk.session, half, SPAN)[0]
    assert (entry.account_ids, entry.may_move) == ((desk.here.id,), False)
    assert read_calendar(desk.session, desk.stranger, SPAN) == ([], True)


def test_what_may_be_out_already_is_not_moved(desk: Desk) -> None:
    post = desk.post(variants=[VariantSpec(desk.here.id)])
    desk.schedule(post)
    delivery = desk.deliveries(post)[0]
    delivery.state = State.NEEDS_HUMAN
    desk.session.flush()
    assert only(desk).may_move
    worker = m.Worker(id="w", kind="drain", host="h", pid=1, lock_key=1, started_at=NOW, seen_at=NOW)
    desk.session.add(worker)
    desk.session.flush()
    attempt = m.Attempt(delivery_id=delivery.id, generation=1, fence=1, worker_id=worker.id, state="unknown")
    attempt.payload_hash, attempt.started_at = "", NOW
    desk.session.add(attempt)
    desk.session.flush()
    assert not only(desk).may_move


def only(desk: Desk) -> Entry:
    [entry] = read_calendar(desk.session, desk.publisher, SPAN)[0]
    return entry


def test_filters_are_those_of_the_list_and_more_than_is_read_is_said(desk: Desk) -> None:
    posts = crowd(desk)
    news = m.PostTag(brand_id=desk.brand.id, kind="label", name="news", folded="news", created_at=NOW)
    desk.session.add(news)
    desk.session.flush()
    tags.tag_post(desk.session, desk.publisher, posts[3], [news.id], NOW)
    [entry] = read_calendar(desk.session, desk.publisher, {**SPAN, "label_ids": [news.id]})[0]
    assert (entry.id, entry.tag_ids) == (posts[3].id, (news.id,))
    first, complete = read_calendar(desk.session, desk.publisher, SPAN, most=2)
    assert ([e.id for e in first], complete) == ([posts[0].id, posts[1].id], False)


def test_the_number_of_statements_does_not_grow_with_the_posts(desk: Desk) -> None:
    desk.schedule(desk.post())
    desk.session.flush()
    with heard_by(desk.session.get_bind()) as few:
        read_calendar(desk.session, desk.publisher, SPAN)
    crowd(desk)
    with heard_by(desk.session.get_bind()) as many:
        assert len(read_calendar(desk.session, desk.publisher, SPAN)[0]) > 10
    assert len(few) == len(many) == 5
