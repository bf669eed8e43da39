"""Who must agree to a post: a brand's policy, how a post stands before them, what they say,
what it said before, and links for reviewers from outside."""

from __future__ import annotations

from datetime import timedelta

from guichet import jobs
from guichet.accounts import queries as brands
from guichet.errors import NotFound
from guichet.models import Post as PostRow
from guichet.models import PostComment as CommentRow
from guichet.models import Review as ReviewRow
from guichet.models import ReviewLink as LinkRow
from guichet.models import ReviewVote as VoteRow
from guichet.policy import Action, can
from guichet.publishing import approving, commenting, history, policies, queries, review_links, steps, versions
from guichet.publishing.reviewing import Turns, open_reviews
from webapp.api.briefs import Names
from webapp.api.posts import show_fresh
from webapp.api.schemas.approvals import (
    AccountAsk,
    Approval,
    ApprovalPolicy,
    ApprovalStep,
    DifferencePiece,
    PostAct,
    PostChanges,
    PostChangesQuery,
    PostComment,
    PostCommentNew,
    PostComments,
    PostDifference,
    PostHistory,
    PostVersion,
    PostVersions,
    Review,
    ReviewLink,
    ReviewLinkMade,
    ReviewLinkNew,
    ReviewLinks,
    ReviewStep,
    ReviewVote,
    Unapproved,
)
from webapp.api.schemas.common import Done, Empty, IdPath
from webapp.api.schemas.publishing import Post
from webapp.asking import Asked, Room
from webapp.signed_addresses import address_of

room = Room("approvals")


@room.get("/brands/<int:id>/approval-policy", ApprovalPolicy)
def get_approval_policy(asked: Asked, path: IdPath) -> ApprovalPolicy:
    """How the brand's posts are approved."""
    return _policy(asked, path.id)


@room.put("/brands/<int:id>/approval-policy", ApprovalPolicy, scope="manage")
def set_approval_policy(asked: Asked, path: IdPath, body: ApprovalPolicy) -> ApprovalPolicy:
    """Write it; accounts that are not named stay as they are. What waits goes on as it was asked."""
    brand = brands.get_brand(asked.session, asked.actor, path.id)
    given = tuple(steps.step_of(s.model_dump()) for s in body.steps)
    policies.set_policy(
        asked.session, asked.actor, brand, policies.Policy(given, body.authors_may_approve, body.binds_time),
        {a.account_id: a.rule for a in body.accounts}, asked.now,
    )  # fmt: skip
    return _policy(asked, path.id)


def _policy(asked: Asked, brand_id: int) -> ApprovalPolicy:
    brand = brands.get_brand(asked.session, asked.actor, brand_id)
    policy, rules = policies.get_policy(asked.session, asked.actor, brand)
    return ApprovalPolicy(
        steps=[ApprovalStep(**s.plain()) for s in policy.steps],
        authors_may_approve=policy.authors_may_approve,
        binds_time=policy.binds_time,
        accounts=[AccountAsk(account_id=i, rule=rule) for i, rule in sorted(rules.items())],
    )


@room.get("/posts/<int:id>/approval", Approval)
def get_approval(asked: Asked, path: IdPath) -> Approval:
    """How the post stands before those who must agree, on the accounts that one sees."""
    post = _post(asked, path)
    turns = Turns(asked.session, asked.now)
    seen = [r for r in open_reviews(asked.session, [post.id]) if queries.sees_posts_on(asked.actor, r.account_id)]
    names = Names(asked.session)
    waiting = [r for r in seen if r.state == "waiting"]
    return Approval(
        reviews=[_review(asked, r, post, turns, names) for r in seen],
        may_decide=any(turns.may_decide(asked.actor, r, post) for r in waiting),
        may_bypass=bool(waiting) and can(asked.actor, Action.APPROVAL_BYPASS),
        may_link=bool(post.targets) and all(can(asked.actor, Action.POST_WRITE, t) for t in post.targets),
        version=versions.current_number(asked.session, post.id),
    )


@room.post("/posts/<int:id>/send-unapproved", Post, scope="manage")
def send_post_unapproved(asked: Asked, path: IdPath, body: Unapproved) -> Post:
    """Let it go out though nobody agreed. Everybody who was asked is told, and why."""
    post = _post(asked, path)
    approving.send_unapproved(asked.session, asked.actor, post, body.reason, asked.now)
    asked.unit.enqueue(jobs.DRAIN)
    return show_fresh(asked, post)


@room.post("/posts/<int:id>/seen", Done, scope="publish")
def see_post(asked: Asked, path: IdPath, body: Empty) -> Done:
    """One has seen what was said to one about it, and that it was sent without approval."""
    post = _post(asked, path)
    approving.acknowledge(asked.session, asked.actor, post, asked.now)
    commenting.see_mentions(asked.session, asked.actor, post, asked.now)
    return Done()


@room.get("/posts/<int:id>/comments", PostComments)
def list_post_comments(asked: Asked, path: IdPath) -> PostComments:
    """What was said about it, oldest first."""
    rows = commenting.list_comments(asked.session, asked.actor, _post(asked, path))
    return PostComments(items=[_comment(asked, row) for row in rows])


@room.post("/posts/<int:id>/comments", PostComment, scope="publish", status=201)
def comment_post(asked: Asked, path: IdPath, body: PostCommentNew) -> PostComment:
    """Say something about it."""
    return _comment(
        asked, commenting.comment(asked.session, asked.actor, _post(asked, path), body.text, asked.now)
    )  # fmt: skip


