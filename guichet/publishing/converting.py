"""Films for networks that would refuse them as they are: asked for, and how far they are. The
making itself is a worker's (guichet.filming.queue). What failed, or was called off, is not asked
for again by the machine: a person says so (calling_off)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import MediaLimit
from guichet import live
from guichet.delivery.film_bounds import MP4, FilmBounds, film_bounds_for, plan_for
from guichet.delivery.materials import COMING, ref_of
from guichet.models import Account, FilmJob, FilmState, Media, Post, Rendition
from guichet.publishing.checking import Specs
from guichet.publishing.renditions import limit_of
from guichet.storage import new_key

_WORK = 5.0  # seconds of work for a second of film, where nothing is known yet


def ask_for_films(
    session: Session, media: Media, limits: Iterable[MediaLimit | None], asked_by: int | None, now: datetime
) -> list[Rendition]:
    """Have made of a film what these limits want, where nobody has yet; those that are new."""
    wanted = {b.recipe: b for limit in limits if (b := film_bounds_for(ref_of(media), limit))}
    if not wanted:
        return []
    session.scalar(select(Media.id).where(Media.id == media.id).with_for_update())  # one asks at a time
    there = set(session.scalars(select(Rendition.recipe).where(Rendition.media_id == media.id)))
    new = [_planned(media, bounds, asked_by, now) for recipe, bounds in wanted.items() if recipe not in there]
    if new:
        session.add_all(new)
        live.tell(session, "film", now, id=media.id)
        session.flush()
    return new


def _planned(media: Media, bounds: FilmBounds, asked_by: int | None, now: datetime) -> Rendition:
    """It as it will be: what a person sees before it is there."""
    plan = plan_for(ref_of(media), bounds)
    if plan is None:
        raise ValueError("bounds are given only where there is a plan")
    is_coded, has_sound = plan.video_bits > 0, bool(media.film["audio"])
    film = {
        **media.film, "rate": plan.rate,
        **({"video": "h264", "pixels": "yuv420p"} if is_coded else {}),
        "audio": "aac" if has_sound and plan.audio_bits else media.film["audio"],
    }  # fmt: skip
    job = FilmJob(state=FilmState.WAITING, not_before=now, asked_by=asked_by, created_at=now, updated_at=now)
    return Rendition(
        media_id=media.id, recipe=bounds.recipe, sha256="", mime=MP4, size=plan.expected_bytes, width=plan.width,
        height=plan.height, film=film, storage_key=new_key(), created_at=now, job=job,
    )  # fmt: skip


def ask_for_post(session: Session, post: Post, accounts: Mapping[int, Account], specs: Specs, now: datetime) -> None:
    """What its accounts want of its films."""
    limits: dict[Media, list[MediaLimit | None]] = {}
    for target in post.targets:
        for used in target.variant.media:
            if used.media.film:
                limits.setdefault(used.media, []).append(limit_of(accounts[target.account_id], specs))
    for media, wanted in limits.items():
        ask_for_films(session, media, wanted, post.author_id, now)


# ---------------------------------------------------------------- how far it is


@dataclass(frozen=True)
class Standing:
    """Where the making of one stands: `part` of 1, and about how many seconds are left; None
    where nothing is under way."""

    state: str
    part: float
    reason: str
    seconds_left: int | None


def standing_of(rendition: Rendition, now: datetime) -> Standing | None:
    """None: it is no film that is made, or it is there. Pure."""
    job = rendition.job
    if job is None or rendition.is_made:
        return None
    return Standing(job.state, job.part, job.reason, _left(job, float(rendition.film["seconds"]), now))


def _left(job: FilmJob, seconds: float, now: datetime) -> int | None:
    if job.state not in COMING:
        return None
    foreseen = seconds * _WORK
    if job.state == FilmState.RUNNING and job.begun_at is not None and job.part > 0.05:
        taken = (now - job.begun_at) / timedelta(seconds=1)
        foreseen = taken * (1 - job.part) / job.part
    return max(1, round(foreseen))
