"""Desks: open publishers, ready to send as an account, kept between deliveries.

Opening one means a query and a decryption; thousands of deliveries an hour share them.
A desk belongs to one version of the account's secrets and is thrown away with it. Facts
about an account are at most a few seconds old here; what must be true in the moment of
sending is asked by the starting UPDATE, never of a desk.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.exc import OperationalError

from channels.contract import ChannelSpec, Connected, Connection, Publisher, Reconciler, Stager
from channels.errors import AuthExpired, ChannelError, Rejected
from channels.sentences import say
from guichet.accounts import operations as accounts
from guichet.accounts.operations import RefreshClaim
from guichet.errors import GuichetError, NotFound
from guichet.models import Account, Credential
from guichet.policy import SYSTEM
from workers.runtime import Process

_FRESH_FOR = 3.0  # seconds
_ASKING_FOR = 1.0  # seconds that one thread's question is waited for, at most
_RENEW_BEFORE = timedelta(minutes=2)
_KEEPING_FOR = 90.0  # seconds; the claim lapses after that, and jobs have an end too
_KEEPING_PAUSE = 0.5
log = structlog.get_logger(__name__)


_FACTS = (
    select(Account.network, Account.is_rehearsal, Credential.version, Credential.refreshed_at, Credential.expires_at)
    .outerjoin(Credential, Credential.account_id == Account.id)
    .where(Account.id == bindparam("account_id"))
)


@dataclass(frozen=True)
class Facts:
    """An account as the desks know it."""

    account_id: int
    network: str
    is_rehearsal: bool
    version: int
    kept_at: datetime | None
    is_expiring: bool


@dataclass
class Desk:
    facts: Facts
    spec: ChannelSpec
    publisher: Publisher
    stager: Stager | None  # the same, where its network publishes in two steps


class Desks:
    """Thread-safe. Take a desk, send, give it back."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._free: dict[int, list[Desk]] = defaultdict(list)
        self._facts: dict[int, tuple[float, Facts]] = {}
        self._asked_at: dict[int, float] = {}
        self._connections: dict[int, tuple[int, Connection]] = {}

    def take(self, account_id: int) -> Desk:
        """Raises AuthExpired where there is nothing to sign in with, Rejected where the
        network cannot be sent to."""
        facts = self._facts_of(account_id)
        if facts.is_expiring and renew(self._process, account_id):
            self.forget(account_id)
            facts = self._facts_of(account_id)
        with self._lock:
            free = self._free[account_id]
            while free:
                desk = free.pop()
                if desk.facts.version == facts.version:
                    return desk
        return self._open(facts)

    def give_back(self, desk: Desk) -> None:
        with self._lock:
            self._free[desk.facts.account_id].append(desk)

    def forget(self, account_id: int) -> None:
        with self._lock:
            self._free.pop(account_id, None)
            self._facts.pop(account_id, None)
            self._connections.pop(account_id, None)

    def kept_at(self, account_id: int) -> datetime | None:
        """Since when the secrets that are used here are kept, as far as is known."""
        with self._lock:
            known = self._facts.get(account_id)
        return known[1].kept_at if known else None

    def _facts_of(self, account_id: int) -> Facts:
        """One thread asks when they grow old; the others make do with what was known meanwhile."""
        now = time.monotonic()
        with self._lock:
            read_at, known = self._facts.get(account_id, (0.0, None))
            is_asked = now - self._asked_at.get(account_id, -_ASKING_FOR) < _ASKING_FOR
            if known and now - read_at < (_FRESH_FOR + _ASKING_FOR if is_asked else _FRESH_FOR):
                return known
            self._asked_at[account_id] = now
        facts = self._read_facts(account_id)
        with self._lock:
            self._facts[account_id] = (now, facts)
            self._asked_at.pop(account_id, None)
        return facts

    def _read_facts(self, account_id: int) -> Facts:
        now = self._process.runtime.now()
        with self._process.runtime.reading() as session:
            row = session.execute(_FACTS, {"account_id": account_id}).one()
        if row.version is None:
            raise AuthExpired("the account is not connected", code="not_connected")
        expiring = row.expires_at is not None and row.expires_at - now < _RENEW_BEFORE
        return Facts(account_id, row.network, row.is_rehearsal, row.version, row.refreshed_at, expiring)

    def _open(self, facts: Facts) -> Desk:
        publisher = self._process.networks.publisher(self._connection_of(facts), facts.is_rehearsal)
        if publisher is None:
            raise Rejected(say("nothing can be sent through {network}", network=facts.network), code="cannot_send")
        stager = publisher if isinstance(publisher, Stager) else None
        return Desk(facts, self._process.networks.spec(facts.network), publisher, stager)

    def _connection_of(self, facts: Facts) -> Connection:
        """Opened once for a version of the secrets, for all desks of the account."""
        with self._lock:
            version, connection = self._connections.get(facts.account_id, (None, None))
        if connection is None or version != facts.version:
            connection = connect(self._process, facts.account_id)
            with self._lock:
                self._connections[facts.account_id] = (facts.version, connection)
        return connection


