"""`guichet post`: write a post from a script, through the same operations and rights as the
API. It has an author, who is named, and goes out in that person's right."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import click
from sqlalchemy.orm import Session

from channels import registry
from channels.contract import MediaLimit
from cli import once
from cli.commands import tables
from cli.commands.bringing import Brought, replaced
from cli.commands.carding import Looked, cards_of, keys_of, look, told
from cli.opening import act_as, find_account, read_file, read_text, runtime_or_exit
from cli.output import Failed, Output, Status, WronglyAsked, as_table
from guichet import jobs
from guichet.delivery.states import FINAL, State
from guichet.models import Account, Delivery, Post
from guichet.policy import SYSTEM, Actor
from guichet.publishing import files, operations, queries, rules, tags
from guichet.publishing.drafting import Item
from guichet.publishing.framing import SHAPES
from guichet.publishing.operations import VariantSpec, Words
from guichet.publishing.renditions import limit_of
from guichet.runtime import Runtime

_ROUTE = "guichet post"
# Nothing more happens to these by itself.
_SETTLED = FINAL | {State.NEEDS_HUMAN, State.HELD, State.AWAITING_APPROVAL}
_LOOK_EVERY = 0.5  # seconds


@dataclass(frozen=True)
class _Asked:
    """What the command line said, read and checked as far as no database is needed."""

    text: str
    thread: tuple[str, ...]
    accounts: tuple[str, ...]
    media: tuple[tuple[files.Found, str], ...]
    crop: str | None
    first_comment: str
    title: str
    subject: str
    language: str
    labels: tuple[str, ...]
    campaign: str
    wall_time: str | None
    zone: str
    late_limit: int | None
    tags_links: bool
    puts_cards: bool
    is_draft: bool

    def digest(self) -> str:
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "media"}
        return once.digest_of({**plain, "media": [(hashlib.sha256(f.data).hexdigest(), alt) for f, alt in self.media]})


class _Written(click.Group):
    """`guichet post TEXT` writes one; the words of its commands are not taken for a text."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        known = args and (args[0] in self.commands or args[0] in context.help_option_names)
        return super().parse_args(context, args if known else ["write", *args])


@click.group(cls=_Written)
def post() -> None:
    """Write a post (`guichet post TEXT` is `guichet post write TEXT`), or bring in a table."""


@post.command("write")
@click.argument("text", required=False)
@click.option("--as", "email", required=True, metavar="EMAIL", help="Who writes it, and in whose right it goes out.")
@click.option(
    "--account",
    "accounts",
    multiple=True,
    required=True,
    metavar="ACCOUNT",
    help="A number, a handle or NETWORK:HANDLE; repeat for several.",
)
@click.option("--text-file", metavar="FILE", help="Read the text from a file, or from standard input (-).")
@click.option("--thread", multiple=True, metavar="TEXT", help="A further item of the thread; repeat for several.")
@click.option("--first-comment", default="", metavar="TEXT", help="What the account itself writes under it.")
@click.option(
    "--media", multiple=True, nargs=2, metavar="FILE ALT", help="A file and its alt text; repeat for several."
)
@click.option(
    "--crop", type=click.Choice(list(SHAPES)), help="Show of every picture the part of this shape in its middle."
)
@click.option("--title", default="", help="For your own lists; it is not published.")
@click.option("--subject", default="", help="Subject, where the network is mail.")
@click.option("--language", default="", metavar="CODE", help="Language of the text: en, fr, …")
@click.option("--label", "labels", multiple=True, metavar="NAME", help="A label of the brand; repeat for several.")
@click.option("--campaign", default="", metavar="NAME", help="The campaign of the brand that it is of.")
@click.option("--at", "wall_time", metavar="TIME", help="Send it at this wall time, such as 2026-03-29T14:30.")
@click.option("--zone", default="", metavar="ZONE", help="IANA zone of --at. Default: the brand's.")
@click.option(
    "--late-limit",
    type=click.IntRange(60, 2592000),
    help="Seconds after which it no longer goes out unasked. Default: the brand's.",
)
@click.option(
    "--tag-links/--plain-links", "tags_links", default=True, help="Tag its links as its brand says. Default: yes."
)
@click.option(
    "--card/--no-card",
    "puts_cards",
    default=True,
    help="Look at its links for the cards under them, where a network is given these (Bluesky). Default: yes.",
)
@click.option("--draft", "is_draft", is_flag=True, help="Only save it.")
@click.option("--key", help="Do it once: the same key again finds the same post (for a day).")
@click.option("--wait", is_flag=True, help="Follow it until every account has settled.")
@click.option(
    "--timeout", type=click.FloatRange(0, 86400 * 40), default=600, show_default=True, help="Seconds to wait."
)
@click.pass_obj
def write(output: Output, /, email: str, key: str | None, wait: bool, timeout: float, **given: Any) -> None:
    """Write TEXT to accounts: now, at a time, or as a draft."""
    asked = _read(**given)
    if key is not None:
        once.require_key(key)
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        actor = act_as(session, email, runtime.now())
        content = asked.digest()
        done = once.find_done(session, _author(actor), _ROUTE, key, content) if key is not None else None
    looked = look(runtime, actor, _words(asked)) if done is None and _gives_cards(runtime, actor, asked) else {}
    post_id = done if done is not None else _carry_out(runtime, actor, asked, looked, key, content)
    is_settled = _follow(runtime, post_id, timeout) if wait and not asked.is_draft else True
    _print(
        output, runtime, actor, post_id, told(looked), is_replay=done is not None, is_waited=wait, is_settled=is_settled
    )  # fmt: skip


