"""Films to be made for networks: the rows that are the queue of the worker which makes them.

Whoever takes one holds it by a lease that progress renews; what a dead worker held is taken up
again when that is over, and a film that keeps ending its worker is given up after a few times.
A rendition is there before it is made, so that a post can be planned with it; the bytes that
somebody began to keep and nobody wrote down are named by its row, and taken away by the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import live
from guichet.db.changing import change_rows
from guichet.delivery import awaiting
from guichet.delivery.film_bounds import FilmBounds, FilmPlan, plan_for
from guichet.delivery.materials import instead_of, ref_of
from guichet.filming.making import MadeFilm
from guichet.models import FilmJob, FilmState, Media, Rendition, table_of
from guichet.policy import Action, Actor, require

_J = table_of(FilmJob)
LEASE = timedelta(seconds=45)  # renewed every few seconds
MOST_TRIES = 3  # of a film that ends whoever makes it
AGAIN_AFTER = timedelta(minutes=2)  # where it was not the film's fault


@dataclass(frozen=True)
class Work:
    """One film in a worker's hands. `source_key` and `storage_key` are where its bytes are and
    where those made are kept; `stale_key` is given up; `twin`: the same was made of the same bytes."""

    rendition_id: int
    media_id: int
    fence: int
    mime: str
    size: int
    seconds: float
    plan: FilmPlan
    source_key: str
    storage_key: str
    stale_key: str
    twin: Twin | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Twin:
    """What was made already of a file with the same bytes, in the same way."""

    storage_key: str
    made: MadeFilm


def is_any_waiting(session: Session, actor: Actor, now: datetime) -> bool:
    """Whether `take` would find one."""
    require(actor, Action.SYSTEM)
    return session.scalar(select(_J.c.rendition_id).where(_is_free(now)).limit(1)) is not None


def find_idle_since(session: Session, actor: Actor, now: datetime) -> datetime | None:
    """Since when the film that has waited longest could have been made, and nobody makes it; None
    where none waits, or somebody is at work: then it waits for its turn."""
    require(actor, Action.SYSTEM)
    at_work = select(_J.c.rendition_id).where(_J.c.state == FilmState.RUNNING, _J.c.lease_until >= now)
    if session.scalar(at_work.limit(1)) is not None:
        return None
    since = func.min(case((_J.c.state == FilmState.RUNNING, _J.c.lease_until), else_=_J.c.not_before))
    oldest: datetime | None = session.scalar(select(since).where(_is_free(now)))
    return oldest


def take(session: Session, actor: Actor, storage_key: str, now: datetime) -> Work | None:
    """The film that has waited longest, held from now on. Its bytes are to be kept at
    `storage_key`. What ended its worker too often is given up here."""
    require(actor, Action.SYSTEM)
    while True:
        oldest = select(FilmJob).where(_is_free(now)).order_by(FilmJob.not_before, FilmJob.rendition_id).limit(1)
        job = session.scalar(oldest.with_for_update(skip_locked=True))
        if job is None:
            return None
        rendition = session.get_one(Rendition, job.rendition_id)
        media = session.get_one(Media, rendition.media_id)
        plan = plan_for(ref_of(media), FilmBounds.of(rendition.recipe))
        if job.tries >= MOST_TRIES or plan is None:
            reason = say("whoever made it was ended by it {tries} times", tries=job.tries)
            _end(session, job, media.id, FilmState.FAILED, reason, now)
            continue
        stale, rendition.storage_key = rendition.storage_key, storage_key
        job.state, job.fence, job.tries = FilmState.RUNNING, job.fence + 1, job.tries + 1
        job.part, job.begun_at, job.lease_until, job.updated_at, job.reason = 0.0, now, now + LEASE, now, ""
        live.tell(session, "film", now, id=media.id)
        session.flush()
        return Work(
            rendition.id, media.id, job.fence, media.mime, media.size, float(media.film["seconds"]), plan,
            media.storage_key, storage_key, stale, _find_twin(session, media, plan),
        )  # fmt: skip


def _is_free(now: datetime) -> ColumnElement[bool]:
    waits = and_(_J.c.state == FilmState.WAITING, _J.c.not_before <= now)
    return or_(waits, and_(_J.c.state == FilmState.RUNNING, _J.c.lease_until < now))


def _find_twin(session: Session, media: Media, plan: FilmPlan) -> Twin | None:
    """What was made of the same bytes by the same plan, be it for other bounds."""
    same = (
        select(Rendition)
        .join(Media, Media.id == Rendition.media_id)
        .join(FilmJob, FilmJob.rendition_id == Rendition.id)
        .where(Media.sha256 == media.sha256, Rendition.sha256 != "", Rendition.size <= plan.max_bytes)
    )
    for found in session.scalars(same):
        made_by = plan_for(ref_of(media), FilmBounds.of(found.recipe))
        if made_by is not None and replace(made_by, max_bytes=plan.max_bytes) == plan:
            film = MadeFilm(found.sha256, found.size, found.width, found.height, dict(found.film))
            return Twin(found.storage_key, film)
    return None


def reach(session: Session, actor: Actor, work: Work, part: float, now: datetime) -> bool:
    """Note how much of it is done, of 1, and go on holding it. False: it was called off, or is
    another's by now."""
    require(actor, Action.SYSTEM)
    held = update(FilmJob).where(*_held(work)).values(part=part, lease_until=now + LEASE, updated_at=now)
    if change_rows(session, held) != 1:
        return False
    live.tell(session, "film", now, id=work.media_id)
    return True


