"""Notices by mail: planned and sent. Woken by the clock; harmless to do twice, late or never."""

from __future__ import annotations

import structlog

from channels.errors import AuthExpired, ChannelError, RateLimited, Rejected, Unavailable
from channels.sentences import say
from guichet.instance import awaits_confirmation
from guichet.letters import operations
from guichet.letters.links import signature_of
from guichet.policy import SYSTEM
from workers.letters import notices_letter
from workers.runtime import Process, current

log = structlog.get_logger(__name__)

_AGAIN = (Unavailable, RateLimited, AuthExpired)  # it was provably not taken


def write() -> None:
    """All of it, once. Without a mail server, and on a copy that nobody has confirmed, nothing."""
    process = current()
    runtime = process.runtime
    if not runtime.settings.mail_url:
        return
    with runtime.reading() as session:
        if awaits_confirmation(session):
            return
        wishes = operations.list_wishes(session, SYSTEM)
    for staff_id in wishes:
        if process.stopping.is_set():
            return
        _plan(process, staff_id)
    with runtime.unit() as unit:
        operations.forget_old(unit.session, SYSTEM, runtime.now())
        claims = operations.claim_letters(unit.session, SYSTEM, runtime.now())
    for claim in claims:
        _send(process, claim)


def _plan(process: Process, staff_id: int) -> None:
    """What goes wrong for one person keeps nobody else from their mail."""
    try:
        with process.runtime.unit() as unit:
            operations.plan(unit.session, SYSTEM, staff_id, process.runtime.now())
    except Exception:
        log.exception("letter_not_planned", staff=staff_id)


def _send(process: Process, claim: operations.Claim) -> None:
    """One try, then what came of it. What nobody foresaw is not tried again."""
    runtime = process.runtime
    state, said, again = "sent", "", False
    try:
        state = _write(process, claim)
    except Rejected as e:
        state, said = "failed", e.detail
    except _AGAIN as e:
        state, said, again = "failed", e.detail, True
    except ChannelError as e:
        state, said = "unclear", e.detail
    except Exception:
        log.exception("letter_failed", letter=claim.letter_id)
        state, said = "unclear", say("a fault of Guichet's own")
    with runtime.unit() as unit:
        operations.settle(unit.session, SYSTEM, claim, runtime.now(), state=state, said=said, again=again)


def _write(process: Process, claim: operations.Claim) -> str:
    from channels.email.house import house_of, write  # what mail needs is loaded where mail is sent

    runtime, settings = process.runtime, process.runtime.settings
    with runtime.reading() as session:
        written = operations.read_letter(session, SYSTEM, claim.letter_id, runtime.now())
        session.expunge_all()
    if written is None:
        return "dropped"
    staff, house = written.staff, house_of(settings.mail_url, settings.mail_from)
    signature = signature_of(settings.secret_keys[0][1], staff.id, written.nonce)
    off = f"{settings.public_url}/notice-mails/{staff.id}/{signature}"
    letter = notices_letter(written.found, staff, settings.public_url, off)
    mail = write(
        house.sender, staff.email, staff.name, letter.subject, letter.text, key=f"letter-{claim.letter_id}",
        now=runtime.now(),
        headers={"List-Unsubscribe": f"<{off}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )  # fmt: skip
    house.send(mail, process.networks.wire)
    return "sent"
