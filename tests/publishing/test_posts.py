"""Posts from draft to deliveries: variants, approval, changes, moving, cancelling."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from guichet import live
from guichet import models as m
from guichet.delivery.states import State
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.publishing import files, operations, queries, reviewing
from guichet.publishing.calendar import read_calendar
from guichet.publishing.drafting import Item, VariantSpec, Words
from guichet.stats import needs_you
from tests import factories
from tests.publishing.desk import NOW, SPECS, Desk


def hashes(desk: Desk, post: m.Post) -> set[str]:
    """Of what was agreed to."""
    return {r.content_hash for r in reviewing.open_reviews(desk.session, [post.id], reviewing.AGREED)}


def test_a_scheduled_post_has_one_delivery_for_each_account_at_its_wall_time(desk: Desk) -> None:
    post = desk.post()
    desk.schedule(post)
    assert desk.states(post) == ["scheduled", "scheduled"]
    assert {d.account_id for d in desk.deliveries(post)} == {desk.here.id, desk.there.id}
    assert {d.due_at for d in desk.deliveries(post)} == {datetime(2026, 3, 11, 8, 0, tzinfo=UTC)}
    assert post.state == "scheduled"


def test_a_variant_differs_where_it_says_so_and_follows_the_common_text_elsewhere(desk: Desk) -> None:
    post = desk.post(variants=[VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="Hello", language="en")])
    operations.change(desk.session, desk.publisher, post, words=Words("Bonsoir", subject="new"), specs=SPECS, now=NOW)
    desk.schedule(post)
    by_account = {d.account_id: d.payload for d in desk.deliveries(post)}
    assert by_account[desk.here.id]["text"] == "Bonsoir"
    assert by_account[desk.there.id]["text"] == "Hello"
    assert by_account[desk.there.id]["subject"] == "new"


def test_a_thread_is_a_chain_in_which_each_item_waits_for_the_one_before(desk: Desk) -> None:
    post = desk.post(words=Words("one", items=[Item("two"), Item("three")]), variants=[VariantSpec(desk.here.id)])
    desk.schedule(post)
    first, second, third = desk.deliveries(post)
    assert [first.state, second.state, third.state] == ["scheduled", "blocked", "blocked"]
    assert (second.predecessor_id, third.predecessor_id) == (first.id, second.id)


def test_what_an_author_schedules_waits_for_somebody_who_may_publish(desk: Desk) -> None:
    post = desk.post(desk.author)
    desk.schedule(post, desk.author)
    assert post.state == "awaiting_approval"
    assert set(desk.states(post)) == {"awaiting_approval"}
    with pytest.raises(NotAllowed):
        operations.approve(desk.session, desk.author, post, NOW)
    operations.approve(desk.session, desk.publisher, post, NOW)
    assert set(desk.states(post)) == {"scheduled"}
    assert {d.content_hash for d in desk.deliveries(post)} == hashes(desk, post)


def test_a_change_after_the_approval_asks_for_another_one(desk: Desk) -> None:
    desk.brand.needs_approval = True
    post = desk.post(desk.author)
    desk.schedule(post, desk.author)
    operations.approve(desk.session, desk.publisher, post, NOW)
    operations.change(desk.session, desk.author, post, words=Words("Bonjour !"), specs=SPECS, now=NOW)
    assert post.state == "awaiting_approval"
    assert hashes(desk, post) == set()
    assert set(desk.states(post)) == {"awaiting_approval"}
    assert {d.payload["text"] for d in desk.deliveries(post)} == {"Bonjour !"}


def test_nobody_approves_what_was_changed_while_they_read(desk: Desk) -> None:
    post = desk.post(desk.author)
    desk.schedule(post, desk.author)
    read = post.version
    operations.change(desk.session, desk.author, post, words=Words("Something else"), specs=SPECS, now=NOW)
    desk.session.flush()
    with pytest.raises(Conflict) as refused:
        operations.approve(desk.session, desk.publisher, post, NOW, read)
    assert refused.value.code == "changed"
    assert post.state == "awaiting_approval"
    operations.approve(desk.session, desk.publisher, post, NOW, post.version)
    assert post.state == "scheduled"


def test_what_needs_you_names_the_version_that_it_shows(desk: Desk) -> None:
    post = desk.post(desk.author)
    desk.schedule(post, desk.author)
    (shown,) = needs_you.read(desk.session, desk.publisher, NOW).items
    assert (shown.post_id, shown.post_version) == (post.id, post.version)
    operations.change(desk.session, desk.author, post, words=Words("Something else"), specs=SPECS, now=NOW)
    desk.session.flush()
    with pytest.raises(Conflict, match="since you read it"):
        operations.approve(desk.session, desk.publisher, post, NOW, shown.post_version)


def test_where_the_brand_wants_pictures_described_none_goes_out_bare(desk: Desk) -> None:
    staff = desk.session.get_one(m.Staff, desk.author.staff_id)
    bare = factories.make_media(desk.session, staff, alt=" ")
    post = desk.post(desk.author, words=Words("Look", media_ids=[bare.id]))
    desk.brand.needs_alt_text = True
    with pytest.raises(Invalid) as refused:
        desk.schedule(post, desk.author)
    assert set(refused.value.fields.values()) == {"alt_missing"}
    files.describe(desk.session, desk.author, bare, "a ship", SPECS, NOW)
    desk.schedule(post, desk.author)
    assert desk.states(post) == ["awaiting_approval", "awaiting_approval"]


def described(desk: Desk, by: Actor) -> tuple[m.Media, m.Post]:
    """A file that `by` uploaded, in a post that waits for its approval."""
    picture = factories.make_media(desk.session, desk.session.get_one(m.Staff, by.staff_id), alt="a boat")
    post = desk.post(desk.author, words=Words("Look", media_ids=[picture.id]))
    desk.schedule(post, desk.author)
    return picture, post


def test_a_file_described_anew_is_another_post_than_the_approver_read(desk: Desk) -> None:
    picture, post = described(desk, desk.author)
    desk.session.flush()
    read = post.version
    files.describe(desk.session, desk.author, picture, "a ship", SPECS, NOW)
    desk.session.flush()
    with pytest.raises(Conflict, match="since you read it"):
        operations.approve(desk.session, desk.publisher, post, NOW, read)
    operations.approve(desk.session, desk.publisher, post, NOW, post.version)
    assert {d.content_hash for d in desk.deliveries(post)} == hashes(desk, post)
    assert {d.payload["media"][0]["alt"] for d in desk.deliveries(post)} == {"a ship"}


def test_a_file_described_anew_after_the_approval_asks_for_another_one(desk: Desk) -> None:
    picture, post = described(desk, desk.author)
    operations.approve(desk.session, desk.publisher, post, NOW)
    files.describe(desk.session, desk.author, picture, "a boat", SPECS, NOW)
    assert post.state == "scheduled"
    files.describe(desk.session, desk.author, picture, "a ship", SPECS, NOW)
    assert (post.state, hashes(desk, post)) == ("awaiting_approval", set())
    assert set(desk.states(post)) == {"awaiting_approval"}
    operations.approve(desk.session, desk.publisher, post, NOW)
    assert {d.payload["media"][0]["alt"] for d in desk.deliveries(post)} == {"a ship"}


def test_what_is_sent_already_keeps_its_description_while_the_file_gets_another(desk: Desk) -> None:
    picture, post = described(desk, desk.author)
    operations.approve(desk.session, desk.publisher, post, NOW)
    desk.deliveries(post)[0].state = State.SENDING
    desk.session.flush()
    files.describe(desk.session, desk.author, picture, "a ship", SPECS, NOW)
    assert picture.alt == "a ship"
    assert {d.payload["media"][0]["alt"] for d in desk.deliveries(post)} == {"a boat"}


def test_nobody_describes_a_file_in_a_post_that_they_may_not_write(desk: Desk) -> None:
    picture, post = described(desk, desk.author)
    with pytest.raises(NotFound):
        files.describe(desk.session, replace(desk.author, accounts={}), picture, "a ship", SPECS, NOW)
    assert (picture.alt, post.editors) == ("a boat", [])


def test_who_may_only_write_does_not_choose_when_it_goes_out(desk: Desk) -> None:
    post = desk.post()
    desk.schedule(post)
    with pytest.raises(NotAllowed) as refused:
        operations.publish_now(desk.session, desk.author, post, specs=SPECS, now=NOW)
    assert refused.value.code == "may_not_move"
    with pytest.raises(NotAllowed):
        operations.reschedule(
            desk.session, desk.author, post, wall_time="2026-03-10T11:00", time_zone="Europe/Paris", now=NOW
        )
    desk.session.refresh(post)
    assert post.due_at == datetime(2026, 3, 11, 8, 0, tzinfo=UTC)


def test_an_author_moves_what_still_awaits_its_approval(desk: Desk) -> None:
    post = desk.post(desk.author)
    desk.schedule(post, desk.author)
    operations.reschedule(
        desk.session, desk.author, post, wall_time="2026-03-12T09:00", time_zone="Europe/Paris", now=NOW
    )
    assert set(desk.states(post)) == {"awaiting_approval"}
    assert {d.due_at for d in desk.deliveries(post)} == {datetime(2026, 3, 12, 8, 0, tzinfo=UTC)}


def test_only_who_sees_the_account_hears_that_a_post_changed(desk: Desk) -> None:
    desk.post()
    desk.post(desk.author, variants=[VariantSpec(desk.here.id)])
    live.number_new(desk.session, SYSTEM)
    assert live.read_after(desk.session, desk.stranger, 0) == []
    assert {e.kind for e in live.read_after(desk.session, desk.author, 0)} >= {"post"}


def test_nobody_approves_their_own_words(desk: Desk) -> None:
    desk.brand.needs_approval = True
    post = desk.post()
    desk.schedule(post)
    with pytest.raises(NotAllowed, match="somebody else"):
        operations.approve(desk.session, desk.publisher, post, NOW)


def test_nobody_approves_what_they_put_into_somebody_elses_post(desk: Desk) -> None:
    """Whoever wrote over it since: words of theirs may still be in it."""
    desk.brand.needs_approval = True
    third = factories.make_staff(desk.session)
    for account in (desk.here, desk.there):
        factories.make_grant(desk.session, third, account, "publisher")
    reader = load_actor(desk.session, third, NOW)
    post = desk.post(desk.author)
    desk.schedule(post, desk.author)
    operations.change(desk.session, desk.publisher, post, words=Words("My own words"), specs=SPECS, now=NOW)
    operations.change(desk.session, desk.author, post, words=Words("My own words!"), specs=SPECS, now=NOW)
    with pytest.raises(NotAllowed, match="you changed it") as refused:
        operations.approve(desk.session, desk.publisher, post, NOW)
    assert refused.value.code == "own_words"
    operations.change(desk.session, reader, post, title="a title", words=Words("My own words!"), specs=SPECS, now=NOW)
    operations.approve(desk.session, reader, post, NOW)
    assert post.state == "scheduled"
    operations.change(desk.session, reader, post, words=Words("Mine"), specs=SPECS, now=NOW)
    with pytest.raises(NotAllowed, match="you changed it"):
        operations.approve(desk.session, reader, post, NOW)
    operations.approve(desk.session, desk.publisher, post, NOW)  # what they changed was approved before


def test_a_rejected_post_is_a_draft_again_with_the_reason(desk: Desk) -> None:
    post = desk.post(desk.author)
    desk.schedule(post, desk.author)
    operations.reject(desk.session, desk.publisher, post, "the date is wrong", NOW)
    assert (post.state, post.rejected_reason) == ("draft", "the date is wrong")
    assert set(desk.states(post)) == {"cancelled"}
    desk.schedule(post, desk.author)
    assert desk.states(post).count("awaiting_approval") == 2


def test_what_a_network_would_refuse_is_not_scheduled_and_says_where(desk: Desk) -> None:
    post = desk.post(text="x" * 400)
    with pytest.raises(Invalid) as refused:
        desk.schedule(post)
    assert refused.value.fields == {f"accounts.{desk.there.id}": "text_too_long"}
    assert desk.deliveries(post) == []


def test_a_change_while_scheduled_reaches_the_deliveries_accounts_and_items(desk: Desk) -> None:
    post = desk.post()
    desk.schedule(post)
    new = Words("un", items=[Item("deux")])
    operations.change(
        desk.session, desk.publisher, post, words=new, variants=[VariantSpec(desk.here.id)], specs=SPECS, now=NOW
    )
    alive = [(d.account_id, d.payload["text"], d.state) for d in desk.deliveries(post) if d.state != "cancelled"]
    assert alive == [(desk.here.id, "un", "scheduled"), (desk.here.id, "deux", "blocked")]


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.RECONCILING, State.PUBLISHED, State.NEEDS_HUMAN])
def test_nothing_is_changed_from_sending_on(desk: Desk, state: State) -> None:
    post = desk.post()
    desk.schedule(post)
    desk.deliveries(post)[0].state = state
    with pytest.raises(Conflict):
        operations.change(desk.session, desk.publisher, post, words=Words("other"), specs=SPECS, now=NOW)


def test_a_stale_version_is_a_conflict(desk: Desk) -> None:
    post = desk.post()
    read = post.version
    operations.change(desk.session, desk.publisher, post, title="one", specs=SPECS, now=NOW)
    desk.session.flush()
    with pytest.raises(Conflict):
        operations.change(desk.session, desk.publisher, post, version=read, title="two", specs=SPECS, now=NOW)


def test_moving_moves_all_that_has_not_gone_out(desk: Desk) -> None:
    post = desk.post()
    desk.schedule(post)
    out, waiting = desk.deliveries(post)
    before = out.due_at
    out.state = "published"
    operations.reschedule(desk.session, desk.publisher, post, wall_time="2026-03-12T10:00", time_zone="UTC", now=NOW)
    assert out.due_at == before
    assert waiting.due_at == datetime(2026, 3, 12, 10, tzinfo=UTC)
    assert waiting.deadline_at == waiting.due_at + timedelta(seconds=post.late_limit)


def test_cancelling_withdraws_what_may_be_out_and_ends_the_rest(desk: Desk) -> None:
    post = desk.post()
    desk.schedule(post)
    sending, waiting = desk.deliveries(post)
    sending.state = "sending"
    operations.cancel(desk.session, desk.publisher, post, NOW)
    assert (sending.state, sending.withdraw) == ("sending", True)
    assert waiting.state == "cancelled"


def test_a_post_is_invisible_to_who_has_no_right_on_its_accounts(desk: Desk) -> None:
    post = desk.post()
    with pytest.raises(NotFound):
        queries.get_post(desk.session, desk.stranger, post.id)
    assert queries.list_posts(desk.session, desk.stranger) == []
    with pytest.raises(NotFound):
        operations.cancel(desk.session, desk.stranger, post, NOW)
    with pytest.raises((NotFound, NotAllowed)):
        desk.post(desk.stranger)


def test_who_sees_one_account_learns_nothing_of_the_others(desk: Desk) -> None:
    own = VariantSpec(desk.there.id, text="Only for there")
    post = desk.post(variants=[VariantSpec(desk.here.id), own])
    desk.schedule(post)
    desk.deliveries(post)[1].state = "failed"
    viewer = factories.make_staff(desk.session)
    factories.make_grant(desk.session, viewer, desk.here, "author")
    actor = load_actor(desk.session, viewer, NOW)
    assert queries.list_posts(desk.session, actor, text="Bonjour") == [post]
    assert queries.list_posts(desk.session, actor, text="Only for") == []
    assert queries.list_posts(desk.session, actor, account_ids=[desk.there.id]) == []
    assert queries.list_posts(desk.session, actor, states=["failed"]) == []
    assert queries.list_posts(desk.session, desk.publisher, text="Only for", states=["failed"]) == [post]
    assert [t.account_id for t in post.targets if queries.sees_target(actor, t)] == [desk.here.id]
    with pytest.raises(NotFound):  # who does not see all of it cannot write away what they do not see
        operations.change(desk.session, actor, post, variants=[VariantSpec(desk.here.id)], specs=SPECS, now=NOW)


def test_an_author_who_lost_the_right_to_an_account_no_longer_reads_its_posts(desk: Desk) -> None:
    post, draft = desk.post(desk.author), desk.post(desk.author, variants=[])
    left = replace(desk.author, accounts={})
    assert queries.list_posts(desk.session, left) == [draft]
    with pytest.raises(NotFound):
        queries.get_post(desk.session, left, post.id)


def test_lists_go_by_time_and_resume_where_a_page_ended(desk: Desk) -> None:
    posts = [desk.post(text=f"n {n}") for n in range(5)]
    for n, post in enumerate(posts[:3]):
        desk.schedule(post, at=f"2026-03-1{n + 1}T09:00")
    desk.session.flush()
    seen: list[int] = []
    place = None
    while page := queries.list_posts(desk.session, desk.author, after=place, limit=2):
        seen += [p.id for p in page]
        place = queries.Place(page[-1].due_at, page[-1].id)
    assert seen == [posts[n].id for n in (4, 3, 2, 1, 0)]
    since, until = datetime(2026, 3, 12, tzinfo=UTC), datetime(2026, 3, 13, tzinfo=UTC)
    on_the_12th, complete = read_calendar(desk.session, desk.author, {"since": since, "until": until})
    assert ([p.id for p in on_the_12th], complete) == ([posts[1].id], True)
