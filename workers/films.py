"""The `films` queue: making of films what networks take. A worker of its own, so that minutes of work
delay nothing else; each film in a bound program that steps back behind everything. Rows say what there
is to make, and whoever dies is followed by the next when its lease is over."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.sentences import say
from guichet.db.dialect import database_now
from guichet.filming import queue
from guichet.filming.making import MadeFilm, Means, Unmade, Unwanted, make_film
from guichet.filming.queue import Work
from guichet.jobs import DRAIN
from guichet.policy import SYSTEM
from guichet.storage import new_key
from workers.runtime import Process, current

log = structlog.get_logger(__name__)
# Tried a few times all the same: a store that is mounted late looks like this too.
_LOST = say("the file that was brought is not in the store any more: bring it again")


def make_films() -> None:
    """Make what waits, as many at a time as the settings say, until nothing does."""
    process = current()
    _sweep(process)
    threads = [
        threading.Thread(target=_make_all, args=(process,), name=f"film-{n}", daemon=True)
        for n in range(process.runtime.settings.films_at_once)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _make_all(process: Process) -> None:
    while not process.stopping.is_set():
        try:
            with process.runtime.unit() as unit:
                now = database_now(unit.session.connection())
                work = queue.take(unit.session, SYSTEM, new_key(), now)
            if work is None:
                return
            _make(process, work)
        except SQLAlchemyError as e:
            log.warning("database_away", error=type(e).__name__)
            return


def _make(process: Process, work: Work) -> None:
    store = process.runtime.store
    store.delete(work.stale_key)
    try:
        made = _twin_of(process, work) or _coded(process, work)
        store.keep(work.storage_key, made.data)
    except Unwanted:
        _let_go(process, work)
    except Unmade as e:
        _note_unmade(process, work, e)
    except FileNotFoundError:
        _note_unmade(process, work, Unmade(_LOST))
    except OSError as e:  # of the store
        _note_unmade(process, work, Unmade(e.strerror or type(e).__name__, is_ours=True))
    else:
        _finish(process, work, made)


def _coded(process: Process, work: Work) -> MadeFilm:
    settings = process.runtime.settings
    means = Means(settings.film_memory_mb, settings.film_minutes * 60)
    data = process.runtime.store.get(work.source_key)
    for left in _folder(process).glob(f"{work.rendition_id}-*"):  # by who held it before and is dead
        shutil.rmtree(left, ignore_errors=True)
    folder = _folder(process) / f"{work.rendition_id}-{work.fence}"
    return make_film(data, work.mime, work.plan, work.seconds, folder, means, lambda part: _reach(process, work, part))


def _twin_of(process: Process, work: Work) -> MadeFilm | None:
    """What was made before of the same bytes, if its own are still there."""
    if work.twin is None:
        return None
    try:
        data = process.runtime.store.get(work.twin.storage_key)
    except OSError:
        return None
    made = work.twin.made
    return MadeFilm(made.sha256, made.size, made.width, made.height, made.film, data)


def _reach(process: Process, work: Work, part: float) -> bool:
    """Whether to go on. A database that is away is waited for: the lease says for how long."""
    if process.stopping.is_set():
        return False
    try:
        with process.runtime.unit() as unit:
            return queue.reach(unit.session, SYSTEM, work, part, database_now(unit.session.connection()))
    except SQLAlchemyError as e:
        log.warning("database_away", error=type(e).__name__)
        return True


def _finish(process: Process, work: Work, made: MadeFilm) -> None:
    with process.runtime.unit() as unit:
        is_wanted = queue.finish(unit.session, SYSTEM, work, made, database_now(unit.session.connection()))
    if not is_wanted:
        process.runtime.store.delete(work.storage_key)
        return
    log.info("film_made", rendition=work.rendition_id, size=made.size)
    process.runtime.wake(DRAIN, {})


def _let_go(process: Process, work: Work) -> None:
    """It was called off, or this worker ends: then the next goes on at once."""
    with process.runtime.unit() as unit:
        now = database_now(unit.session.connection())
        queue.put_off(unit.session, SYSTEM, work, "", now, now)


def _note_unmade(process: Process, work: Work, why: Unmade) -> None:
    log.warning("film_not_made", rendition=work.rendition_id, reason=str(why.reason))
    with process.runtime.unit() as unit:
        now = database_now(unit.session.connection())
        if why.is_final:
            queue.fail(unit.session, SYSTEM, work, why.reason, now)
        elif why.is_ours:
            queue.put_off(unit.session, SYSTEM, work, why.reason, now + queue.AGAIN_AFTER, now)
        else:
            queue.try_again(unit.session, SYSTEM, work, why.reason, now + queue.AGAIN_AFTER, now)


def _folder(process: Process) -> Path:
    return process.runtime.settings.data_dir / "films"


def _sweep(process: Process) -> None:
    """What dead workers of this machine left."""
    found = list(_folder(process).glob("*-*"))
    if not found:
        return
    with process.runtime.reading() as session:
        held = {f"{rendition_id}-{fence}" for rendition_id, fence in queue.held_now(session, SYSTEM)}
    for folder in found:
        if folder.name not in held:
            shutil.rmtree(folder, ignore_errors=True)
