"""Keeping it running: doctor, keys, audit, accounts, the brake, a post from a script."""

from __future__ import annotations

from datetime import datetime

import click

from channels.errors import ChannelError
from channels.networks import open_networks
from cli.opening import runtime_or_exit
from cli.output import Failed, Output
from guichet import audit as audit_log
from guichet.accounts import operations as accounts
from guichet.accounts import queries as account_queries
from guichet.policy import SYSTEM
from guichet.runtime import Runtime


@click.command()
@click.pass_obj
def doctor(output: Output) -> None:
    """Check what Guichet stands on; ends with 1 if anything is wrong."""
    from cli.doctor import examine

    findings = examine(runtime_or_exit())
    output.table(
        [{"check": f.check, "state": "good" if f.is_good else "BAD", "finding": f.words} for f in findings], ""
    )
    if not all(f.is_good for f in findings):
        raise Failed("something is wrong, see above")


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
        total += changed
        if not changed:
            break
    output.done(
        f"{total} credentials are now sealed with the key {runtime.sealer.current!r}; the others may be removed.",
        resealed=total,
        key=runtime.sealer.current,
    )


@click.group()
def audit() -> None:
    """The audit log."""


@audit.command()
@click.option("--head", default="", help="A head exported earlier: it must occur in the chain.")
@click.pass_obj
def verify(output: Output, head: str) -> None:
    """Recompute the chain; ends with 1 if an edit, a deletion or a truncation shows."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        verdict = audit_log.verify(session, dict(runtime.settings.secret_keys), head)
    if verdict.problems:
        raise Failed("the audit log does not hold:\n" + "\n".join(f"  {p}" for p in verdict.problems))
    output.done(
        f"The audit log holds: {verdict.sealed} entries sealed, {verdict.unsealed} not yet. Head: {verdict.head}",
        sealed=verdict.sealed,
        unsealed=verdict.unsealed,
        head=verdict.head,
    )


@click.group()
def account() -> None:
    """Outside accounts."""


@account.command("list")
@click.pass_obj
def list_(output: Output) -> None:
    """Which accounts are connected."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        rows = [
            {
                "id": a.id,
                "network": a.network,
                "handle": a.handle,
                "brand": a.brand.name,
                "state": a.state,
                "rehearsal": a.is_rehearsal,
                "reason": a.state_reason,
            }
            for a in account_queries.list_accounts(session, SYSTEM, limit=10000)
        ]
    output.table(rows, empty="No account is connected yet: sign in and open Accounts.")


@account.command()
@click.argument("account_id", type=int)
@click.pass_obj
def check(output: Output, account_id: int) -> None:
    """Ask the network who we are there."""
    runtime = runtime_or_exit()
    now = runtime.now()
    networks = open_networks(**runtime.settings.network_options())
    with runtime.reading() as session:
        found = account_queries.get_account(session, SYSTEM, account_id)
        keys = networks.keys_for(found.network, found.is_rehearsal)
        connection = accounts.connection_of(session, runtime.sealer, found, keys)
    try:
        connected = networks.connector(found.network, found.is_rehearsal).check(connection)
    except ChannelError as e:
        _note(runtime, account_id, e, now)
        raise Failed(f"{found.handle} on {found.network}: {e.detail}") from None
    output.done(f"{connected.handle} on {found.network} is well.", handle=connected.handle, id=account_id)


def _note(runtime: Runtime, account_id: int, error: ChannelError, now: datetime) -> None:
    with runtime.unit() as unit:
        found = account_queries.get_account(unit.session, SYSTEM, account_id)
        accounts.note_check_failed(unit.session, SYSTEM, found, error, now)


COMMANDS = (doctor, keys, audit, account)
