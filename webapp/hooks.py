"""Incoming webhooks: verified over the raw bytes, committed, then acknowledged. Several that
arrive together are committed together; with the database down the network is told to come
back (503), never that it was received."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from channels import registry
from channels.contract import Receiver
from channels.errors import Forged
from channels.networks import Networks
from guichet import jobs
from guichet.accounts.operations import connection_of
from guichet.errors import NotFound, Unready
from guichet.inbox.ingest import Incoming
from guichet.models import Account
from guichet.runtime import Runtime
from webapp.errors import problem
from webapp.gate import policy
from webapp.group_commit import GroupCommit

pages = Blueprint("hooks", __name__)
LARGEST = 1024 * 1024  # bytes


def add_to(app: Flask, runtime: Runtime) -> None:
    app.extensions["guichet"]["group_commit"] = GroupCommit(runtime)
    app.register_blueprint(pages)


@pages.get("/hooks/<network>/<int:account_id>")
@policy(public=True)
def challenge(network: str, account_id: int) -> ResponseReturnValue:
    """Prove that the address is ours, as the network asks."""
    _account, receiver = _receiver(network, account_id)
    answer = receiver.challenge(request.args.to_dict())
    if answer is None:
        raise NotFound("nobody asked anything")
    return jsonify(answer) if isinstance(answer, dict) else Response(str(answer), mimetype="text/plain")


@pages.post("/hooks/<network>/<int:account_id>")
@policy(public=True)
def receive(network: str, account_id: int) -> ResponseReturnValue:
    """Keep what a network hands over; 200 only once it is committed."""
    runtime: Runtime = current_app.extensions["guichet"]["runtime"]
    if (request.content_length or 0) > LARGEST:
        return problem(413, "too_large", f"at most {LARGEST} bytes")
    body = request.stream.read(LARGEST + 1)
    if len(body) > LARGEST:
        return problem(413, "too_large", f"at most {LARGEST} bytes")
    try:
        account, receiver = _receiver(network, account_id)
        item = receiver.verify({name.lower(): value for name, value in request.headers}, body)
        current_app.extensions["guichet"]["group_commit"].store(Incoming(account.id, item, runtime.now()))
    except Forged as e:
        return problem(403, "forged", e.detail)
    except (SQLAlchemyError, TimeoutError):  # it is down, or it hangs
        raise Unready("it could not be kept; send it again") from None
    runtime.wake(jobs.DIGEST, {})
    return jsonify(received=True)


def _receiver(network: str, account_id: int) -> tuple[Account, Receiver]:
    runtime: Runtime = current_app.extensions["guichet"]["runtime"]
    networks: Networks = current_app.extensions["guichet"]["networks"]
    if network not in registry.names() or registry.get_spec(network).receiver is None:
        raise NotFound("there is no such webhook")
    with runtime.reading() as session:
        account = session.get(Account, account_id)
        if account is None or account.network != network or account.state == "disconnected":
            raise NotFound("there is no such webhook")
        keys = networks.keys_for(network, account.is_rehearsal)
        receiver = networks.receiver(connection_of(session, runtime.sealer, account, keys))
    if receiver is None:
        raise NotFound("there is no such webhook")
    return account, receiver
