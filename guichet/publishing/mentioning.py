"""Whom a post names on its way out, and when that is settled.

It is settled when a post is sent off for approval or to its time, or what it says is written anew, as
its links are, and stands in the post from then on: what is approved, frozen and sent is the handle as
it goes out, and an address book that changes later changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from guichet.models import Account, Contact, ContactHandle, Post, PostTarget
from guichet.publishing.address_book import GONE, Specs, find_books
from guichet.publishing.mention_rules import called_on, names_of
from guichet.publishing.mention_tokens import Called, names_in
from guichet.publishing.rules import Content


def keep_names(
    session: Session, post: Post, accounts: Mapping[int, Account], specs: Specs, *, anew: bool = False
) -> None:
    """Settle what the names in the post become on each account where that is still open; `anew`: on
    all of them."""
    open_ = [target for target in post.targets if target.mentions is None or anew]
    named = {target.id: names_in(_texts(target)) for target in open_}
    book = find_books(session, [post.brand_id], [n for names in named.values() for n in names])[post.brand_id]
    for target in open_:
        network = accounts[target.account_id].network
        found = called_on(named[target.id], book, network, specs[network].mentions)
        target.mentions = {typed: one.plain() for typed, one in found.items()}
    session.flush()


def foresee_names(
    session: Session, contents: Sequence[Content], accounts: Mapping[int, Account], specs: Specs
) -> dict[int, dict[str, Called]]:
    """What would be settled for these contents now, by account. For whom the accounts are to write on
    was asked before."""
    names = {c.account_id: names_of(c) for c in contents}
    of = {c.account_id: accounts[c.account_id] for c in contents}
    brand_ids = {account.brand_id for account in of.values()}
    books = find_books(session, brand_ids, [n for each in names.values() for n in each])
    return {
        id_: called_on(names[id_], books[account.brand_id], account.network, specs[account.network].mentions)
        for id_, account in of.items()
    }


def find_gone(session: Session, accounts: Iterable[Account]) -> dict[int, frozenset[str]]:
    """Handles of the address book that the network of an account knows no more, in lower case, by account."""
    accounts = list(accounts)
    brands = {account.brand_id for account in accounts}
    wanted = (
        select(Contact.brand_id, ContactHandle.network, ContactHandle.handle)
        .join(Contact, Contact.id == ContactHandle.contact_id)
        .where(ContactHandle.state == GONE, or_(Contact.brand_id.in_(brands), Contact.brand_id.is_(None)))
    )
    rows = session.execute(wanted).all()

    def of(account: Account) -> frozenset[str]:
        own = (None, account.brand_id)
        return frozenset(h.lower() for brand_id, network, h in rows if network == account.network and brand_id in own)

    return {account.id: of(account) for account in accounts}


def _texts(target: PostTarget) -> list[str]:
    return [target.variant.text, *(str(item["text"]) for item in target.variant.items)]
