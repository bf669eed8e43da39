"""Webhooks: nothing is acknowledged that is not kept, nothing is kept that is not signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import threading
import time

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from guichet.db.dialect import committing_by_itself
from guichet.models import Account, Credential, RawItem, RefusedDelivery
from tests import factories as make
from tests.statements import heard_by
from tests.webapp.site import HOST, Site
from webapp.hooks import LARGEST

SECRET = b"rehearsal-secret"  # the consumer secret of every rehearsal account


def signature(body: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()


@pytest.fixture
def account(both: Site) -> Account:
    with both.rows() as session:
        account = make.make_account(session, network="x", is_rehearsal=True, remote_id="900")
        sealed = both.runtime.sealer.seal({"token": "t"}, f"account:{account.id}:1")
        session.add(Credential(account_id=account.id, key_id=sealed.key_id, sealed=sealed.data, version=1))
        return account


def send(site: Site, account: Account, body: bytes, signed: str | None = None) -> int:
    headers = {"Host": HOST, "X-Twitter-Webhooks-Signature": signature(body) if signed is None else signed}
    client = site.app.test_client(use_cookies=False)
    return client.post(f"/hooks/x/{account.id}", data=body, headers=headers).status_code


def kept(site: Site) -> list[RawItem]:
    with site.rows() as session:
        return list(session.scalars(select(RawItem)))


def test_a_signed_webhook_is_kept_to_the_byte_and_once(both: Site, account: Account) -> None:
    body = json.dumps({"for_user_id": "900", "tweet_create_events": []}, indent=3).encode()
    assert [send(both, account, body), send(both, account, body)] == [200, 200]
    (item,) = kept(both)
    assert item.body == body
    assert "signature" not in json.dumps(item.headers).lower(), "secret headers are dropped"
    until = time.monotonic() + 5  # the worker is woken beside the request
    while "workers.receive.digest" not in both.woken and time.monotonic() < until:
        time.sleep(0.01)
    assert "workers.receive.digest" in both.woken


def test_a_forged_one_is_refused_and_leaves_no_trace(both: Site, account: Account) -> None:
    assert send(both, account, b"{}", signed="sha256=forged") == 403
    assert send(both, account, b"{}", signed="") == 403
    assert kept(both) == []


def test_however_many_forged_ones_come_the_database_is_asked_once(both: Site, account: Account) -> None:
    with heard_by(both.engine) as asked:
        statuses = [send(both, account, b"{}", signed="sha256=forged") for _ in range(3)]
        once = len(asked)
        statuses += [send(both, account, b"{}", signed="sha256=forged") for _ in range(20)]
    assert set(statuses) == {403}
    assert 0 < once == len(asked)


def test_a_delivery_for_another_account_of_the_application_is_kept_as_its_own(both: Site, account: Account) -> None:
    with both.rows() as session:
        other = make.make_account(session, network="x", is_rehearsal=True, remote_id="901")
        sealed = both.runtime.sealer.seal({"token": "t"}, f"account:{other.id}:1")
        session.add(Credential(account_id=other.id, key_id=sealed.key_id, sealed=sealed.data, version=1))
        gone = make.make_account(session, network="x", is_rehearsal=True, remote_id="902", state="disconnected")
    assert send(both, account, b'{"for_user_id": "901"}') == 200
    assert send(both, account, b'{"for_user_id": "901", "n": 2}', "sha256=AAAA") == 403
    assert send(both, account, b'{"for_user_id": "%s"}' % gone.remote_id.encode()) == 404
    assert send(both, account, b'{"for_user_id": "903"}') == 403
    assert [(item.account_id, item.body) for item in kept(both)] == [(other.id, b'{"for_user_id": "901"}')]


def test_one_that_is_too_large_is_not_read(both: Site, account: Account) -> None:
    assert send(both, account, b"x" * (LARGEST + 1)) == 413
    assert kept(both) == []


def test_one_for_nobody_is_not_there(both: Site, account: Account) -> None:
    client = both.app.test_client(use_cookies=False)
    for address in ("/hooks/x/999", f"/hooks/mastodon/{account.id}", "/hooks/nowhere/1"):
        assert client.post(address, data=b"{}", headers={"Host": HOST}).status_code == 404


def test_while_the_database_is_down_nothing_is_acknowledged(
    both: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Down:
        def store(self, item: object) -> None:
            raise OperationalError("INSERT", {}, Exception("gone"))

    monkeypatch.setattr(both.app.extensions["guichet"]["intake"], "commits", Down())
    assert send(both, account, b'{"for_user_id": "900"}') == 503


def test_many_at_once_are_all_kept(both: Site, account: Account) -> None:
    statuses: list[int] = []
    bodies = [json.dumps({"for_user_id": "900", "n": n}).encode() for n in range(12)]
    threads = [threading.Thread(target=lambda b=b: statuses.append(send(both, account, b))) for b in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 12
    assert {item.body for item in kept(both)} == set(bodies)


def test_a_disconnected_account_takes_nothing_after_a_moment(
    both: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send(both, account, b'{"n": 1}') == 200
    with both.rows() as session:
        session.get_one(Account, account.id).state = "disconnected"
    monkeypatch.setattr("webapp.intake._FRESH_FOR", 0.0)
    assert send(both, account, b'{"n": 2}') == 404
    assert [item.body for item in kept(both)] == [b'{"n": 1}']


def test_a_delivery_without_a_length_is_taken_the_long_way(both: Site, account: Account) -> None:
    body = b'{"for_user_id": "900"}'
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": f"/hooks/x/{account.id}", "HTTP_HOST": HOST,
        "HTTP_X_TWITTER_WEBHOOKS_SIGNATURE": signature(body), "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True,
    }  # fmt: skip
    client = both.app.test_client(use_cookies=False)
    assert client.open(environ_base={}, environ_overrides=environ).status_code == 200
    assert [item.body for item in kept(both)] == [body]


def test_both_ways_answer_with_the_headers_of_every_answer(both: Site, account: Account) -> None:
    body, client = b'{"n": 1}', both.app.test_client(use_cookies=False)
    good = {"Host": HOST, "X-Twitter-Webhooks-Signature": signature(body)}
    short = client.post(f"/hooks/x/{account.id}", data=body, headers=good)
    long = client.post(f"/hooks/x/{account.id}", data=body, headers={**good, "X-Twitter-Webhooks-Signature": "no"})
    assert (short.status_code, long.status_code) == (200, 403)
    assert short.get_json() == {"received": True}
    assert set(long.headers.keys()) - {"Content-Type", "Content-Length", "Vary"} <= set(short.headers.keys())


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_while_a_worker_writes_an_answer_looks_again_and_again_for_its_turn(engine: Engine) -> None:
    """SQLite itself looks every tenth of a second only, and would seldom meet a pause between two batches."""
    writes = threading.Event()

    def write() -> None:
        with engine.connect() as busy, busy.begin():
            writes.set()
            time.sleep(0.4)

    writer = threading.Thread(target=write)
    writer.start()
    assert writes.wait(10)
    with heard_by(engine) as statements, committing_by_itself(engine) as connection, connection.begin():
        pass
    writer.join()
    assert statements.count("BEGIN IMMEDIATE") >= 5
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 15_000, "the next one waits in patience"


def refused(site: Site, account_id: int) -> dict[str, int]:
    """As counted, once the tally has written it."""
    tally = site.app.extensions["guichet"]["intake"].refused
    tally.write_now()
    with site.rows() as session:
        rows = session.scalars(select(RefusedDelivery).where(RefusedDelivery.account_id == account_id))
        return {row.kind: row.n for row in rows}


def test_what_is_refused_is_counted_by_kind_and_leaves_nothing_else(both: Site, account: Account) -> None:
    body = b'{"for_user_id": "900"}'
    assert send(both, account, body, "sha256=" + "A" * 43 + "=") == 403
    assert send(both, account, body, "sha256=" + "B" * 43 + "=") == 403
    assert send(both, account, b'{"for_user_id": "77"}') == 403
    assert send(both, account, b"x" * 10_000_000) == 413
    client = both.app.test_client(use_cookies=False)
    for number in (998, 999):
        assert client.post(f"/hooks/x/{number}", data=b"x" * 10_000_000, headers={"Host": HOST}).status_code == 404
    assert refused(both, account.id) == {"forged": 2, "misdirected": 1, "too_large": 1}
    assert refused(both, 0) == {"nobody": 2}, "not a row for each number that somebody tries"
    assert kept(both) == []


def test_the_same_delivery_again_is_told_that_it_is_kept_and_makes_nothing_new(both: Site, account: Account) -> None:
    """A replay cannot be told from the network's own repetition, and does no more than that."""
    body = b'{"for_user_id": "900", "n": 1}'
    assert [send(both, account, body) for _ in range(3)] == [200, 200, 200]
    assert len(kept(both)) == 1
    assert refused(both, account.id) == {}
