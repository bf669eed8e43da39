"""What the networks would say to a post before it is sent: asked by whoever writes it, and
once more by everything that sends it off; and how a text that is too long becomes a thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from channels.contract import ChannelSpec, Surface
from channels.sentences import say
from channels.splitting import Measure, split
from guichet.errors import Invalid
from guichet.models import Account
from guichet.policy import Action, Actor, require
from guichet.publishing.drafting import MOST_ITEMS
from guichet.publishing.link_tags import LinkTags, tag_links
from guichet.publishing.mention_tokens import CalledOn, say_names, spans_of
from guichet.publishing.rules import AccountCheck, Content, check

Specs = Mapping[str, ChannelSpec]  # the facts of each network that the post's accounts are on


def preflight(
    actor: Actor,
    contents: Sequence[Content],
    accounts: Mapping[int, Account],
    specs: Specs,
    gone: Mapping[int, Collection[str]] | None = None,
) -> list[AccountCheck]:
    """What each network would say, and the brand. `accounts` and `specs` by account id and network;
    `gone`: handles that are known to be nobody's any more, by account."""
    for content in contents:
        require(actor, Action.POST_WRITE, content.account_id)
    checks = []
    for content in contents:
        account = accounts[content.account_id]
        needs_alt = account.brand.needs_alt_text
        lost = (gone or {}).get(account.id, ())
        checks.append(check(content, specs[account.network], account.settings, needs_alt_text=needs_alt, gone=lost))
    return checks


def require_fine(actor: Actor, contents: Sequence[Content], accounts: Mapping[int, Account], specs: Specs) -> None:
    """Raises Invalid where no account is chosen, one is not connected, or a network would
    refuse it (`problems` by account)."""
    if not contents:
        raise Invalid("choose at least one account", {"variants": "name no account"})
    gone = [a.id for a in accounts.values() if a.state == "disconnected"]
    if gone:
        raise Invalid(
            "an account is not connected", {"variants": say("are not connected: {ids}", ids=", ".join(map(str, gone)))}
        )
    failing = [c for c in preflight(actor, contents, accounts, specs) if not c.is_fine]
    if failing:
        raise Invalid(
            "a network would refuse this",
            {f"accounts.{c.account_id}": ", ".join(dict.fromkeys(p.name for _, p in c.problems)) for c in failing},
            code="would_be_refused",
            problems={
                c.account_id: [{"item": n, "name": p.name, "data": dict(p.data)} for n, p in c.problems]
                for c in failing
            },
        )


def as_thread(
    actor: Actor,
    text: str,
    accounts: Sequence[Account],
    specs: Specs,
    tags: Mapping[int, LinkTags],
    called: Mapping[int, CalledOn],
    *,
    numbered: bool,
) -> list[str]:
    """The text as items of a thread, each of which all of these accounts take, its links tagged
    and its names said (`tags`, `called`, by account); one item where it fits whole. For who may write on each. Raises
    Invalid for none, or too many items."""
    for account in accounts:
        require(actor, Action.POST_WRITE, account)
    limits = [(a.id, specs[a.network].limits_for(a.settings).text.get(Surface.PUBLIC)) for a in accounts]
    measures = [Measure(limit, partial(_sent_on, tags.get(id_), called.get(id_, {}))) for id_, limit in limits if limit]
    items = split(text, measures, numbered=numbered, kept_whole=spans_of)
    if not items:
        raise Invalid("there is nothing to divide", {"text": "is empty"})
    if len(items) > MOST_ITEMS + 1:
        raise Invalid(
            "that is too long for a thread",
            {"text": say("makes {count} items, at most {most} are allowed", count=len(items), most=MOST_ITEMS + 1)},
        )
    return items


def _sent_on(tags: LinkTags | None, called: CalledOn, text: str) -> str:
    return say_names(tag_links(text, tags), called)[0]
