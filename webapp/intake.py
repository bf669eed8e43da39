"""What webhooks hand over, on its way to be kept: verified, committed with what came at the
same time, and the worker woken beside it all.

An account's receiver is kept open for a moment, for opening it takes two queries and a
decryption; so a disconnected account's deliveries end within seconds, not at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from sqlalchemy import select

from channels.contract import Receiver
from channels.errors import Forged, Misdirected
from channels.networks import Networks
from guichet import jobs
from guichet.accounts.operations import connection_of
from guichet.errors import NotFound, Unready
from guichet.instance import awaits_confirmation
from guichet.models import Account
from guichet.receiving.ingest import Incoming
from guichet.runtime import Runtime
from webapp.group_commit import GroupCommit
from webapp.tally import Tally

_FRESH_FOR = 2.0  # seconds
_ANEW_EVERY = 1.0  # seconds: forged deliveries cost no more queries than that, however many come
_SPACING = 0.1  # seconds between two wake-ups


class Intake:
    """One for each process; any number of threads."""

    def __init__(self, runtime: Runtime, networks: Networks) -> None:
        self.receivers = Receivers(runtime, networks)
        self.commits = GroupCommit(runtime, told=Bell(runtime).ring)
        self.refused = Tally(runtime)
        self._now = runtime.now

    def take(self, network: str, account_id: int, headers: Mapping[str, str], body: bytes) -> None:
        """Returns once the delivery is committed. `headers` by their lower-case names.

        Raises NotFound where nobody is there, Unready where nobody has said that this instance
        may act, Forged, SQLAlchemyError or TimeoutError where it
        could not be kept.
        """
        try:
            item = self.receivers.get(network, account_id).verify(headers, body)
        except Misdirected as e:  # an application has one address, whichever of its accounts it is about
            found = self.receivers.find_other(network, account_id, e.recipient)
            if found is None:
                raise
            account_id = found
            item = self.receivers.get(network, account_id).verify(headers, body)
        except Forged:  # or the key has just been changed
            renewed = self.receivers.renewed(network, account_id)
            if renewed is None:
                raise
            item = renewed.verify(headers, body)
        self.commits.store(Incoming(account_id, item, self._now()))


class Receivers:
    """Accounts' receivers, opened at most every few seconds."""

    def __init__(self, runtime: Runtime, networks: Networks) -> None:
        self._runtime, self._networks = runtime, networks
        self._open: dict[tuple[str, int], tuple[float, Receiver]] = {}
        self._renewed: dict[tuple[str, int], float] = {}

    def get(self, network: str, account_id: int) -> Receiver:
        """Raises NotFound where the account is not there, or its network delivers nothing."""
        known = self._open.get((network, account_id))
        if known and time.monotonic() - known[0] < _FRESH_FOR:
            return known[1]
        return self._opened_anew(network, account_id)

    def renewed(self, network: str, account_id: int) -> Receiver | None:
        """The account's receiver with the key that it has now; None where it was renewed only
        just, which whoever forges deliveries would have us do for each of them."""
        now = time.monotonic()
        if now - self._renewed.get((network, account_id), -_ANEW_EVERY) < _ANEW_EVERY:
            return None
        self._renewed[network, account_id] = now
        return self._opened_anew(network, account_id)

    def _opened_anew(self, network: str, account_id: int) -> Receiver:
        self._open.pop((network, account_id), None)
        receiver = self._opened(network, account_id)
        self._open[network, account_id] = (time.monotonic(), receiver)
        return receiver

    def find_other(self, network: str, account_id: int, remote_id: str) -> int | None:
        """The account that a delivery is for which came to `account_id`'s address; it is
        verified once more with that account's own key."""
        with self._runtime.reading() as session:
            here = session.get_one(Account, account_id)
            return session.scalar(
                select(Account.id).where(
                    Account.network == network, Account.base_url == here.base_url, Account.remote_id == remote_id,
                    Account.is_rehearsal == here.is_rehearsal,
                )
            )  # fmt: skip

    def _opened(self, network: str, account_id: int) -> Receiver:
        with self._runtime.reading() as session:
            if awaits_confirmation(session):
                raise Unready("this instance waits for a person; send it again later")
            account = session.get(Account, account_id)
            if account is None or account.network != network or account.state == "disconnected":
                raise NotFound("there is no such webhook")
            keys = self._networks.keys_for(network, account.is_rehearsal)
            receiver = self._networks.receiver(connection_of(session, self._runtime.sealer, account, keys))
        if receiver is None:
            raise NotFound("there is no such webhook")
        return receiver


class Bell:
    """Wakes the worker once for all that came within a moment, from a thread of its own: a
    Redis that is slow or away holds up no answer."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._rung = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        self._rung.set()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._wake, name="bell", daemon=True)
                self._thread.start()

    def _wake(self) -> None:
        while self._rung.wait():
            self._rung.clear()
            self._runtime.wake(jobs.DIGEST, {})
            time.sleep(_SPACING)
