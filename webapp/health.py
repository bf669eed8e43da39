"""Is it up, is it ready, what does it offer. Health is the age of the oldest due row, not
whether a process runs."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from guichet.db.migrate import is_current
from guichet.instance import awaits_confirmation
from guichet.models import Delivery, RawItem
from guichet.runtime import Runtime
from webapp.gate import policy

pages = Blueprint("health", __name__)


def add_to(app: Flask, runtime: Runtime) -> None:
    app.register_blueprint(pages)


@pages.get("/healthz")
@policy(public=True)
def healthz() -> ResponseReturnValue:
    """This process answers."""
    return jsonify(status="ok")


@pages.get("/api/v1/openapi.json")
@policy(public=True)
def openapi() -> ResponseReturnValue:
    """What the API is."""
    return jsonify(current_app.api_doc)  # type: ignore[attr-defined]


@pages.get("/readyz")
@policy(public=True)
def readyz() -> ResponseReturnValue:
    """Whether the parts it needs answer: 200, or 503 with what does not. Ages in seconds."""
    runtime: Runtime = current_app.extensions["guichet"]["runtime"]
    found: dict[str, object] = {"database": False, "schema": False, "redis": _redis_answers(runtime)}
    try:
        with runtime.reading() as session:
            session.execute(text("SELECT 1"))
            found["database"] = True
            found["schema"] = is_current(runtime.engine)
            found["confirmed"] = not awaits_confirmation(session)
            found["oldest_due_seconds"] = _age(runtime, session.scalar(_OLDEST_DUE))
            found["oldest_waiting_item_seconds"] = _age(runtime, session.scalar(_OLDEST_ITEM))
    except SQLAlchemyError:
        found["database"] = found["database"] and "no answer"
    ready = found["database"] is True and found["schema"] is True
    return jsonify(status="ok" if ready else "unready", **found), 200 if ready else 503


_OLDEST_DUE = select(func.min(Delivery.not_before)).where(Delivery.state.in_(("due", "claimed")))
_OLDEST_ITEM = select(func.min(RawItem.received_at)).where(RawItem.state == "waiting")


def _age(runtime: Runtime, since: object) -> float:
    return max(0.0, (runtime.now() - since).total_seconds()) if isinstance(since, datetime) else 0.0


def _redis_answers(runtime: Runtime) -> bool:
    """Redis only wakes workers: without it everything works, a little later."""
    try:
        return bool(runtime.redis.ping())
    except RedisError:
        return False
