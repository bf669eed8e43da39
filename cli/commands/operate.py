"""Keeping it running: doctor, keys, the audit log and what it says of the networks."""

from __future__ import annotations

from dataclasses import asdict

import click
from sqlalchemy import select

from cli.opening import find_account, runtime_or_exit
from cli.output import Failed, Output, WronglyAsked
from guichet import audit as audit_log
from guichet.accounts import operations as accounts
from guichet.alerting import operations as alerting
from guichet.comparing import operations as comparing
from guichet.comparing.queries import list_open
from guichet.jobs import COMPARE
from guichet.models import AuditSeal
from guichet.policy import SYSTEM


@click.command()
@click.pass_obj
def doctor(output: Output) -> None:
    """Check what Guichet stands on; ends with 1 if anything is wrong."""
    from cli.doctor import examine

    findings = examine(runtime_or_exit())
    rows = [{"check": f.check, "state": "good" if f.is_good else "BAD", "finding": f.words} for f in findings]
    output.table(rows, "")
    bad = [f.check for f in findings if not f.is_good]
    if bad:
        raise Failed(f"something is wrong: {', '.join(bad)}")


@click.group()
def keys() -> None:
    """The keys that encrypt tokens."""


@keys.command()
@click.pass_obj
def rotate(output: Output) -> None:
    """Encrypt everything anew with the first key of GUICHET_SECRET_KEYS, while running."""
    runtime = runtime_or_exit()
    total = 0
    while True:
        with runtime.unit() as unit:
            changed = accounts.reseal_credentials(unit.session, SYSTEM, runtime.sealer)
            changed += alerting.reseal_hooks(unit.session, SYSTEM, runtime.sealer)
        total += changed
        if not changed:
            break
    current = runtime.sealer.current
    with runtime.reading() as session:
        signed = set(session.scalars(select(AuditSeal.key_id).distinct())) - {current}
    keep = f"keep {', '.join(sorted(signed))}, which signed the audit log" if signed else "the others may be removed"
    output.done(
        f"{total} credentials are now sealed with the key {current!r}; {keep}.",
        resealed=total,
        key=current,
        keep=sorted(signed),
    )


@click.group()
def audit() -> None:
    """The audit log, and the networks' timelines held against our rows."""


@audit.command()
@click.option("--head", default="", help="A head exported earlier: it must occur in the chain.")
@click.pass_obj
def verify(output: Output, head: str) -> None:
    """Recompute the chain; ends with 1 if an edit, a deletion or a truncation shows."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        verdict = audit_log.verify(session, dict(runtime.settings.secret_keys), head)
        last = audit_log.find_head(session)
    if verdict.problems:
        raise Failed(
            "the audit log does not hold:\n" + "\n".join(f"  {p}" for p in verdict.problems),
            problems=list(verdict.problems),
        )
    output.done(
        f"The audit log holds: {verdict.sealed} entries sealed, {verdict.unsealed} not yet. Head: {verdict.head}",
        sealed=verdict.sealed,
        unsealed=verdict.unsealed,
        head=verdict.head,
        seal=asdict(last) if last else None,
    )


@audit.command()
@click.argument("account", required=False)
@click.option("--now", "at_once", is_flag=True, help="Compare ACCOUNT again as soon as a worker is free.")
@click.pass_obj
def timelines(output: Output, account: str | None, at_once: bool) -> None:
    """What differs between the networks' own timelines and our rows; ends with 1 if anything does.

    They are compared once a day. Nothing is published or deleted by it.
    """
    runtime = runtime_or_exit()
    if at_once:
        if account is None:
            raise WronglyAsked("--now needs an ACCOUNT")
        with runtime.unit() as unit:
            chosen = find_account(unit.session, SYSTEM, account)
            comparing.ask_now(unit.session, SYSTEM, chosen, runtime.now())
            unit.enqueue(COMPARE, account_id=chosen.id)
            output.done(f"{chosen.handle} is compared as soon as a worker is free.", account_id=chosen.id)
        return
    with runtime.reading() as session:
        only = find_account(session, SYSTEM, account).id if account else None
        rows = [
            {
                "id": row.id, "account": row.account_id, "kind": row.kind, "code": row.code,
                "at": row.at.isoformat(timespec="minutes"), "where": row.url or row.remote_id, "text": row.text[:60],
            }
            for row in list_open(session, SYSTEM, only)
        ]  # fmt: skip
    output.table(rows, "Nothing differs, as far as was compared.")
    if rows:
        raise Failed(f"{len(rows)} differ: see Needs you")


COMMANDS = (doctor, keys, audit)
