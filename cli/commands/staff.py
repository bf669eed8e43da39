"""`guichet staff` and `guichet token`."""

from __future__ import annotations

import secrets
import sys
from datetime import timedelta

import click

from cli.opening import person as person_of
from cli.opening import runtime_or_exit
from cli.output import Output, WronglyAsked
from guichet.inbox import operations as inbox
from guichet.policy import SCOPES, SYSTEM, OrgRole
from guichet.staff import entry, operations, queries, rules


@click.group()
def staff() -> None:
    """People who work here."""


@staff.command()
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=click.Choice([role.value for role in OrgRole]), default="member", show_default=True)
@click.option("--locale", type=click.Choice(["en", "fr"]), default="en", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")
@click.pass_obj
def add(output: Output, email: str, name: str, role: str, locale: str, password_stdin: bool) -> None:
    """Take somebody on. Prints the password once, unless it was given."""
    rules.require_good_person(email, name)
    password = _password(password_stdin)
    rules.require_good_password(password, email, name)
    runtime = runtime_or_exit()
    hashed = rules.hash_password(password)
    with runtime.unit() as unit:
        person = operations.add_staff(
            unit.session,
            SYSTEM,
            email=email,
            name=name,
            role=role,
            password_hash=hashed,
            locale=locale,
            now=runtime.now(),
        )
        made = {"id": person.id, "email": person.email, "role": person.role}
    if password_stdin:
        output.done(f"{name} may now sign in as {email}.", **made)
    else:
        output.done(f"{name} may now sign in as {email} with the password {password}", **made, password=password)


@staff.command("list")
@click.pass_obj
def list_(output: Output) -> None:
    """Who works here."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        people = queries.list_staff(session, SYSTEM, limit=10000)
        rows = [
            {"id": p.id, "email": p.email, "name": p.name, "role": p.role, "disabled_at": p.disabled_at} for p in people
        ]
    output.table(rows, empty="Nobody works here yet: guichet staff add EMAIL --name NAME --role owner")


@staff.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")
@click.pass_obj
def password(output: Output, email: str, password_stdin: bool) -> None:
    """Give somebody a new password; signs them out everywhere. Prints it once, unless it was given."""
    new = _password(password_stdin)
    rules.require_good_password(new, email)
    runtime = runtime_or_exit()
    hashed = rules.hash_password(new)
    with runtime.unit() as unit:
        who = person_of(unit.session, email)
        operations.change_password(unit.session, SYSTEM, who, hashed, runtime.now())
        made = {"id": who.id, "email": who.email}
    if password_stdin:
        output.done(f"{email} has the new password.", **made)
    else:
        output.done(f"{email} may now sign in with the password {new}", **made, password=new)


@staff.command()
@click.argument("email")
@click.pass_obj
def disable(output: Output, email: str) -> None:
    """Let somebody go: ends sessions, streams and tokens, and lists what they leave."""
    runtime = runtime_or_exit()
    now = runtime.now()
    with runtime.unit() as unit:
        person = person_of(unit.session, email)
        left = operations.disable_staff(unit.session, SYSTEM, person, now)
        inbox.return_to_queue(unit.session, SYSTEM, person, now)
    output.done(
        f"{person.name} can do nothing here any more. Sessions ended: {left.sessions_ended}, tokens revoked: "
        f"{left.tokens_revoked}. To take over: {len(left.conversations)} conversations (back in their queues), "
        f"{len(left.deliveries)} scheduled deliveries and {len(left.posts)} posts (listed in Needs you).",
        **{name: getattr(left, name) for name in left.__dataclass_fields__},
    )


@click.group()
def token() -> None:
    """Bearer tokens for scripts."""


@token.command()
@click.argument("email")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(list(SCOPES)), default=["read"], show_default=True)
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="Until it ends.")
@click.pass_obj
def create(output: Output, email: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """A token that acts as EMAIL, within the scopes: read what they may see; answer customers
    and work on conversations; publish posts and decide on deliveries; manage the settings.
    answer and publish do not include reading lists and threads. It is printed this once."""
    runtime = runtime_or_exit()
    now = runtime.now()
    with runtime.unit() as unit:
        made, secret = entry.create_token_for(
            unit.session,
            SYSTEM,
            person_of(unit.session, email),
            name=name,
            scopes=list(scopes),
            expires_at=now + timedelta(days=days),
            now=now,
        )
    output.done(secret, token=secret, id=made.id, expires_at=made.expires_at)


def _password(from_stdin: bool) -> str:
    """Random, or the first line of standard input: never from the command line, where
    everybody on the machine can read it."""
    if not from_stdin:
        return secrets.token_urlsafe(15)
    try:
        given = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise WronglyAsked("the password on standard input is not UTF-8") from None
    if not given:
        raise WronglyAsked("no password came on standard input")
    return given


COMMANDS = (staff, token)