def connect(process: Process, account_id: int) -> Connection:
    """What is needed to act as an account. Raises AuthExpired where it is not to be had."""
    try:
        with process.runtime.reading() as session:
            account = session.get_one(Account, account_id)
            keys = process.networks.keys_for(account.network, account.is_rehearsal)
            return accounts.connection_of(session, process.runtime.sealer, account, keys)
    except NotFound as e:
        raise AuthExpired("the account is not connected", code="not_connected") from e
    except GuichetError as e:
        raise AuthExpired(say("the account's secrets cannot be opened: {code}", code=e.code), code=e.code) from e


def is_refused_again(process: Process, account_id: int) -> bool:
    """Whether the network, asked once more who we are, says again that our sign-in does not
    hold: a single 401 may be a blip of theirs. False too where it could not be asked."""
    with process.runtime.reading() as session:
        account = session.get_one(Account, account_id)
        network, is_rehearsal = account.network, account.is_rehearsal
    try:
        connection = connect(process, account_id)
        process.networks.connector(network, is_rehearsal, connection).check(connection)
    except AuthExpired:
        return True
    except ChannelError:
        return False
    return False


def open_publisher(process: Process, account_id: int) -> Publisher | None:
    """The role that sends, for one act; what sends often has a desk. Raises AuthExpired."""
    connection = connect(process, account_id)
    with process.runtime.reading() as session:
        is_rehearsal = session.get_one(Account, account_id).is_rehearsal
    return process.networks.publisher(connection, is_rehearsal)


def open_reconciler(process: Process, account_id: int) -> tuple[ChannelSpec, Reconciler | None]:
    """The spec of an account's network, and the role that looks (None: it is blind)."""
    with process.runtime.reading() as session:
        account = session.get_one(Account, account_id)
        network, is_rehearsal = account.network, account.is_rehearsal
    spec = process.networks.spec(network)
    if spec.reconciler is None:
        return spec, None
    return spec, process.networks.reconciler(connect(process, account_id), is_rehearsal)


def renew(process: Process, account_id: int) -> bool:
    """Renew an account's secrets, if nobody else is at it. True: there are new ones.

    The network's own "no" ends the sign-in when the secrets that are held end. Any other
    failure is left for the next time. What the network gave is kept at any price: it may have
    ended the old secrets in the same moment.
    """
    runtime = process.runtime
    with runtime.unit() as unit:
        account = unit.session.get_one(Account, account_id)
        network, is_rehearsal = account.network, account.is_rehearsal
        claim = accounts.claim_refresh(unit.session, SYSTEM, account, runtime.now())
    if claim is None:
        return False
    try:
        connection = connect(process, account_id)
        renewed = process.networks.connector(network, is_rehearsal, connection).refresh(connection)
    except ChannelError as e:
        _note_not_renewed(process, account_id, e, claim)
        return False
    return _keep(process, account_id, renewed, claim)


def _note_not_renewed(process: Process, account_id: int, error: ChannelError, claim: RefreshClaim) -> None:
    now = process.runtime.now()
    with process.runtime.unit() as unit:
        account = unit.session.get_one(Account, account_id)
        if isinstance(error, AuthExpired) and not error.is_renewable:
            accounts.note_refresh_refused(unit.session, SYSTEM, account, error, claim, now)
        else:
            accounts.note_failure(unit.session, SYSTEM, account, error, now, used=claim.kept_at)


def _keep(process: Process, account_id: int, renewed: Connected | None, claim: RefreshClaim) -> bool:
    """Store what was given, waiting for a database that is away."""
    until = time.monotonic() + _KEEPING_FOR
    while True:
        try:
            with process.runtime.unit() as unit:
                account = unit.session.get_one(Account, account_id)
                return accounts.store_refreshed(
                    unit.session, SYSTEM, process.runtime.sealer, account, renewed, claim, process.runtime.now()
                )
        except OperationalError as e:
            if time.monotonic() > until:
                raise
            log.warning("renewed_but_not_stored_yet", account=account_id, error=type(e).__name__)
            time.sleep(_KEEPING_PAUSE)
