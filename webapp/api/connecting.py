"""Connecting accounts: typed credentials at once, consent in two halves. No transaction is
open while a network is asked."""

from __future__ import annotations

import secrets

from sqlalchemy.orm import Session

from channels import registry
from channels.contract import AuthKind, ChannelSpec, Connected
from channels.sentences import say
from guichet.accounts import operations, queries
from guichet.errors import Invalid
from guichet.models import Account as AccountRow
from guichet.policy import Action, require
from webapp.api.accounts import Shower
from webapp.api.schemas.accounts import Account, ConnectBegin, ConnectBegun, ConnectSignIn
from webapp.asking import Asked, Room

room = Room("connecting")


@room.post("/accounts/connect", ConnectBegun, scope="", own_units=True, secret=True)
def begin_connecting(asked: Asked, body: ConnectBegin) -> ConnectBegun:
    """Begin to connect an account. Where consent is asked at the network, the answer says
    where to send the person; where credentials are typed, it is connected at once."""
    spec = _spec(asked, body.network)
    _require_right(asked, body)
    if _signs_in(spec, body.form):
        return ConnectBegun(authorize_url=None, account=_sign_in(asked, spec, body))
    connector = asked.networks.connector(spec.name, body.rehearsal)
    state = secrets.token_urlsafe(32)
    callback = f"{asked.runtime.settings.public_url}/connect/{spec.name}/callback"
    consent = connector.begin(body.form, callback, state)
    with asked.open_unit() as session:
        operations.begin_attempt(
            session,
            asked.actor,
            asked.runtime.sealer,
            brand=queries.get_brand(session, asked.actor, body.brand_id),
            network=spec.name,
            is_rehearsal=body.rehearsal,
            state=state,
            memory=consent.memory,
            session_id=asked.session_id or 0,
            account=_account(session, asked, body.account_id),
            now=asked.now,
        )
    return ConnectBegun(authorize_url=consent.authorize_url, account=None)


@room.post("/accounts/sign-in", Account, scope="", own_units=True, secret=True)
def sign_in_account(asked: Asked, body: ConnectSignIn) -> Account:
    """Connect an account with typed credentials."""
    spec = _spec(asked, body.network)
    _require_right(asked, body)
    return _sign_in(asked, spec, body)


def _signs_in(spec: ChannelSpec, form: dict[str, str]) -> bool:
    if AuthKind.PASSWORD not in spec.auth:
        return False
    return len(spec.auth) == 1 or form.get("auth", "") == "password" or bool(form.get("password"))


def _sign_in(asked: Asked, spec: ChannelSpec, body: ConnectBegin | ConnectSignIn) -> Account:
    if AuthKind.PASSWORD not in spec.auth:
        raise Invalid(
            say("{title} asks for consent on its own page", title=spec.title), {"network": "takes no password"}
        )
    connected = asked.networks.connector(spec.name, body.rehearsal).sign_in(body.form)
    with asked.open_unit() as session:
        row = save(session, asked, spec.name, connected, body.rehearsal, body.brand_id, body.account_id)
        return Shower(asked, session, [row])(row)


def save(
    session: Session,
    asked: Asked,
    network: str,
    connected: Connected,
    is_rehearsal: bool,
    brand_id: int,
    account_id: int | None,
) -> AccountRow:
    """Keep what a network gave, as this person."""
    row = operations.save_connected(
        session, asked.actor, asked.runtime.sealer, queries.get_brand(session, asked.actor, brand_id), network,
        connected, is_rehearsal, asked.now, account=_account(session, asked, account_id),
    )  # fmt: skip
    session.flush()
    session.refresh(row)
    return row


def _spec(asked: Asked, network: str) -> ChannelSpec:
    offered = asked.networks.offered()
    if network not in offered:
        raise Invalid(
            "no network is called that",
            {"network": say("must be one of {choices}", choices=", ".join(offered))},
        )
    return registry.get_spec(network)


def _require_right(asked: Asked, body: ConnectBegin | ConnectSignIn) -> None:
    with asked.runtime.reading() as session:
        brand = queries.get_brand(session, asked.actor, body.brand_id)
        operations.require_connect(session, asked.actor, brand, asked.now)
        _account(session, asked, body.account_id)


def _account(session: Session, asked: Asked, account_id: int | None) -> AccountRow | None:
    if account_id is None:
        return None
    row = queries.get_account(session, asked.actor, account_id)
    require(asked.actor, Action.ACCOUNT_MANAGE, row)
    return row
