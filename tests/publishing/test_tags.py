"""Labels and campaigns of posts: of one brand, in its managers' hands, outside of what is approved."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from guichet import models as m
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.policy import load_actor
from guichet.publishing import operations, queueing, series, slots, tags
from guichet.publishing.drafting import VariantSpec, Words
from guichet.publishing.openings import WeekSlot
from guichet.publishing.queries import list_posts
from tests import factories
from tests.publishing.desk import NOW, SPECS, Desk


def tag(desk: Desk, name: str, kind: str = "label", brand: m.Brand | None = None) -> m.PostTag:
    row = m.PostTag(
        brand_id=(brand or desk.brand).id, kind=kind, name=name, folded=tags.fold(name), created_at=NOW
    )  # fmt: skip
    desk.session.add(row)
    desk.session.flush()
    return row


def names(post: m.Post) -> list[str]:
    return [one.name for one in post.tags]


def test_they_are_made_by_who_manages_the_brand_and_by_nobody_else(desk: Desk) -> None:
    manager = factories.make_staff(desk.session)
    factories.make_grant(desk.session, manager, desk.here, "manager")
    lead = load_actor(desk.session, factories.make_staff(desk.session, "team_lead"), NOW)
    actor = load_actor(desk.session, manager, NOW)
    made = tags.create_tag(desk.session, actor, desk.brand, kind="campaign", name="  Summer   2026 ", now=NOW)
    assert (made.name, made.folded) == ("Summer 2026", "summer 2026")
    tags.create_tag(desk.session, lead, desk.brand, kind="label", name="Summer 2026", colour="red", now=NOW)
    with pytest.raises(Conflict):
        tags.create_tag(desk.session, actor, desk.brand, kind="campaign", name="SUMMER 2026", now=NOW)
    with pytest.raises(NotAllowed):
        tags.create_tag(desk.session, desk.publisher, desk.brand, kind="label", name="mine", now=NOW)
    with pytest.raises(NotAllowed):
        tags.create_tag(desk.session, actor, factories.make_brand(desk.session), kind="label", name="theirs", now=NOW)
    assert [t.name for t in tags.list_tags(desk.session, desk.author)] == ["Summer 2026", "Summer 2026"]
    assert tags.list_tags(desk.session, desk.stranger) == []


@pytest.mark.parametrize(
    ("name", "colour", "kind", "field"),
    [("a, b", "red", "label", "name"), (" ", "red", "label", "name"), ("x" * 61, "red", "label", "name"),
     ("a\nb", "red", "label", "name"), ("fine", "mauve", "label", "colour"), ("fine", "red", "tag", "kind")],
)  # fmt: skip
def test_what_no_table_could_hold_is_refused(desk: Desk, name: str, colour: str, kind: str, field: str) -> None:
    lead = load_actor(desk.session, factories.make_staff(desk.session, "team_lead"), NOW)
    with pytest.raises(Invalid) as refused:
        tags.create_tag(desk.session, lead, desk.brand, kind=kind, name=name, colour=colour, now=NOW)
    assert list(refused.value.fields) == [field]


def test_sorting_a_post_leaves_its_version_and_its_approval_and_is_possible_when_it_is_out(desk: Desk) -> None:
    post = desk.post(desk.author)
    desk.schedule(post, desk.author)
    operations.approve(desk.session, desk.publisher, post, NOW)
    version, states = post.version, desk.states(post)
    tags.tag_post(desk.session, desk.author, post, [tag(desk, "news").id, tag(desk, "Spring", "campaign").id], NOW)
    assert (post.version, desk.states(post), post.state) == (version, states, "scheduled")
    post.state = "done"
    desk.session.flush()
    tags.tag_post(desk.session, desk.author, post, [], NOW)
    assert post.tags == []
    entries = desk.session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "post.tags")).all()
    assert [len(e.data["tags"]) for e in entries] == [2, 0]


def test_a_post_is_of_one_campaign_and_of_its_own_brand(desk: Desk) -> None:
    post = desk.post()
    one, other = tag(desk, "Spring", "campaign"), tag(desk, "Summer", "campaign")
    with pytest.raises(Invalid):
        tags.tag_post(desk.session, desk.publisher, post, [one.id, other.id], NOW)
    foreign = tag(desk, "theirs", brand=factories.make_brand(desk.session))
    with pytest.raises(NotFound):
        tags.tag_post(desk.session, desk.publisher, post, [foreign.id], NOW)
    owner = load_actor(desk.session, factories.make_staff(desk.session, "owner"), NOW)
    with pytest.raises(Invalid):
        tags.tag_post(desk.session, owner, post, [foreign.id], NOW)
    with pytest.raises(NotFound):
        tags.tag_post(desk.session, desk.stranger, post, [one.id], NOW)


def test_several_are_sorted_at_once_and_a_new_campaign_takes_the_place_of_the_old(desk: Desk) -> None:
    posts = [desk.post(text="a"), desk.post(text="b")]
    news, spring, summer = tag(desk, "news"), tag(desk, "Spring", "campaign"), tag(desk, "Summer", "campaign")
    tags.tag_post(desk.session, desk.publisher, posts[0], [spring.id], NOW)
    tags.tag_posts(desk.session, desk.publisher, posts, add=[summer.id, news.id], remove=[], now=NOW)
    assert [sorted(names(p)) for p in posts] == [["Summer", "news"]] * 2
    tags.tag_posts(desk.session, desk.publisher, posts, add=[], remove=[news.id], now=NOW)
    assert [names(p) for p in posts] == [["Summer"], ["Summer"]]
    foreign = desk.session.get_one(m.Post, posts[1].id)
    foreign.targets[0].account_id = factories.make_account(desk.session).id
    desk.session.flush()
    with pytest.raises(NotFound):
        tags.tag_posts(desk.session, desk.publisher, posts, add=[news.id], remove=[], now=NOW)
    assert names(posts[0]) == ["Summer"]


def test_lists_are_left_by_any_label_and_any_campaign_that_is_named(desk: Desk) -> None:
    news, tips, spring = tag(desk, "news"), tag(desk, "tips"), tag(desk, "Spring", "campaign")
    for text, of in (("a", [news]), ("b", [tips, spring]), ("c", [news, tips]), ("d", [])):
        tags.tag_post(desk.session, desk.publisher, desk.post(text=text), [t.id for t in of], NOW)

    def found(**wanted: list[int]) -> list[str]:
        rows = list_posts(desk.session, desk.publisher, **wanted)
        return sorted(p.variants[0].text for p in rows)

    assert found(label_ids=[news.id]) == ["a", "c"]
    assert found(label_ids=[news.id, tips.id]) == ["a", "b", "c"]
    assert found(label_ids=[tips.id], campaign_ids=[spring.id]) == ["b"]


def test_what_a_post_becomes_is_sorted_as_it_was(desk: Desk) -> None:
    news = tag(desk, "news")
    post = desk.post(variants=[VariantSpec(desk.here.id)])
    tags.tag_post(desk.session, desk.publisher, post, [news.id], NOW)
    made = series.repeat(
        desk.session, desk.publisher, post, rule="FREQ=WEEKLY;COUNT=3", wall_time="2026-03-17T09:00",
        time_zone="Europe/Paris", specs=SPECS, now=NOW,
    )  # fmt: skip
    assert [names(p) for p in made] == [["news"]] * 3
    owner = load_actor(desk.session, factories.make_staff(desk.session, "owner"), NOW)
    for account, at in ((desk.here, "08:00"), (desk.there, "12:00")):
        slots.set_slots(desk.session, owner, account, [WeekSlot(3, at)], NOW)
    queued = desk.post(text="queued")
    tags.tag_post(desk.session, desk.publisher, queued, [news.id], NOW)
    parts = queueing.add_to_queue(desk.session, desk.publisher, queued, specs=SPECS, now=NOW)
    assert [names(p) for p in parts] == [["news"]] * 2


def test_what_follows_in_a_series_takes_embargo_crisis_mark_and_labels_along(desk: Desk) -> None:
    post = desk.post(variants=[VariantSpec(desk.here.id)])
    posts = series.repeat(
        desk.session, desk.publisher, post, rule="FREQ=WEEKLY;COUNT=3", wall_time="2026-03-17T09:00",
        time_zone="Europe/Paris", specs=SPECS, now=NOW,
    )  # fmt: skip
    news = tag(desk, "news")
    series.change_following(
        desk.session, desk.publisher, posts[1], words=Words("Anew"), goes_on=True, tag_ids=[news.id],
        embargo=("2026-03-20T08:00", "Europe/Paris"), specs=SPECS, now=NOW,
    )  # fmt: skip
    shown = [(p.goes_on, p.embargo_wall_time, names(p), p.is_exception) for p in posts]
    assert shown[0] == (False, None, [], False)
    assert shown[1:] == [(True, "2026-03-20T08:00", ["news"], False)] * 2


def test_forgetting_one_takes_it_off_every_post_and_a_draft_goes_with_its_marks(desk: Desk) -> None:
    lead = load_actor(desk.session, factories.make_staff(desk.session, "team_lead"), NOW)
    news, tips = tag(desk, "news"), tag(desk, "tips")
    post = desk.post()
    tags.tag_post(desk.session, desk.publisher, post, [news.id, tips.id], NOW)
    tags.delete_tag(desk.session, lead, news, NOW)
    desk.session.expire_all()
    assert names(post) == ["tips"]
    operations.delete_draft(desk.session, desk.publisher, post, NOW)
    desk.session.flush()
    assert desk.session.scalar(select(func.count()).select_from(m.PostTagging)) == 0
