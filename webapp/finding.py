"""Asking networks whether they know the handles of somebody in the address book: between transactions,
and only when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from limits import parse
from werkzeug.exceptions import TooManyRequests

from channels.contract import Connection, Finder
from channels.errors import ChannelError
from channels.sentences import say
from guichet.accounts.operations import connection_of
from guichet.errors import GuichetError
from guichet.publishing import address_book
from guichet.publishing.address_book import Found
from webapp.asking import Asked

PER_PERSON = parse("60 per 5 minutes")


@dataclass(frozen=True)
class _Question:
    network: str
    handle: str
    connection: Connection
    is_rehearsal: bool


def look_up(asked: Asked, contact_id: int) -> dict[str, str]:
    """Ask, and keep what was said; returns why a network did not say, by its name. Raises NotFound,
    NotAllowed, Conflict, TooManyRequests."""
    unasked: dict[str, str] = {}
    questions: list[_Question] = []
    with asked.runtime.reading() as session:
        row = address_book.get_contact(session, asked.actor, contact_id)
        address_book.require_asking(session, asked.actor, row)
        for network, (handle, account) in address_book.askable(session, asked.actor, row).items():
            if account is None:
                unasked[network] = say("you see no account of this network that could ask")
                continue
            try:
                keys = asked.networks.keys_for(network, account.is_rehearsal)
                connection = connection_of(session, asked.runtime.sealer, account, keys)
            except GuichetError as e:
                unasked[network] = e.message
            else:
                questions.append(_Question(network, handle, connection, account.is_rehearsal))
    if not current_app.extensions["guichet"]["throttle"].allows(PER_PERSON, "contact-check", str(asked.staff_id)):
        raise TooManyRequests(retry_after=PER_PERSON.get_expiry())
    found: list[Found] = []
    for one in questions:
        try:
            publisher = asked.networks.publisher(one.connection, one.is_rehearsal)
            if not isinstance(publisher, Finder):
                unasked[one.network] = say("this network cannot be asked who has a handle")
                continue
            found.append(Found(one.network, one.handle, publisher.find(one.handle)))
        except ChannelError as e:
            unasked[one.network] = e.detail
    with asked.open_unit() as session:
        row = address_book.get_contact(session, asked.actor, contact_id)
        address_book.note_found(session, asked.actor, row, found, asked.now)
    return unasked
