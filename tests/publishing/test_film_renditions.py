"""Films as networks take them: planned before they are made, made by a worker of their own, and never
sent otherwise."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from channels.bluesky import SPEC as BLUESKY
from channels.contract import Film, MediaLimit, Surface
from channels.networks import Networks
from channels.wire import Wire
from guichet import models as m
from guichet.db.dialect import database_now
from guichet.delivery import engine as delivering
from guichet.delivery.awaiting import hold_without_film, note_waiting
from guichet.delivery.film_bounds import MP4, FilmBounds, film_bounds_for, plan_for
from guichet.delivery.payload import MediaRef
from guichet.errors import Conflict, Invalid
from guichet.filming import queue
from guichet.filming.running import read_film
from guichet.policy import SYSTEM
from guichet.publishing import calling_off, renditions
from guichet.publishing.converting import ask_for_films, standing_of
from guichet.publishing.drafting import Words
from guichet.storage import new_key
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk
from tests.publishing.films import a_film
from tests.workers.stage import runtime_on
from workers import films
from workers.runtime import Process, use

DUE = NOW + timedelta(days=300)


def a_ref(mime: str = MP4, size: int = 8_000_000, pixels: tuple[int, int] = (1920, 1080), **facts: object) -> MediaRef:
    film = asdict(replace(Film(30, "h264", "aac", 30, "yuv420p"), **facts))
    return MediaRef(1, "f" * 64, mime, size, "f.mov", "", "k", *pixels, film=film)


@pytest.mark.parametrize(
    ("ref", "bounds", "wanted"),
    [
        (a_ref(pixels=(3840, 2160)), FilmBounds(10**8, 1920 * 1080), (1920, 1080, 30, True, False)),
        (a_ref(rate=120), FilmBounds(10**8, None, 60), (1920, 1080, 60, True, False)),
        (a_ref(rate=100), FilmBounds(10**8, None, 60), (1920, 1080, 50, True, False)),
        (a_ref(audio="pcm_s16le"), FilmBounds(10**8), (1920, 1080, 30, False, True)),
        (a_ref(video="hevc", pixels=(1081, 607)), FilmBounds(10**8), (1080, 606, 30, True, False)),
        (a_ref(video="hevc"), FilmBounds(10**8, video=frozenset({"hevc"})), (1920, 1080, 30, False, False)),
        (a_ref("video/webm", video="vp9", audio="opus"), FilmBounds(10**8), (1920, 1080, 30, True, True)),
    ],
)
def test_what_becomes_of_a_film_is_known_before_it_is_made(
    ref: MediaRef, bounds: FilmBounds, wanted: tuple[int, int, float, bool, bool]
) -> None:
    plan = plan_for(ref, bounds)
    assert plan is not None
    assert (plan.width, plan.height, plan.rate, plan.video_bits > 0, plan.audio_bits > 0) == wanted
    assert plan.expected_bytes <= plan.max_bytes
    assert FilmBounds.of(bounds.recipe) == bounds


def test_a_film_that_is_too_heavy_gives_up_pixels_and_is_no_stamp() -> None:
    plan = plan_for(a_ref(), FilmBounds(4_000_000))
    assert plan is not None
    assert (plan.width, plan.height) == (1078, 606)
    assert plan_for(a_ref(), FilmBounds(700_000)) is None


def test_length_is_a_persons_to_decide() -> None:
    limit = BLUESKY.limits.media[Surface.PUBLIC]
    assert film_bounds_for(a_ref("video/webm"), limit) is not None
    assert film_bounds_for(a_ref("video/webm", seconds=181), limit) is None
    assert film_bounds_for(a_ref(seconds=181), limit) is None
    assert film_bounds_for(a_ref(), limit) is None
    assert film_bounds_for(replace(a_ref("video/webm"), film=None), limit) is None


# ---------------------------------------------------------------- a post with one


@pytest.fixture(scope="module")
def webm() -> bytes:
    return a_film("webm", "libvpx")


@pytest.fixture
def process(engine: Engine, tmp_path: Path) -> Iterator[Process]:
    process = Process(runtime_on(engine, tmp_path), Networks(Wire()), "films")
    use(process)
    yield process
    use(None)


def brought(desk: Desk, process: Process, data: bytes, **more: object) -> m.Media:
    staff = desk.session.get_one(m.Staff, desk.publisher.staff_id)
    given = {
        "brand_id": desk.brand.id, "sha256": hashlib.sha256(data).hexdigest(), "mime": "video/webm", "size": len(data),
        "width": 64, "height": 48, "film": asdict(Film(1.0, "vp8", "", 10.0, "yuv420p")), "filename": "gate.webm",
        "storage_key": process.runtime.store.put(data), **more,
    }  # fmt: skip
    return make.make_media(desk.session, staff, **given)


def planned(desk: Desk, file: m.Media, at: str = "2027-01-04T09:00") -> m.Post:
    """Bluesky takes no WebM; Mastodon does."""
    post = desk.post(words=Words("Look", media_ids=[file.id]))
    desk.schedule(post, at=at)
    desk.session.commit()
    return post


def there(desk: Desk, post: m.Post) -> m.Delivery:
    """The delivery that waits."""
    desk.session.expire_all()
    return next(d for d in desk.deliveries(post) if d.account_id == desk.there.id)


def made_for(desk: Desk, file: m.Media) -> m.Rendition:
    desk.session.expire_all()
    return desk.session.scalars(select(m.Rendition).where(m.Rendition.media_id == file.id)).one()


def test_a_post_is_planned_with_a_film_that_is_still_to_be_made_and_what_was_agreed_to_stays_the_same(
    desk: Desk, process: Process, webm: bytes
) -> None:
    file = brought(desk, process, webm)
    post = planned(desk, file)
    here, waits = desk.deliveries(post)
    assert (here.awaits_film, waits.awaits_film) == (False, True)
    frozen = waits.payload["media"][0]
    assert (frozen["sha256"], frozen["mime"], frozen["filename"], frozen["source"]) == (
        "",
        MP4,
        "gate.mp4",
        file.sha256,
    )
    agreed, before = waits.content_hash, waits.payload_hash
    assert agreed != here.content_hash
    desk.session.commit()
    films.make_films()
    waits = there(desk, post)
    made, frozen = made_for(desk, file), waits.payload["media"][0]
    assert (waits.awaits_film, waits.content_hash, waits.payload_hash == before) == (False, agreed, False)
    data = process.runtime.store.get(frozen["storage_key"])
    assert frozen["sha256"] == made.sha256 == hashlib.sha256(data).hexdigest()
    assert (frozen["size"], frozen["film"]["video"], made.job is not None and made.job.state) == (
        len(data),
        "h264",
        "made",
    )
    assert read_film(data, MP4, 10**6).film == Film(1.0, "h264", "", 10.0, "yuv420p")
    assert not list((process.runtime.settings.data_dir / "films").iterdir())
    desk.session.commit()
    twin = brought(desk, process, webm)
    other = replace(BLUESKY.limits.media[Surface.PUBLIC], max_bytes={MP4: 50_000_000})  # other bounds, the same plan
    ask_for_films(desk.session, twin, [other], None, NOW)
    desk.session.commit()
    process.runtime.store.delete(twin.storage_key)  # so that it could not be made anew
    films.make_films()
    assert made_for(desk, twin).sha256 == made.sha256
    assert made_for(desk, twin).storage_key != made.storage_key


def test_at_its_hour_it_waits_for_its_film_and_then_needs_a_person(desk: Desk, process: Process, webm: bytes) -> None:
    post = planned(desk, brought(desk, process, webm))
    connection = desk.session.connection()
    late = there(desk, post).due_at + timedelta(seconds=post.late_limit)
    delivering.promote(connection, late)
    assert there(desk, post).state == "due"
    note_waiting(desk.session, SYSTEM, late)
    desk.session.flush()
    assert str(there(desk, post).reason) == "it waits for its film, which is still being made"
    claimed = delivering.claim(connection, "w", 10, late)
    assert [c.account_id for c in claimed] == [desk.here.id]
    delivering.promote(connection, late + timedelta(seconds=1))
    assert (there(desk, post).state, there(desk, post).reason_code) == ("needs_human", "film_late")


def test_a_film_that_cannot_be_made_asks_a_person_and_may_be_tried_again(
    desk: Desk, process: Process, webm: bytes
) -> None:
    file = brought(desk, process, webm[: len(webm) // 2])
    post = planned(desk, file)
    films.make_films()
    waits, made = there(desk, post), made_for(desk, file)
    assert (waits.state, waits.reason_code) == ("needs_human", "film_failed")
    assert "it would end too early" in waits.reason or "is damaged" in waits.reason
    standing = standing_of(made, NOW)
    assert standing is not None
    assert (standing.state, standing.seconds_left) == ("failed", None)
    with pytest.raises(Invalid, match="would refuse"):
        planned(desk, file)
    desk.session.rollback()
    calling_off.retry(desk.session, desk.publisher, file, made, NOW)
    assert queue.is_any_waiting(desk.session, SYSTEM, NOW)


def test_who_ends_its_maker_again_and_again_is_given_up_and_every_word_of_a_dead_one_is_refused(
    desk: Desk, process: Process, webm: bytes
) -> None:
    post = planned(desk, brought(desk, process, webm))
    now, session = database_now(desk.session.connection()), desk.session
    works = []
    for _ in range(queue.MOST_TRIES):
        work = queue.take(session, SYSTEM, new_key(), now)
        assert work is not None
        assert queue.take(session, SYSTEM, new_key(), now + queue.LEASE) is None
        works.append(work)
        now += queue.LEASE + timedelta(seconds=1)
    assert [w.stale_key for w in works[1:]] == [w.storage_key for w in works[:-1]]
    assert not queue.reach(session, SYSTEM, works[0], 0.5, now)
    assert queue.reach(session, SYSTEM, works[-1], 0.5, now)
    now += queue.LEASE + timedelta(seconds=1)
    assert queue.take(session, SYSTEM, new_key(), now) is None
    assert hold_without_film(session, SYSTEM, now) == 1
    session.commit()
    assert str(there(desk, post).reason).endswith("whoever made it was ended by it 3 times")


def test_what_is_planned_keeps_its_film_and_what_nobody_waits_for_is_called_off(
    desk: Desk, process: Process, webm: bytes
) -> None:
    file, free = brought(desk, process, webm), brought(desk, process, b"another")
    planned(desk, file)
    with pytest.raises(Conflict, match="waits for this film"):
        calling_off.cancel(desk.session, desk.publisher, file, made_for(desk, file), NOW)
    ask_for_films(desk.session, free, [renditions.limit_of(desk.there, SPECS)], None, NOW)
    calling_off.cancel(desk.session, desk.publisher, free, made_for(desk, free), NOW)
    work = queue.take(desk.session, SYSTEM, new_key(), NOW)
    assert work is not None
    assert work.media_id == file.id
    assert queue.take(desk.session, SYSTEM, new_key(), NOW) is None
    assert ask_for_films(desk.session, free, [renditions.limit_of(desk.there, SPECS)], None, NOW) == []


def test_a_full_disk_is_said_and_waited_for(
    desk: Desk, process: Process, webm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = brought(desk, process, webm, film=asdict(Film(1.0, "vp8", "", 10.0)))
    ask_for_films(desk.session, file, [MediaLimit(1, {MP4: 10**18}, 0, "", NOW.date())], None, NOW)
    rendition = made_for(desk, file)
    rendition.recipe = FilmBounds(10**18).recipe
    desk.session.commit()
    monkeypatch.setattr("guichet.filming.making._SPARE", 1 << 60)
    films.make_films()
    job = made_for(desk, file).job
    assert job is not None
    assert (job.state, job.tries, str(job.reason)) == ("waiting", 0, "there is no room on the disk")


def test_a_film_whose_file_is_lost_is_given_up_after_a_few_tries_with_that_reason(
    desk: Desk, process: Process, webm: bytes
) -> None:
    file = brought(desk, process, webm)
    post = planned(desk, file)
    process.runtime.store.delete(file.storage_key)
    for n in range(1, queue.MOST_TRIES):
        films.make_films()
        job = made_for(desk, file).job
        assert job is not None
        assert (job.state, job.tries) == ("waiting", n)
        assert "not in the store" in job.reason
        now = database_now(desk.session.connection())
        assert job.not_before > now + queue.AGAIN_AFTER / 2, "a store may be mounted late"
        job.not_before = now
        desk.session.commit()
    films.make_films()
    waits, standing = there(desk, post), standing_of(made_for(desk, file), NOW)
    assert standing is not None
    assert (standing.state, waits.state, waits.reason_code) == ("failed", "needs_human", "film_failed")
    assert "tried 3 times in vain: the file that was brought is not in the store any more" in waits.reason


_WORKER = """
import os, signal, sys, threading, time
from pathlib import Path
from channels.networks import Networks
from channels.wire import Wire
from guichet.db.engine import open_engine
from tests.workers.stage import runtime_on
from workers import films
from workers.runtime import Process, use
use(Process(runtime_on(open_engine(sys.argv[1]), Path(sys.argv[2])), Networks(Wire()), "films"))
def end():
    while not list(Path(sys.argv[2], "films").glob("*/given")):
        time.sleep(0.005)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=end, daemon=True).start()
