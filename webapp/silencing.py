"""The page behind the link that switches notices by mail off (RFC 8058): opening it, as scanners
do, only shows; a POST switches off. Mail programs post without a form of ours and without a cookie,
so that the signature in the address is all that is asked for; all it can do is to end these mails."""

from __future__ import annotations

from flask import Blueprint, Flask, current_app, make_response, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests

from guichet.letters import links, operations
from guichet.runtime import Runtime
from webapp.auth import address
from webapp.gate import policy
from webapp.languages import know_language
from webapp.throttle import PER_ADDRESS

pages = Blueprint("silencing", __name__)


def add_to(app: Flask, runtime: Runtime) -> None:
    app.register_blueprint(pages)


@pages.get("/notice-mails/<row:staff_id>/<signature>")
@policy(public=True)
def show(staff_id: int, signature: str) -> ResponseReturnValue:
    runtime = _counted()
    with runtime.reading() as session:
        wish, _ = links.enter(session, runtime.settings.secret_keys, staff_id, signature, runtime.now(), address())
        return _page(wish.staff.locale, is_off=not any(how != "off" for how in wish.choices.values()))


@pages.post("/notice-mails/<row:staff_id>/<signature>")
@policy(public=True)
def switch_off(staff_id: int, signature: str) -> ResponseReturnValue:
    """As often as one likes: off stays off."""
    runtime = _counted()
    with runtime.unit() as unit:
        keys = runtime.settings.secret_keys
        wish, actor = links.enter(unit.session, keys, staff_id, signature, runtime.now(), address())
        operations.switch_off(unit.session, actor, runtime.now())
        locale = wish.staff.locale
    return _page(locale, is_off=True)


def _page(locale: str, *, is_off: bool) -> ResponseReturnValue:
    know_language("fr" if locale == "fr" else "en")
    return make_response(render_template("notice_mails.html", is_off=is_off))


def _counted() -> Runtime:
    parts = current_app.extensions["guichet"]
    if not parts["throttle"].allows(PER_ADDRESS, "notice-mails", address()):
        raise TooManyRequests(retry_after=300)
    runtime: Runtime = parts["runtime"]
    return runtime
