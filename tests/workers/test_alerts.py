"""Alerts that go out: by real mail, and to a program of the company's that listens."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from channels.wire import AddressPolicy
from guichet import models as m
from guichet.alerting import calling, operations, watching
from guichet.clock import utc_now
from guichet.policy import SYSTEM, load_actor
from guichet.sealing import Sealer
from tests import factories as f
from tests.channels.email_rig import EmailRig
from tests.workers.stage import Stage, open_stage
from workers import alerts
from workers.runtime import use


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with EmailRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        url = f"smtp+plain://guichet%40house.example:rehearsal@127.0.0.1:{rig.server.smtp_port}"
        settings = replace(stage.runtime.settings, mail_url=url, mail_from="guichet@house.example")
        stage.process.runtime = replace(stage.runtime, settings=settings)
        yield stage


class Listener:
    """Answers with the next of `statuses` (then 204), and keeps what it was told."""

    def __init__(self, *statuses: int) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.statuses = list(statuses)
        listener = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(listener.statuses.pop(0) if listener.statuses else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Not to the screen."""

        self.server = HTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_port}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    opened = Listener()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


def set_up(stage: Stage, *, listener: Listener | None = None, **staff: Any) -> tuple[int, str]:
    """An account that lost its sign-in, and whom that calls; the person's id and the hook's secret."""
    with stage.session() as session:
        account = session.get_one(m.Account, stage.account_id)
        account.state = "needs_reconnect"
        boss = f.make_staff(session, "administrator", **{"email": "ada@house.example", "name": "Ada", **staff})
        actor, secret = load_actor(session, boss, utc_now()), ""
        step: dict[str, Any] = {"whom": "staff", "value": boss.id, "ways": ["email"], "minutes": 30}
        if listener is not None:
            hook, secret = operations.add_hook(
                session, actor, stage.runtime.sealer, brand_id=account.brand_id, name="desk", url=listener.url,
                now=utc_now(),
            )  # fmt: skip
            step = {"whom": "hook", "value": hook.id, "ways": [], "minutes": 30}
        values = {"brand_id": account.brand_id, "name": "Night", "events": [{"kind": "signed_out"}], "steps": [step]}
        operations.add_policy(session, actor, values, utc_now())
        return boss.id, secret


def call(stage: Stage) -> m.AlertCall:
    use(stage.process)
    alerts.call()
    with stage.runtime.reading() as session:
        row = session.scalars(select(m.AlertCall)).one()
        session.expunge_all()
        return row


def hasten(stage: Stage) -> None:
    """What waits for its next try is due now."""
    with stage.session() as session:
        session.scalars(select(m.AlertCall)).one().next_at = utc_now() - timedelta(seconds=1)


def test_a_mail_goes_out_once_with_a_link_and_nothing_of_a_customer(stage: Stage) -> None:
    stage.rig.network.add_person("ada@house.example", "Ada", "customer")
    set_up(stage, locale="fr")
    assert call(stage).state == "sent"
    call(stage)
    (entry,) = stage.rig.network.ledger()
    headers = entry["extra"]["headers"]
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Subject"].strip().startswith("Alerte : ")
    assert entry["extra"]["to"] == ["ada@house.example"]
    assert re.search(r"http://localhost/alert-calls/\d+/[0-9a-f]{40}\n", entry["text"])


def test_a_mail_that_is_refused_for_good_is_not_tried_again(stage: Stage) -> None:
    set_up(stage)  # nobody there knows her
    row = call(stage)
    assert (row.state, row.tries, len(row.log)) == ("failed", 1, 1)


