"""The sign-in page: plain HTML, no script. Always a new session, never one that a stranger
could have planted; the form has a token of its own against sign-ins from elsewhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from guichet.errors import NotSignedIn
from guichet.models import Staff
from guichet.runtime import Runtime
from guichet.staff import operations, queries
from webapp.auth import address, cookie_name, give_cookie
from webapp.gate import policy
from webapp.throttle import PER_ADDRESS, PER_PERSON, Throttle, api_throttle

pages = Blueprint("signing_in", __name__)


class SignInForm(FlaskForm):  # type: ignore[misc]
    """What somebody types to come in."""

    email = StringField(validators=[InputRequired(), Length(max=300)])
    password = PasswordField(validators=[InputRequired(), Length(max=1000)])
    next = HiddenField(validators=[Length(max=2000)])


def add_to(app: Flask, runtime: Runtime) -> None:
    app.extensions["guichet"]["throttle"] = Throttle(runtime.redis)
    app.extensions["guichet"]["api_throttle"] = api_throttle(runtime.redis)
    app.register_blueprint(pages)


def safe_next(target: str) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    parts = urlsplit(target)
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\", "/sign-in"))
    if not is_ours or parts.scheme or parts.netloc or "\\" in target or any(ord(c) < 32 for c in target):
        return "/"
    return target


@pages.get("/sign-in")
@policy(public=True)
def show() -> ResponseReturnValue:
    form = SignInForm(next=request.args.get("next", ""))
    return render_template("sign_in.html", form=form, problem="")


@pages.post("/sign-in")
@policy(public=True)
def sign_in() -> ResponseReturnValue:
    runtime: Runtime = current_app.extensions["guichet"]["runtime"]
    form = SignInForm()
    if not form.validate():
        return _again(form, _("The form was not complete, or had expired. Please try again."), 400)
    email = (form.email.data or "").strip().lower()
    throttle: Throttle = current_app.extensions["guichet"]["throttle"]
    within = throttle.allows(PER_ADDRESS, "sign-in", address())
    if not throttle.allows(PER_PERSON, "sign-in", email, address()) or not within:
        return _again(form, _("Too many tries. Please wait five minutes."), 429)
    try:
        with runtime.reading() as session:
            staff_id = operations.sign_in(session, email=email, password=form.password.data or "").id
    except NotSignedIn:
        return _again(form, _("The address or the password is not right."), 401)
    return _let_in(runtime, staff_id, safe_next(form.next.data or ""))


def _again(form: SignInForm, problem: str, status: int) -> ResponseReturnValue:
    response = make_response(render_template("sign_in.html", form=form, problem=problem), status)
    if status == 429:
        response.headers["Retry-After"] = "300"
    return response


def _let_in(runtime: Runtime, staff_id: int, target: str) -> ResponseReturnValue:
    now = runtime.now()
    with runtime.unit() as unit:
        staff = unit.session.get_one(Staff, staff_id)
        old = queries.find_session(unit.session, request.cookies.get(cookie_name(runtime), ""), now)
        if old is not None and old.staff_id == staff_id:
            operations.end_own_session(unit.session, old, now)
        agent = request.headers.get("User-Agent", "")
        _opened, secret = operations.open_session(unit.session, staff, now=now, ip=address(), user_agent=agent)
    response = make_response(redirect(target, 303))
    give_cookie(response, runtime, secret)
    return response