def finish(session: Session, actor: Actor, work: Work, made: MadeFilm, now: datetime) -> bool:
    """It is made, and its bytes are kept: whatever waits for it may go. False: nobody wants it
    any more, and its bytes are to be given up."""
    require(actor, Action.SYSTEM)
    job = _hold(session, work)
    if job is None:
        return False
    rendition = session.get_one(Rendition, work.rendition_id)
    rendition.sha256, rendition.size, rendition.film = made.sha256, made.size, dict(made.film)
    rendition.width, rendition.height = made.width, made.height
    job.part = 1.0
    _end(session, job, work.media_id, FilmState.MADE, "", now)
    media = session.get_one(Media, work.media_id)
    awaiting.give_film(session, actor, rendition.id, instead_of(ref_of(media), rendition), now)
    return True


def fail(session: Session, actor: Actor, work: Work, reason: str, now: datetime) -> None:
    """It cannot be made: whatever waits for it needs a person."""
    require(actor, Action.SYSTEM)
    job = _hold(session, work)
    if job is not None:
        _end(session, job, work.media_id, FilmState.FAILED, reason, now)
        awaiting.hold_without_film(session, actor, now)


def try_again(session: Session, actor: Actor, work: Work, reason: str, until: datetime, now: datetime) -> None:
    """It ended whoever made it, or is not where it was kept: once more from `until` on, unless that
    was the last of its tries."""
    require(actor, Action.SYSTEM)
    job = _hold(session, work)
    if job is not None and job.tries >= MOST_TRIES:
        fail(
            session, actor, work, say("tried {tries} times in vain: {reason}", tries=str(job.tries), reason=reason), now
        )
    elif job is not None:
        job.not_before = until
        _end(session, job, work.media_id, FilmState.WAITING, reason, now)


def put_off(session: Session, actor: Actor, work: Work, reason: str, until: datetime, now: datetime) -> None:
    """It is tried again later, and that is not held against the film."""
    require(actor, Action.SYSTEM)
    job = _hold(session, work)
    if job is not None:
        job.state, job.not_before, job.reason = FilmState.WAITING, until, reason
        job.tries, job.part, job.lease_until, job.updated_at = job.tries - 1, 0.0, None, now
        live.tell(session, "film", now, id=work.media_id)


def end(session: Session, job: FilmJob, state: FilmState, now: datetime) -> None:
    """Call one off, or let it wait again from the beginning (WAITING). Whoever holds it loses it."""
    media_id = session.scalars(select(Rendition.media_id).where(Rendition.id == job.rendition_id)).one()
    job.fence, job.tries, job.part, job.not_before = job.fence + 1, 0, 0.0, now
    _end(session, job, media_id, state, "", now)


def _end(session: Session, job: FilmJob, media_id: int, state: FilmState, reason: str, now: datetime) -> None:
    job.state, job.reason, job.lease_until, job.updated_at = state, reason, None, now
    session.flush()
    live.tell(session, "film", now, id=media_id)


def _held(work: Work) -> tuple[ColumnElement[bool], ...]:
    return (
        FilmJob.rendition_id == work.rendition_id, FilmJob.fence == work.fence, FilmJob.state == FilmState.RUNNING
    )  # fmt: skip


def _hold(session: Session, work: Work) -> FilmJob | None:
    return session.scalar(select(FilmJob).where(*_held(work)).with_for_update())


def held_now(session: Session, actor: Actor) -> set[tuple[int, int]]:
    """Ids and fences of what is being made: what else lies about is nobody's."""
    require(actor, Action.SYSTEM)
    running = select(FilmJob).where(FilmJob.state == FilmState.RUNNING)
    return {(job.rendition_id, job.fence) for job in session.scalars(running)}
