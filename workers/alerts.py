"""Alerts: seen, taken to the next step, and their calls sent. Woken by the clock; each of the
three is harmless to do twice, and a kill between them costs seconds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import structlog

from channels import hooking
from channels.errors import AuthExpired, ChannelError, Rejected
from channels.sentences import say
from channels.wire import Wire
from guichet.alerting import calling, operations, watching
from guichet.alerting.links import signature_of
from guichet.instance import awaits_confirmation
from guichet.models import AlertCall
from guichet.policy import SYSTEM
from guichet.sealing import CannotUnseal
from workers.letters import alert_letter
from workers.runtime import Process, current

log = structlog.get_logger(__name__)

_AT_ONCE = 8  # calls that are sent side by side
_MOST_LOTS = 20  # of one job; the clock wakes another for the rest
_PATIENCE = 15.0  # seconds for one call


def call() -> None:
    """All of it, once."""
    process = current()
    runtime = process.runtime
    with runtime.reading() as session:
        if awaits_confirmation(session):  # a copy calls nobody of the original's
            return
        watchful = watching.list_policies_on(session, SYSTEM)
    for policy_id in watchful:
        if process.stopping.is_set():
            return
        _watch(process, policy_id)
    for _ in range(_MOST_LOTS):
        with runtime.unit() as unit:
            steps = calling.take_steps(unit.session, SYSTEM, runtime.now())
        with runtime.unit() as unit:
            claims = calling.claim_calls(unit.session, SYSTEM, runtime.now())
        if claims:
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(lambda claim: _send(process, claim), claims))
        if process.stopping.is_set() or not (steps or claims):
            return


def _watch(process: Process, policy_id: int) -> None:
    """A policy that cannot be watched silences no other."""
    try:
        with process.runtime.unit() as unit:
            watching.watch(unit.session, SYSTEM, policy_id, process.runtime.now())
    except Exception:
        log.exception("policy_not_watched", policy=policy_id)


def _wire_of(process: Process) -> Wire:
    """One for the life of the process: its connections are kept."""
    if "alert_wire" not in process.parts:
        process.parts["alert_wire"] = replace(
            process.networks.wire, deadline=min(_PATIENCE, process.networks.wire.deadline)
        )
    wire: Wire = process.parts["alert_wire"]
    return wire


def _send(process: Process, claim: calling.Claim) -> None:
    """One try, then what came of it. What nobody foresaw is a failed try, too."""
    runtime, wire = process.runtime, _wire_of(process)
    problem, is_final = "", False
    try:
        with runtime.reading() as session:
            one = calling.read_call(session, SYSTEM, claim.call_id)
            why = calling.why_not(session, SYSTEM, claim.call_id, runtime.now())
            session.expunge_all()
        if why:
            raise Rejected(why)
        if one.way == "hook":
            _tell_hook(process, wire, one)
        else:
            _write_mail(process, wire, one)
    except (Rejected, AuthExpired, CannotUnseal) as e:
        problem = e.detail if isinstance(e, ChannelError) else say("its secret cannot be opened with the keys here")
        is_final = not isinstance(e, AuthExpired)
    except ChannelError as e:
        problem = e.detail
    except Exception:
        log.exception("call_failed", call=claim.call_id)
        problem = say("a fault of Guichet's own")
    with runtime.unit() as unit:
        calling.settle(unit.session, SYSTEM, claim, runtime.now(), problem=problem, is_final=is_final)


def _tell_hook(process: Process, wire: Wire, one: AlertCall) -> None:
    alert, hook = one.alert, one.hook
    if hook is None or hook.removed_at is not None:
        raise Rejected("it was removed")
    content = {
        "type": "alert",
        "timestamp": alert.raised_at.isoformat(),
        "data": {
            "alert_id": alert.id, "event": alert.event, "count": alert.count, "round": one.round, "step": one.step,
            "brand": {"id": alert.policy.brand_id, "name": alert.policy.brand.name},
            "account": {"id": alert.account_id, "network": alert.account.network, "handle": alert.account.handle},
            "policy": {"id": alert.policy_id, "name": alert.policy.name},
            "url": _page(process, alert.id),
        },
    }  # fmt: skip
    secret = operations.open_secret(SYSTEM, process.runtime.sealer, hook)
    hooking.tell(wire, hook.url, secret, id_=f"alert-call-{one.id}", now=process.runtime.now(), content=content)


def _write_mail(process: Process, wire: Wire, one: AlertCall) -> None:
    from channels.email.house import house_of, write  # what mail needs is loaded where mail is sent

    staff, settings = one.staff, process.runtime.settings
    if not settings.mail_url:
        raise Rejected("no mail server is set up: GUICHET_MAIL_URL")
    if staff is None or staff.disabled_at is not None:
        raise Rejected("no longer works here")
    runtime, house = process.runtime, house_of(settings.mail_url, settings.mail_from)
    signature = signature_of(settings.secret_keys[0][1], one.id, one.nonce)
    link = f"{settings.public_url}/alert-calls/{one.id}/{signature}"
    letter = alert_letter(one.alert, staff, link, _page(process, one.alert_id))
    mail = write(
        house.sender, staff.email, staff.name, letter.subject, letter.text,
        key=f"alert-call-{one.id}", now=runtime.now(), headers={"Importance": "high"},
    )  # fmt: skip
    house.send(mail, wire)


def _page(process: Process, alert_id: int) -> str:
    return f"{process.runtime.settings.public_url}/alerts/{alert_id}"
