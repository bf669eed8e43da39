"""Where a network sends a person back after asking for their consent. The state is used
once, by the browser in which it was begun, within minutes."""

from __future__ import annotations

from flask import Blueprint, Flask, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from channels.errors import ChannelError
from guichet.accounts import operations
from guichet.errors import GuichetError
from guichet.runtime import Runtime
from webapp.api.connecting import save
from webapp.asking import Asked, ask
from webapp.gate import policy
from webapp.languages import opening

pages = Blueprint("consent", __name__)


def add_to(app: Flask, runtime: Runtime) -> None:
    app.register_blueprint(pages)


@pages.get("/connect/<network>/callback")
@policy(session_only=True, page=True)
def callback(network: str) -> ResponseReturnValue:
    """Finish connecting, then back to the accounts; what went wrong is said on a page."""
    try:
        account_id = _complete(ask(), network)
    except (ChannelError, GuichetError) as e:
        detail = opening(e.detail if isinstance(e, ChannelError) else e.message)
        return make_response(render_template("not_connected.html", detail=detail), 400)
    return redirect(f"/accounts?connected={account_id}", 303)


def _complete(asked: Asked, network: str) -> int:
    query = request.args.to_dict()
    # OAuth 1.0a has no state of its own: begin() put ours into the callback's address.
    with asked.open_unit() as session:
        attempt, memory = operations.take_attempt(
            session, asked.actor, asked.runtime.sealer, state=query.get("state", ""), network=network,
            session_id=asked.session_id or 0, now=asked.now,
        )  # fmt: skip
    connected = asked.networks.connector(network, attempt.is_rehearsal).complete(memory, query)
    with asked.open_unit() as session:
        account = save(session, asked, network, connected, attempt.is_rehearsal, attempt.brand_id, attempt.account_id)
        return account.id
