"""The page behind the link in an alert's mail: plain HTML, no script, no signing in. Opening it,
as the scanners of mail servers do, only shows; the button acknowledges."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.exceptions import TooManyRequests

from guichet.alerting import entering, operations
from guichet.models import AlertCall, Staff
from guichet.runtime import Runtime
from webapp.auth import address
from webapp.gate import policy
from webapp.languages import know_language
from webapp.throttle import PER_ADDRESS

pages = Blueprint("acknowledging", __name__)


def add_to(app: Flask, runtime: Runtime) -> None:
    app.register_blueprint(pages)


@pages.get("/alert-calls/<row:call_id>/<signature>")
@policy(public=True)
def show(call_id: int, signature: str) -> ResponseReturnValue:
    runtime = _counted()
    with runtime.reading() as session:
        return _page(session, _call(session, runtime, call_id, signature))


@pages.post("/alert-calls/<row:call_id>/<signature>")
@policy(public=True)
def decide(call_id: int, signature: str) -> ResponseReturnValue:
    """Once: whoever comes back, or comes later, reads who sees to it."""
    runtime = _counted()
    if not FlaskForm().validate():
        with runtime.reading() as session:
            return _page(session, _call(session, runtime, call_id, signature), 400)
    with runtime.unit() as unit:
        call = _call(unit.session, runtime, call_id, signature)
        actor = entering.enter(unit.session, call, runtime.now(), address())
        if call.alert.ended_at is None:
            operations.acknowledge(unit.session, actor, call.alert_id, runtime.now(), way="link")
    return redirect(f"/alert-calls/{call_id}/{signature}", 303)


def _call(session: Session, runtime: Runtime, call_id: int, signature: str) -> AlertCall:
    call = entering.find_call(session, runtime.settings.secret_keys, call_id, signature)
    entering.enter(session, call, runtime.now())
    staff = session.get_one(Staff, call.staff_id)
    know_language("fr" if staff.locale == "fr" else "en")
    return call


def _page(session: Session, call: AlertCall, status: int = 200) -> Response:
    by = session.get(Staff, call.alert.acknowledged_by or 0)
    page = render_template(
        "alert.html", alert=call.alert, by=by.name if by else "", form=FlaskForm(), problem=status >= 400
    )
    return make_response(page, status)


def _counted() -> Runtime:
    parts = current_app.extensions["guichet"]
    if not parts["throttle"].allows(PER_ADDRESS, "alert", address()):
        raise TooManyRequests(retry_after=300)
    runtime: Runtime = parts["runtime"]
    return runtime
