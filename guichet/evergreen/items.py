"""What a queue holds: posts put in and taken out, their wordings, their order and when they rest.

Who may write on a post's accounts may put it in, in their own right: what is planned of it is
as if they had scheduled it, and needs the approvals that theirs would need.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.evergreen.queues import require_deciding, tell, withdraw
from guichet.evergreen.reading import planned_deliveries, stock_of, wordings_of
from guichet.evergreen.rules import in_season, is_month_day
from guichet.models import Brand, EvergreenItem, EvergreenQueue, Post
from guichet.policy import Action, Actor, can, require, require_for_post
from guichet.publishing.chains import accounts_of, inherit, note_writer, settle_content
from guichet.publishing.checking import Specs, require_fine
from guichet.publishing.drafting import contents_of, create, specs_of, tell_of, words_of
from guichet.publishing.handing_over import adopt

MOST_ITEMS = 500
MOST_WORDINGS = 20
MOST_TIMES = 10_000


@dataclass(frozen=True)
class Limits:
    """When an item may go out. A season is two days of the year ("11-15"), or none ("")."""

    is_paused: bool = False
    season_from: str = ""
    season_to: str = ""
    last_day: date | None = None
    most_times: int | None = None


def limits_of(item: EvergreenItem) -> Limits:
    """When it may go out now."""
    return Limits(item.is_paused, item.season_from, item.season_to, item.last_day, item.most_times)


def add_item(
    session: Session, actor: Actor, queue: EvergreenQueue, post: Post, limits: Limits, specs: Specs, now: datetime
) -> EvergreenItem:
    """Put a post at the queue's end: a draft itself, of anything else a copy. It goes out on the
    accounts that both have. Raises Invalid, also for what a network would refuse, Conflict."""
    require_for_post(actor, Action.POST_WRITE, post)
    stock = stock_of(session, actor, queue)
    if len(stock.items) >= MOST_ITEMS:
        raise Conflict(say("a queue holds {most} posts at most", most=MOST_ITEMS), code="full")
    _require_good(limits)
    held = _held(session, actor, queue, post, now)
    position = max((i.position for i in stock.items), default=0) + 1
    item = EvergreenItem(queue_id=queue.id, position=position, created_at=now)
    _limit(item, limits)
    session.add(item)
    session.flush()
    _keep(session, actor, held, item, specs, now)
    queue.looked_at = None
    audit.record(session, actor, "evergreen.put", queue, now, item=item.id, post=held.id)
    tell(session, queue, now)
    return item


def add_wording(
    session: Session, actor: Actor, queue: EvergreenQueue, item: EvergreenItem, text: str, specs: Specs, now: datetime
) -> Post:
    """Another way of saying it: the same post with this text, on every account. Raises Invalid,
    Conflict where it is said so already, or in too many ways."""
    wordings = wordings_of(session, [item.id])[item.id]
    for post in wordings:
        require_for_post(actor, Action.POST_WRITE, post)
    if len(wordings) >= MOST_WORDINGS:
        raise Conflict(say("a post has {most} wordings at most", most=MOST_WORDINGS), code="full")
    if not text.strip():
        raise Invalid("say it in other words", {"text": "is empty"})
    if any(" ".join(words_of(p).text.split()) == " ".join(text.split()) for p in wordings):
        raise Conflict("it is said so already", code="exists")
    first = wordings[0]
    made = create(
        session, actor, brand=session.get_one(Brand, queue.brand_id), words=replace(words_of(first), text=text),
        title=first.title, variants=[replace(s, text=None) for s in specs_of(first)], late_limit=first.late_limit,
        now=now,
    )  # fmt: skip
    inherit(made, first)
    _keep(session, actor, made, item, specs, now)
    item.refusal, queue.looked_at = "", None
    audit.record(session, actor, "evergreen.word", queue, now, item=item.id, post=made.id)
    tell(session, queue, now)
    return made


def remove_wording(
    session: Session, actor: Actor, queue: EvergreenQueue, item: EvergreenItem, post: Post, now: datetime
) -> None:
    """Say it so no more; what is planned in these words stays. Raises Conflict for the last one."""
    require_for_post(actor, Action.POST_WRITE, post)
    wordings = wordings_of(session, [item.id])[item.id]
    if post not in wordings:
        raise Invalid("this is no wording of it", {"post_id": "is no wording of this post"})
    if len(wordings) == 1:
        raise Conflict("it is its only wording: take the post out of the queue", code="last_wording")
    post.state, post.updated_at = "cancelled", now
    session.flush()
    audit.record(session, actor, "evergreen.unword", queue, now, item=item.id, post=post.id)
    tell_of(session, post, now)
    tell(session, queue, now)


def change_item(
    session: Session, actor: Actor, queue: EvergreenQueue, item: EvergreenItem, limits: Limits, now: datetime
) -> None:
    """Let it go out then. What is planned of it at other times is called off, save what was
    changed or moved by itself. Raises Invalid by field."""
    _require_writing(session, actor, item)
    _require_good(limits)
    if limits == limits_of(item):
        return
    is_fewer = limits.most_times is not None and limits.most_times < (item.most_times or MOST_TIMES + 1)
    _limit(item, limits)

    def stays(post: Post) -> bool:
        day = date.fromisoformat((post.wall_time or "")[:10])
        is_over = limits.last_day is not None and day > limits.last_day
        return not (limits.is_paused or is_fewer or is_over) and in_season(limits.season_from, limits.season_to, day)

    withdraw(session, actor, [item.id], now, stays)
    queue.looked_at = None
    session.flush()
    audit.record(session, actor, "evergreen.limit", queue, now, item=item.id, paused=limits.is_paused)
    tell(session, queue, now)


def remove_item(session: Session, actor: Actor, queue: EvergreenQueue, item: EvergreenItem, now: datetime) -> None:
    """Take it out, and call off what is planned of it."""
    _require_writing(session, actor, item)
    withdraw(session, actor, [item.id], now)
    item.removed_at, queue.looked_at = now, None
    for post in wordings_of(session, [item.id])[item.id]:
        post.state, post.updated_at = "cancelled", now
        tell_of(session, post, now)
    session.flush()
    audit.record(session, actor, "evergreen.take_out", queue, now, item=item.id)
    tell(session, queue, now)


def take_over(session: Session, actor: Actor, queue: EvergreenQueue, item: EvergreenItem, now: datetime) -> None:
    """Plan it in the actor's own right from now on, and send what is planned of it so, where they
    publish. Whose words they are stays known: who wrote them approves them no more than before."""
    _require_writing(session, actor, item)
    if actor.staff_id is None:
        raise NotAllowed("only a person takes over")
    for post in wordings_of(session, [item.id])[item.id]:
        note_writer(post, post.author_id)
        post.author_id, post.updated_at = actor.staff_id, now
        tell_of(session, post, now)
    for delivery in planned_deliveries(session, [item.id]):
        if can(actor, Action.POST_PUBLISH, delivery):
            with suppress(Conflict):  # it is being sent, or is over, by now
                adopt(session, actor, delivery, now)
    item.refusal, queue.looked_at = "", None
    session.flush()
    audit.record(session, actor, "evergreen.take_over", queue, now, item=item.id)
    tell(session, queue, now)


def order_items(session: Session, actor: Actor, queue: EvergreenQueue, item_ids: Sequence[int], now: datetime) -> None:
    """Let them stand in this order; it counts from the next slot that is filled. Raises Conflict
    where these are not all of them."""
    require_deciding(actor, queue)
    items = {item.id: item for item in stock_of(session, actor, queue).items}
    if len(item_ids) != len(items) or set(item_ids) != items.keys():
        raise Conflict("the queue holds other posts by now", code="changed", current=list(items))
    for place, item_id in enumerate(item_ids, 1):
        items[item_id].position = place
    session.flush()
    audit.record(session, actor, "evergreen.order", queue, now)
    tell(session, queue, now)


def _held(session: Session, actor: Actor, queue: EvergreenQueue, post: Post, now: datetime) -> Post:
    """The post that holds the words from now on."""
    if post.brand_id != queue.brand_id:
        raise Invalid("a queue is of one brand", {"post_id": "is of another brand"})
    on = {a.account_id for a in queue.accounts}
    shared = [s for s in specs_of(post) if s.account_id in on]
    if not shared:
        raise Invalid("it is for none of the queue’s accounts", {"post_id": "is for none of these accounts"})
    if post.state == "evergreen":
        raise Conflict("it is kept in a queue already", code="in_a_queue", current=post.state)
    if post.state == "draft" and not post.is_occurrence and post.import_id is None:
        return post
    made = create(
        session, actor, brand=session.get_one(Brand, post.brand_id), words=words_of(post), title=post.title,
        variants=shared, late_limit=post.late_limit, now=now,
    )  # fmt: skip
    made.goes_on, made.tags = post.goes_on, list(post.tags)
    return made


def _keep(session: Session, actor: Actor, post: Post, item: EvergreenItem, specs: Specs, now: datetime) -> None:
    accounts = accounts_of(session, post)
    post.state, post.evergreen_id, post.wall_time, post.due_at = "evergreen", item.id, None, None
    post.updated_at = now
    settle_content(session, post, accounts, specs, now)
    require_fine(actor, contents_of(post), accounts, specs)
    session.flush()
    tell_of(session, post, now)


def _require_writing(session: Session, actor: Actor, item: EvergreenItem) -> None:
    require(actor, Action.STAFF_VIEW)
    for post in wordings_of(session, [item.id])[item.id]:
        require_for_post(actor, Action.POST_WRITE, post)


def _require_good(limits: Limits) -> None:
    wrong: dict[str, str] = {}
    if bool(limits.season_from) != bool(limits.season_to):
        wrong["season_to" if limits.season_from else "season_from"] = say("a season has a first and a last day")
    for name, text in (("season_from", limits.season_from), ("season_to", limits.season_to)):
        if text and not is_month_day(text):
            wrong[name] = say("must be a month and a day, such as 11-15")
    if limits.most_times is not None and not 1 <= limits.most_times <= MOST_TIMES:
        wrong["most_times"] = say("must be from {least} to {most}", least=1, most=MOST_TIMES)
    if wrong:
        raise Invalid("it cannot go out so", wrong)


def _limit(item: EvergreenItem, limits: Limits) -> None:
    item.is_paused, item.season_from, item.season_to = limits.is_paused, limits.season_from, limits.season_to
    item.last_day, item.most_times = limits.last_day, limits.most_times
