"""What people do with films that are being made for networks: call them off, try them again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.delivery.awaiting import is_awaited
from guichet.delivery.materials import COMING
from guichet.errors import Conflict
from guichet.filming import queue
from guichet.models import FilmJob, FilmState, Media, Rendition
from guichet.policy import Action, Actor, require
from guichet.publishing.files import may_on_file


def cancel(session: Session, actor: Actor, media: Media, rendition: Rendition, now: datetime) -> None:
    """Call off the making of a film; what was begun of it is gone. For who may describe the file.
    Raises NotAllowed, and Conflict where it is made, or where something planned waits for it."""
    job = _job(session, actor, media, rendition)
    if job.state not in COMING:
        raise Conflict("this film is not being made", code="wrong_state", current=job.state)
    if is_awaited(session, rendition.id):
        raise Conflict("something planned waits for this film: change or cancel that first", code="film_awaited")
    queue.end(session, job, FilmState.CANCELLED, now)
    audit.record(session, actor, "film.cancel", media, now)


def retry(session: Session, actor: Actor, media: Media, rendition: Rendition, now: datetime) -> None:
    """Try again what failed, or was called off. For who may describe the file. Raises NotAllowed,
    Conflict."""
    job = _job(session, actor, media, rendition)
    if job.state not in (FilmState.FAILED, FilmState.CANCELLED):
        raise Conflict("this film is made, or is being made", code="wrong_state", current=job.state)
    queue.end(session, job, FilmState.WAITING, now)
    audit.record(session, actor, "film.retry", media, now)


def _job(session: Session, actor: Actor, media: Media, rendition: Rendition) -> FilmJob:
    if not may_on_file(session, actor, media, Action.POST_WRITE):
        require(actor, Action.BRAND_MANAGE)
    job = session.scalar(select(FilmJob).where(FilmJob.rendition_id == rendition.id).with_for_update())
    if job is None:
        raise Conflict("this is no film that is made", code="wrong_state")
    session.refresh(job)
    return job