@room.get("/posts/<int:id>/versions", PostVersions)
def list_post_versions(asked: Asked, path: IdPath) -> PostVersions:
    """What it said before, oldest first."""
    rows = versions.list_versions(asked.session, asked.actor, _post(asked, path))
    names = Names(asked.session).load(people=[r.staff_id for r in rows])
    return PostVersions(items=[PostVersion(number=r.number, at=r.at, by=names.person(r.staff_id)) for r in rows])


@room.get("/posts/<int:id>/changes", PostChanges)
def compare_post_versions(asked: Asked, path: IdPath, query: PostChangesQuery) -> PostChanges:
    """What changed from one version to another."""
    found = versions.compare(asked.session, asked.actor, _post(asked, path), query.before, query.after)
    names = Names(asked.session).load(accounts=[a for d in found for a in d.accounts])
    return PostChanges(
        items=[
            PostDifference(
                accounts=[names.account(a) for a in d.accounts], part=d.part, kind=d.kind, field=d.field,
                pieces=[DifferencePiece(what=what, text=text) for what, text in d.pieces],
            )
            for d in found
        ]
    )  # fmt: skip


@room.get("/posts/<int:id>/history", PostHistory)
def get_post_history(asked: Asked, path: IdPath) -> PostHistory:
    """All that was done with it, oldest first."""
    rows = history.history_of(asked.session, asked.actor, _post(asked, path))
    names = Names(asked.session).load(people=[r.staff_id for r in rows])
    return PostHistory(
        items=[
            PostAct(
                at=r.at, action=r.action, by=names.person(r.staff_id), guest=r.guest, text=r.text,
                data={k: v for k, v in r.data.items() if isinstance(v, str | int | bool)},
            )
            for r in rows
        ]
    )  # fmt: skip


@room.get("/posts/<int:id>/review-links", ReviewLinks)
def list_review_links(asked: Asked, path: IdPath) -> ReviewLinks:
    """Links by which somebody from outside sees it; never their addresses."""
    rows = review_links.list_links(asked.session, asked.actor, _post(asked, path))
    return ReviewLinks(items=[ReviewLink(**_link(asked, row)) for row in rows])


@room.post("/review-links", ReviewLinkMade, scope="publish", status=201, secret=True)
def make_review_link(asked: Asked, body: ReviewLinkNew) -> ReviewLinkMade:
    """Make a link to one post or several. Its address is in this answer and nowhere else."""
    posts = [queries.get_post(asked.session, asked.actor, i) for i in dict.fromkeys(body.post_ids)]
    link, secret = review_links.make_link(
        asked.session, asked.actor, posts, name=body.name, locale=body.language, life=timedelta(hours=body.hours),
        now=asked.now,
    )  # fmt: skip
    return ReviewLinkMade(**_link(asked, link), url=address_of(asked.runtime, "review", link.id, secret))


@room.delete("/review-links/<int:id>", Done, scope="publish")
def revoke_review_link(asked: Asked, path: IdPath) -> Done:
    """End a link, at once."""
    link = asked.session.get(LinkRow, path.id)
    if link is None:
        raise NotFound("there is no such link")
    review_links.revoke_link(asked.session, asked.actor, link, asked.now)
    return Done()


def _post(asked: Asked, path: IdPath) -> PostRow:
    return queries.get_post(asked.session, asked.actor, path.id)


def _review(asked: Asked, row: ReviewRow, post: PostRow, turns: Turns, names: Names) -> Review:
    standing = turns.standing(row, post) if row.state == "waiting" else None
    waits = standing.waits_for if standing else frozenset()
    return Review(
        account=names.account(row.account_id),
        state=row.state,
        step=row.step,
        steps=[ReviewStep(name=s["name"], need=s["need"]) for s in row.steps],
        waits_for=[p for i in sorted(waits) if (p := names.person(i))],
        waits_for_guest=steps.GUEST in waits,
        deputies=[p for i in sorted(standing.deputies if standing else ()) if (p := names.person(i))],
        open=bool(standing and standing.is_open),
        votes=[_vote(asked, v, names) for v in row.votes],
        settled_by=names.person(row.settled_by),
        settled_at=row.settled_at,
        reason=row.reason,
    )


def _vote(asked: Asked, row: VoteRow, names: Names) -> ReviewVote:
    return ReviewVote(
        by=names.person(row.staff_id), guest=_guest(asked, row.link_id), choice=row.choice, stands_in=row.stands_in,
        step=row.step, reason=row.reason, at=row.at,
    )  # fmt: skip


def _comment(asked: Asked, row: CommentRow) -> PostComment:
    by = Names(asked.session).person(row.staff_id)
    return PostComment(
        id=row.id, by=by, guest=_guest(asked, row.link_id), text=row.text, version=row.version, at=row.at
    )  # fmt: skip


def _guest(asked: Asked, link_id: int | None) -> str:
    return "" if link_id is None else asked.session.get_one(LinkRow, link_id).name


def _link(asked: Asked, row: LinkRow) -> dict[str, object]:
    facts = {name: getattr(row, name) for name in ("id", "name", "made_at", "expires_at", "revoked_at", "opened_at")}
    made_by = Names(asked.session).person(row.made_by)
    return {**facts, "made_by": made_by, "post_ids": sorted(p.post_id for p in row.posts)}