def _read(
    *, text: str | None, text_file: str | None, accounts: tuple[str, ...], media: tuple[tuple[str, str], ...],
    wall_time: str | None, is_draft: bool, **words: Any,
) -> _Asked:  # fmt: skip
    if (text is None) == (text_file is None):
        raise WronglyAsked("say the text, or where it stands with --text-file")
    said = text if text is not None else read_text(text_file or "").removesuffix("\n")
    if wall_time is not None:  # what is no time or no zone is said before anything is stored
        rules.due_time(wall_time, words["zone"] or "UTC")
    elif words["zone"]:
        raise WronglyAsked("--zone says where --at is meant; there is no --at")
    found = tuple((files.examine(read_file(path), path), alt) for path, alt in media)
    return _Asked(text=said, accounts=accounts, media=found, wall_time=wall_time, is_draft=is_draft, **words)


def _author(actor: Actor) -> int:
    if actor.staff_id is None:
        raise Failed("a post has an author")
    return actor.staff_id


def _gives_cards(runtime: Runtime, actor: Actor, asked: _Asked) -> bool:
    """Whether a network of the accounts is given the cards of links, and they are wanted."""
    specs = registry.specs_by_name()
    with runtime.reading() as session:
        accounts = [find_account(session, actor, wanted) for wanted in asked.accounts]
        return asked.puts_cards and not asked.media and any(specs[a.network].card == "given" for a in accounts)


def _carry_out(
    runtime: Runtime, actor: Actor, asked: _Asked, looked: Mapping[int, Looked], key: str | None, content: str
) -> int:
    """Store the files and what is made of them, then do everything in one transaction; what was
    stored for nothing goes."""
    limits = _limits(runtime, actor, asked)
    brought = [Brought.of(found, alt, asked.crop, limits) for found, alt in asked.media]
    stored = [*keys_of(looked), *(key for one in brought for key in one.put(runtime.store))]
    try:
        with runtime.unit() as unit:
            session, now = unit.session, runtime.now()
            if key is not None:
                done = once.take(session, _author(actor), _ROUTE, key, content, now)
                if done is not None:
                    _drop(runtime, stored)
                    return done
            row = _write(session, actor, asked, brought, looked, runtime)
            if key is not None:
                once.keep(session, _author(actor), _ROUTE, key, row.id)
            unit.enqueue(jobs.DRAIN)
            return row.id
    except Exception:
        _drop(runtime, stored)
        raise


def _drop(runtime: Runtime, stored: Sequence[str]) -> None:
    for name in stored:
        runtime.store.delete(name)


def _limits(runtime: Runtime, actor: Actor, asked: _Asked) -> list[MediaLimit | None]:
    """What the networks of the accounts take with a post."""
    if not asked.media:
        return []
    specs = registry.specs_by_name()
    with runtime.reading() as session:
        return [limit_of(find_account(session, actor, wanted), specs) for wanted in asked.accounts]


