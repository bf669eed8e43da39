"""What may be said beside a conversation, to whom, and who answers there. Pure.

An address is refused unless it surely stands in a header and in an SMTP command as one
address; the channel asks again before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from channels.sentences import say
from guichet.errors import Invalid
from guichet.inbox.words import clean, clean_short

MOST_RECIPIENTS = 10
LONGEST_TEXT = 20_000  # code points, without what is quoted
LONGEST_QUOTE = 20_000
_ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}@(?=.{3,255}\Z)(?:[\w](?:[\w-]*[\w])?\.)+[\w](?:[\w-]*[\w])?")


class Sender(StrEnum):
    """Who wrote what came in: one of those written to, somebody else, or the customer."""

    EXPECTED = "expected"
    UNEXPECTED = "unexpected"
    CUSTOMER = "customer"


def recipients_of(given: Iterable[Mapping[str, str]], own: Collection[str]) -> list[dict[str, str]]:
    """Name and address of each, once. `own` are the addresses of our mailboxes: who wrote there
    would write to themselves. Raises Invalid on the field `to`."""
    found: dict[str, dict[str, str]] = {}
    for one in given:
        address = one["address"].strip().lower()
        if not _ADDRESS.fullmatch(address) or ".." in address or address.startswith("."):
            raise Invalid("this is no mail address", {"to": say("{address} is no mail address", address=address[:300])})
        if plain_address(address) in own:
            raise Invalid(
                "this is a mailbox of our own",
                {"to": say("{address} is a mailbox of our own: write a note to colleagues", address=address)},
            )
        found.setdefault(address, {"name": clean_short(one.get("name", "")), "address": address})
    if not 1 <= len(found) <= MOST_RECIPIENTS:
        raise Invalid("whom to write to?", {"to": say("needs 1 to {most} addresses", most=MOST_RECIPIENTS)})
    return list(found.values())


def plain_address(address: str) -> str:
    """Without what stands behind a plus."""
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def named(recipients: Sequence[Mapping[str, str]]) -> str:
    """Whom one waits for, in a few words."""
    first = recipients[0]["name"] or recipients[0]["address"]
    return clean_short(first if len(recipients) == 1 else f"{first} +{len(recipients) - 1}")


def body_of(text: str, quotes: Sequence[tuple[str, datetime, str]]) -> str:
    """What goes out: the text, and below it what was quoted (who, when, what). Raises Invalid."""
    said = clean(text).strip()
    if not said or len(said) > LONGEST_TEXT:
        raise Invalid("something must be said", {"text": say("must have 1 to {most} characters", most=LONGEST_TEXT)})
    parts = [said]
    for who, at, words in quotes:
        lines = [f"{who}, {at:%Y-%m-%d %H:%M} UTC:", *words.strip().splitlines()]
        parts.append("\n".join(f"> {line}".rstrip() for line in lines))
    return clean("\n\n".join(parts), LONGEST_TEXT + LONGEST_QUOTE)


def sender_of(address: str, recipients: Iterable[Mapping[str, Any]], customer: Collection[str]) -> Sender:
    """Whom an address belongs to. (From can be forged: what was expected is still only claimed.)"""
    wanted = address.strip().lower()
    if wanted in {str(one["address"]) for one in recipients}:
        return Sender.EXPECTED
    return Sender.CUSTOMER if wanted in customer else Sender.UNEXPECTED
