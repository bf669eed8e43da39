"""What stands near a post on its accounts, and whether an account refuses that.

Asked by whoever writes or moves a post; asked again, as a refusal, by everything that
schedules one on an account whose policy is "refuse". There the account's row is locked, so
that two who come at once are seen by each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from channels.sentences import say
from guichet.errors import Conflict
from guichet.models import Account, Post, PostTarget, Variant
from guichet.policy import Action, Actor, require
from guichet.publishing.clash_rules import Clash, Neighbour, Spacing, clashes_of
from guichet.publishing.rules import Content
from guichet.publishing.slots import STANDING

_MOST = 500  # posts of one account that are compared, the nearest to come first


def find_clashes(
    session: Session,
    actor: Actor,
    contents: Sequence[Content],
    at: datetime,
    specs: Mapping[str, ChannelSpec],
    post_id: int | None = None,
) -> list[Clash]:
    """What is in the way of saying this at that moment, account by account. `post_id`: the
    post itself, which is in nobody's way."""
    for content in contents:
        require(actor, Action.POST_WRITE, content.account_id)
    ids = [c.account_id for c in contents]
    accounts = session.scalars(select(Account).where(Account.id.in_(ids))).all() if ids else ()
    wanted = {a.id: _spacing(a, specs) for a in accounts}
    return [
        clash
        for content in contents
        if content.account_id in wanted
        for clash in clashes_of(
            content.account_id, content.parts[0].written, at,
            _neighbours(session, content.account_id, at, wanted[content.account_id].reach, post_id),
            wanted[content.account_id],
        )
    ]  # fmt: skip


def planned_near(
    session: Session, actor: Actor, account_ids: Sequence[int], since: datetime, until: datetime
) -> dict[int, tuple[Spacing, list[Neighbour]]]:
    """Of these accounts those that want a distance or refuse repetitions: what they want, and
    what stands on them in that time and as far around it as they look."""
    for account_id in account_ids:
        require(actor, Action.POST_WRITE, account_id)
    accounts = session.scalars(select(Account).where(Account.id.in_(account_ids)).order_by(Account.id))
    asking = {a.id: _spacing(a, {}) for a in accounts if a.min_gap_minutes or a.clash_policy == "refuse"}
    middle, half = since + (until - since) / 2, (until - since) / 2
    return {id_: (one, _neighbours(session, id_, middle, half + one.reach, None)) for id_, one in asking.items()}


def require_no_refusal(
    session: Session,
    actor: Actor,
    contents: Sequence[Content],
    at: datetime,
    post_id: int | None = None,
) -> None:
    """Raises Conflict `clashes` (`current` names them) where an account's policy refuses."""
    ids = [c.account_id for c in contents]
    strict = select(Account.id).where(Account.id.in_(ids), Account.clash_policy == "refuse").order_by(Account.id)
    refusing = set(session.scalars(strict.with_for_update())) if ids else set()
    asked = [c for c in contents if c.account_id in refusing]
    refused = [c for c in find_clashes(session, actor, asked, at, {}, post_id) if c.refused] if asked else []
    if refused:
        raise Conflict(
            _refusal(refused[0]),
            code="clashes",
            current=[{"account_id": c.account_id, "name": c.name, "post_id": c.post_id} for c in refused],
        )


def _refusal(clash: Clash) -> str:
    if clash.name == "too_close":
        return say(
            "this account wants {gap} minutes between posts, and another is {minutes} minutes away",
            gap=clash.data["gap"], minutes=clash.data["minutes"],
        )  # fmt: skip
    return say("this account does not repeat itself, and another post says the same or nearly the same")


def _spacing(account: Account, specs: Mapping[str, ChannelSpec]) -> Spacing:
    spec = specs.get(account.network)
    return Spacing(
        min_gap=timedelta(minutes=account.min_gap_minutes),
        duplicate_days=account.duplicate_days,
        refuses=account.clash_policy == "refuse",
        network_refuses_repeats=spec is not None and spec.refuses_repeats,
    )


def _neighbours(
    session: Session, account_id: int, at: datetime, reach: timedelta, post_id: int | None
) -> list[Neighbour]:
    if not reach:
        return []
    found = (
        select(Post.id, Post.due_at, Variant.text)
        .join(PostTarget, PostTarget.post_id == Post.id)
        .join(Variant, Variant.id == PostTarget.variant_id)
        .where(
            PostTarget.account_id == account_id, Post.state.in_(STANDING), Post.due_at.between(at - reach, at + reach)
        )
        .order_by(Post.due_at.desc())
        .limit(_MOST)
    )
    if post_id is not None:
        found = found.where(Post.id != post_id)
    return [Neighbour(id_, due_at, text) for id_, due_at, text in session.execute(found) if due_at is not None]