films.make_films()
"""


def at_work(folder: Path) -> list[Path]:
    """The programs that run in a folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            found += [each] if each.readlink().is_relative_to(folder) else []
    return found


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_worker_that_is_killed_at_it_leaves_nothing_running_and_the_next_one_makes_it(
    desk: Desk, process: Process, engine: Engine, tmp_path: Path
) -> None:
    data = a_film("webm", "libvpx", seconds=3, size=(320, 240))
    facts = Film(3.0, "vp8", "", 10.0, "yuv420p")
    file = brought(desk, process, data, film=asdict(facts), width=320, height=240)
    post = planned(desk, file)
    root, folder = Path(__file__).parents[2], tmp_path / "films"
    url = engine.url.render_as_string(hide_password=False)
    worker = subprocess.run([sys.executable, "-c", _WORKER, url, str(tmp_path)], cwd=root, timeout=120, check=False)
    assert worker.returncode == -signal.SIGKILL
    assert there(desk, post).awaits_film
    assert [f.name for f in folder.iterdir()] == ["1-1"]
    job = made_for(desk, file).job
    assert job is not None
    job.lease_until = NOW  # it is over
    desk.session.commit()
    films.make_films()
    assert not there(desk, post).awaits_film
    assert not list(folder.iterdir())
    ends = time.monotonic() + 60
    while at_work(tmp_path) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not at_work(tmp_path)