def _words(asked: _Asked) -> Words:
    """What it says, files aside."""
    return Words(
        asked.text,
        items=[Item(text) for text in asked.thread],
        first_comment=asked.first_comment,
        language=asked.language,
        subject=asked.subject,
    )


def _write(
    session: Session, actor: Actor, asked: _Asked, brought: Sequence[Brought], looked: Mapping[int, Looked],
    runtime: Runtime,
) -> Post:  # fmt: skip
    now = runtime.now()
    accounts: list[Account] = [find_account(session, actor, wanted) for wanted in asked.accounts]
    media = [one.add(session, actor, now) for one in brought]
    framing = {row.id: one.frame for row, one in zip(media, brought, strict=True) if one.frame}
    zone = asked.zone or accounts[0].brand.time_zone
    row = operations.create(
        session,
        actor,
        brand=accounts[0].brand,
        words=replace(
            _words(asked),
            media_ids=[m.id for m in media],
            framing=framing,
            cards=cards_of(session, actor, looked, now),
        ),
        variants=[VariantSpec(a.id) for a in accounts],
        title=asked.title,
        wall_time=asked.wall_time,
        time_zone=zone,
        late_limit=asked.late_limit,
        tags_links=asked.tags_links,
        now=now,
    )
    named = [("label", name) for name in asked.labels] + ([("campaign", asked.campaign)] if asked.campaign else [])
    tags.tag_post(session, actor, row, tags.ids_named(session, actor, row.brand_id, named), now)
    specs = registry.specs_by_name()
    if asked.is_draft:
        return row
    if asked.wall_time is None:
        operations.publish_now(session, actor, row, specs=specs, now=now)
    else:
        operations.schedule(session, actor, row, wall_time=asked.wall_time, time_zone=zone, specs=specs, now=now)
    return row


def _follow(runtime: Runtime, post_id: int, timeout: float) -> bool:
    """Whether every delivery settled in time."""
    until = time.monotonic() + timeout
    while True:
        with runtime.reading() as session:
            states = {d.state for d in _deliveries(session, SYSTEM, post_id)}
        if states <= _SETTLED or _is_behind(states):
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(min(_LOOK_EVERY, max(0.0, until - time.monotonic())))


def _is_behind(states: set[str]) -> bool:
    """Whether all that is not settled waits for something that is."""
    return bool(states & _SETTLED - {State.PUBLISHED}) and states - _SETTLED == {State.BLOCKED}


def _deliveries(session: Session, actor: Actor, post_id: int) -> list[Delivery]:
    return queries.deliveries_of(session, actor, [post_id])[post_id]


def _print(
    output: Output, runtime: Runtime, actor: Actor, post_id: int, cards: Sequence[str], *, is_replay: bool,
    is_waited: bool, is_settled: bool,
) -> None:  # fmt: skip
    with runtime.reading() as session:
        row = queries.get_post(session, actor, post_id)
        accounts = queries.accounts_of(session, row)
        found = _deliveries(session, actor, post_id)
        state = rules.standing(row.state, [d.state for d in found])
        shown = [
            {
                "delivery": d.id,
                "account": f"{accounts[d.account_id].network}:{accounts[d.account_id].handle}",
                "item": d.item,
                "state": d.state,
                "due": d.due_at,
                "url": d.remote_url,
                "reason": d.reason,
            }
            for d in found
        ]
        due_at = row.due_at
        made = [f"{accounts[t.account_id].handle}: {said}" for t in row.targets for said in replaced(t)]
    if not is_settled:
        raise Failed(f"post {post_id} is {state}: not settled in time\n{as_table(shown)}", status=Status.UNSETTLED,
                     id=post_id, state=state, deliveries=shown)  # fmt: skip
    if is_waited and shown and state != "published":
        raise Failed(f"post {post_id} is {state}\n{as_table(shown)}", id=post_id, state=state, deliveries=shown)
    again = " (it was there already)" if is_replay else ""
    instead = "".join(f"\n{line}" for line in (*made, *cards))
    output.done(
        f"Post {post_id} is {state}{again}.\n{as_table(shown)}".rstrip() + instead,
        id=post_id, state=state, due_at=due_at, replayed=is_replay, deliveries=shown, renditions=made,
        cards=list(cards),
    )  # fmt: skip


for _table_command in tables.COMMANDS:
    post.add_command(_table_command)

COMMANDS = (post,)