def test_a_hook_is_told_signed_and_again_until_it_has_taken_it(stage: Stage, listener: Listener) -> None:
    _, secret = set_up(stage, listener=listener)
    listener.statuses = [500, 302]
    assert call(stage).state == "waiting"
    hasten(stage)
    assert call(stage).state == "waiting"  # a redirection is not followed
    hasten(stage)
    row = call(stage)
    assert (row.state, row.tries, len(row.log)) == ("sent", 3, 3)
    assert len({headers["webhook-id"] for headers, _ in listener.heard}) == 1  # who listens knows it again
    for headers, body in listener.heard:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        made = hmac.new(b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{b64encode(made).decode()}"
    told = json.loads(listener.heard[0][1])["data"]
    assert (told["event"], told["account"]["id"]) == ("signed_out", stage.account_id)


def test_a_hook_that_is_gone_is_told_no_more(stage: Stage, listener: Listener) -> None:
    set_up(stage, listener=listener)
    listener.statuses = [410]
    assert call(stage).state == "failed"


def test_a_hook_inside_is_not_reached(stage: Stage, listener: Listener) -> None:
    set_up(stage, listener=listener)
    stage.process.networks = replace(
        stage.process.networks, wire=replace(stage.process.networks.wire, policy=AddressPolicy())
    )
    row = call(stage)
    assert (row.state, listener.heard) == ("failed", [])
    assert "internal address" in row.said


def test_what_a_killed_worker_had_begun_goes_out_once_more_under_its_own_name(
    stage: Stage, listener: Listener
) -> None:  # fmt: skip
    set_up(stage, listener=listener)
    for act in (
        lambda s, now: [watching.watch(s, SYSTEM, id_, now) for id_ in watching.list_policies_on(s, SYSTEM)],
        lambda s, now: calling.take_steps(s, SYSTEM, now),
        lambda s, now: calling.claim_calls(s, SYSTEM, now),
    ):
        with stage.session() as session:
            act(session, utc_now())
    assert call(stage).state == "sending"  # somebody may still be at it
    assert listener.heard == []
    hasten(stage)
    row = call(stage)
    assert (row.state, row.tries, len(listener.heard)) == ("sent", 2, 1)


def test_the_secret_of_a_hook_is_sealed_anew_and_still_signs(stage: Stage, listener: Listener) -> None:
    _, secret = set_up(stage, listener=listener)
    sealer = Sealer([("k2", bytes(32)), *stage.runtime.settings.secret_keys])
    with stage.session() as session:
        assert operations.reseal_hooks(session, SYSTEM, sealer) == 1
        assert operations.reseal_hooks(session, SYSTEM, sealer) == 0
        hook = session.scalars(select(m.AlertHook)).one()
        assert operations.open_secret(SYSTEM, Sealer([("k2", bytes(32))]), hook) == secret
        assert secret.encode() not in hook.sealed


def test_a_policy_that_cannot_be_watched_silences_no_other(stage: Stage, listener: Listener) -> None:
    set_up(stage, listener=listener)
    with stage.session() as session:
        first = session.scalars(select(m.AlertPolicy)).one()
        f.make_alert_policy(session, first.brand, events=first.events, steps=first.steps, since=first.since)
        first.events = [{"kind": "near"}]  # as nobody could have entered it
    assert call(stage).state == "sent"


def test_a_copy_of_an_installation_calls_nobody(stage: Stage, listener: Listener) -> None:
    set_up(stage, listener=listener)
    with stage.session() as session:
        row = m.Instance(instance_id="1", public_url="https://x.example", seen_at=utc_now())
        row.unconfirmed_since = utc_now()
        session.add(row)
    use(stage.process)
    alerts.call()
    assert listener.heard == []
    with stage.session() as session:
        session.query(m.Instance).update({"unconfirmed_since": None})
    assert call(stage).state == "sent"


def test_who_lost_the_right_meanwhile_is_written_nothing(stage: Stage) -> None:
    stage.rig.network.add_person("ada@house.example", "Ada", "customer")
    person, _ = set_up(stage)
    with stage.session() as session:
        for id_ in watching.list_policies_on(session, SYSTEM):
            watching.watch(session, SYSTEM, id_, utc_now())
        calling.take_steps(session, SYSTEM, utc_now())
        session.get_one(m.Staff, person).role = "member"  # who leads no account
    row = call(stage)
    assert (row.state, row.said) == ("failed", "may not answer on this account")
    assert stage.rig.network.ledger() == []
