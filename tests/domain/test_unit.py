"""Wake-ups follow the commit, never precede it, and losing Redis loses nothing. What is kept is read once."""

from __future__ import annotations

from datetime import datetime

import pytest
from redis import Redis
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm import Session

from guichet import jobs
from guichet.db.dialect import PREPARED
from guichet.db.keeping import kept
from guichet.dispatch import Dispatcher
from guichet.models import Label
from guichet.unit import open_reading, open_unit
from tests.databases import postgres_engine
from tests.statements import heard_by


def test_what_was_enqueued_is_sent_after_the_commit(engine: Engine) -> None:
    seen: list[tuple[str, list[str]]] = []

    def wake(job: jobs.Job, params: dict[str, int]) -> None:
        with open_reading(engine) as session:
            seen.append((job.path, list(session.scalars(select(Label.name)))))

    with open_unit(engine, wake) as unit:
        unit.session.add(Label(name="late"))
        unit.enqueue(jobs.DRAIN)
        unit.enqueue(jobs.DRAIN)
        assert seen == []
    assert seen == [("workers.deliver.drain", ["late"])]


def test_what_is_rolled_back_wakes_nobody(engine: Engine) -> None:
    seen: list[jobs.Job] = []

    def fail_halfway() -> None:
        with open_unit(engine, lambda job, params: seen.append(job)) as unit:
            unit.session.add(Label(name="late"))
            unit.enqueue(jobs.DRAIN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert seen == []
    with open_reading(engine) as session:
        assert session.scalars(select(Label)).all() == []


def test_a_wake_up_with_the_wrong_parameters_is_refused(engine: Engine) -> None:
    with pytest.raises(TypeError), open_unit(engine) as unit:
        unit.enqueue(jobs.POLL)


def test_a_wake_up_that_cannot_be_sent_is_no_error(engine: Engine, now: datetime) -> None:
    nowhere = Dispatcher(Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2, retry=None))
    with open_unit(engine, nowhere) as unit:
        unit.session.add(Label(name="kept"))
        unit.enqueue(jobs.DRAIN)
    with open_reading(engine) as session:
        assert list(session.scalars(select(Label.name))) == ["kept"]


def test_what_is_kept_is_read_once(engine: Engine) -> None:
    with open_unit(engine) as unit:
        unit.session.add(Label(id=1, name="late"))

    def read(session: Session) -> None:
        for _ in range(3):
            assert session.get_one(Label, 1).name == "late"

    with open_reading(engine) as session, heard_by(engine) as asked:
        read(session)
        with kept(session):
            read(session)
    assert sum("FROM label" in statement for statement in asked) == 3 + 1


@pytest.mark.postgres
def test_what_is_asked_with_every_request_stays_prepared_and_nothing_else() -> None:
    def read(engine: Engine) -> None:
        with open_reading(engine) as session:
            session.execute(select(Label.name).execution_options(**PREPARED)).all()
            session.execute(select(Label.colour)).all()

    with postgres_engine() as engine:
        for _ in range(10):  # psycopg by itself prepares what it was given five times
            read(engine)
        with open_reading(engine) as session:
            prepared = session.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    told = {" ".join(one.split()) for one in prepared}  # with what other tests prepared on this connection
    assert "SELECT label.name FROM label" in told
    assert "SELECT label.colour FROM label" not in told


@pytest.mark.postgres
def test_what_only_reads_can_write_nothing_and_tells_what_went_wrong() -> None:
    with postgres_engine() as engine:
        with pytest.raises(InternalError, match="read-only"), open_reading(engine) as session:
            session.execute(insert(Label).values(name="late", colour=""))
        with open_unit(engine) as unit:  # the same connection, which may write again
            unit.session.add(Label(name="kept"))
        with pytest.raises(OperationalError), open_reading(engine) as session:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        with open_reading(engine) as session:
            assert session.scalars(select(Label.name)).all() == ["kept"]
