"""What it is one's turn to decide about, and deciding about many posts in one act."""

from __future__ import annotations

from guichet import jobs
from guichet.publishing import deciding, queries
from webapp.api.briefs import Names
from webapp.api.schemas.approvals import Decide, Decided, DecidedPost, PostToDecide, ToDecide, ToDecideQuery
from webapp.api.showing_posts import show_posts
from webapp.asking import Asked, Room

room = Room("deciding")


@room.get("/approvals", ToDecide)
def list_approvals(asked: Asked, query: ToDecideQuery) -> ToDecide:
    """The posts about which it is one's turn to decide, those that go out first first."""
    found = deciding.list_to_decide(asked.session, asked.actor, asked.now)
    turns = {one.post.id: one for one in found[: query.limit]}
    rows = queries.load_posts(asked.session, asked.actor, list(turns))
    names = Names(asked.session).load(accounts=[i for one in turns.values() for i in one.account_ids])
    return ToDecide(
        total=len(found),
        items=[
            PostToDecide(
                post=shown,
                accounts=[names.account(i) for i in turns[shown.id].account_ids],
                since=min(r.step_at for r in turns[shown.id].reviews),
            )
            for shown in show_posts(asked, rows)
        ],
    )


@room.post("/approvals/decide", Decided, scope="publish", own_units=True)
def decide_approvals(asked: Asked, body: Decide) -> Decided:
    """Approve these posts or send them back, each as it was read: what is another by now, or not
    one's to decide, stays as it is and says why; the others are done."""
    read = [deciding.Read(one.id, one.version) for one in body.posts]
    deciding.require_askable(asked.actor, body.choice, read, body.reason)
    outcomes = [_decide(asked, body, one) for one in read]
    return Decided(done=sum(one.refused is None for one in outcomes), items=[_decided(one) for one in outcomes])


def _decide(asked: Asked, body: Decide, one: deciding.Read) -> deciding.Outcome:
    with asked.runtime.unit() as unit:
        unit.enqueue(jobs.DRAIN)
        return deciding.decide(unit.session, asked.actor, body.choice, one, asked.now, body.reason)


def _decided(one: deciding.Outcome) -> DecidedPost:
    refused = one.refused
    return DecidedPost(
        post_id=one.post_id, done=refused is None, still_waits=one.still_waits,
        code=refused.code if refused else None, reason=refused.message if refused else "",
    )  # fmt: skip
