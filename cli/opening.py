"""What a command works with: the runtime, and an actor who is the machine's operator.

Whoever can run `guichet` on the server can read its keys, so the command line acts as
the system; the audit log says so. What needs an author or somebody's own right (a post)
acts as a person who is named.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from cli.environment import settings_or_exit, use_own_folder_if_there
from cli.output import Failed, WronglyAsked
from guichet.accounts import queries as accounts
from guichet.db.migrate import is_current
from guichet.logs import start_logging
from guichet.models import Account, Brand, Staff
from guichet.policy import Actor, load_actor
from guichet.runtime import Runtime, open_runtime
from guichet.staff.queries import find_staff_by_email

_MOST = 100_000  # accounts or brands that a name is looked for among


def runtime_or_exit() -> Runtime:
    """The runtime, with a schema that this program knows, until the command ends. Raises Failed."""
    runtime = runtime_of_any_schema()
    if not is_current(runtime.engine):
        raise Failed("the database's schema is not this program's: run `guichet migrate` first")
    return runtime


def runtime_of_any_schema() -> Runtime:
    """The runtime, whatever the database holds; for what fills an empty one."""
    use_own_folder_if_there()
    settings = settings_or_exit()
    start_logging("ERROR")  # what a person must know, a command says itself
    runtime = open_runtime(settings, pool_size=2)
    click.get_current_context().call_on_close(runtime.engine.dispose)
    return runtime


def person(session: Session, email: str) -> Staff:
    """Raises Failed for an address that nobody here has."""
    found = find_staff_by_email(session, email)
    if found is None:
        raise Failed(f"nobody here has the address {email}")
    return found


def act_as(session: Session, email: str, now: datetime) -> Actor:
    """The person with this address, with the rights that they have now."""
    return load_actor(session, person(session, email), now)


def find_brand(session: Session, actor: Actor, wanted: str) -> Brand:
    """A brand by its id or name. Raises Failed, which names those that there are."""
    brands = accounts.list_brands(session, actor, limit=_MOST)
    for brand in brands:
        if wanted in (str(brand.id), brand.name):
            return brand
    raise Failed(f"there is no brand {wanted!r}; there are: {', '.join(b.name for b in brands) or 'none'}")


def find_account(session: Session, actor: Actor, wanted: str) -> Account:
    """An account by its id, handle or NETWORK:HANDLE. Raises Failed for none and for several."""
    if wanted.isdecimal():
        return accounts.get_account(session, actor, int(wanted[:18]))
    network, _, handle = wanted.partition(":") if ":" in wanted else ("", "", wanted)
    fitting = [
        a
        for a in accounts.list_accounts(session, actor, limit=_MOST)
        if a.handle.lower() == handle.lower().lstrip("@") and network in ("", a.network)
    ]
    if not fitting:
        raise Failed(f"there is no account {wanted!r}; `guichet account list` shows them")
    if len(fitting) > 1:
        choices = ", ".join(f"{a.id} ({a.network}:{a.handle})" for a in fitting)
        raise Failed(f"{wanted!r} is the name of several accounts: {choices}; give the number")
    return fitting[0]


def read_file(path: str) -> bytes:
    """A file's bytes, or standard input for "-". Raises WronglyAsked where it cannot be read."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        return Path(path).read_bytes()
    except OSError as e:
        raise WronglyAsked(f"{path} cannot be read: {e.strerror or type(e).__name__}") from None


def read_text(path: str) -> str:
    """As `read_file`, as UTF-8."""
    try:
        return read_file(path).decode()
    except UnicodeDecodeError as e:
        raise WronglyAsked(f"{path} is not UTF-8: byte {e.start} cannot be read") from None
