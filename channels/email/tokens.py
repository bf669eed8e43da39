"""The token of a thread with somebody outside: put where an answer brings it back, and found there.

Behind a plus in the address that answers go to (RFC 5233), where the mailbox is known to take
such addresses; else in the subject. Whoever holds the token was written to, or was shown the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from channels.email.addresses import Mailing

_FORM = r"[0-9a-f]{20}"
_IN_ADDRESS = re.compile(rf"\+re\.({_FORM})@", re.IGNORECASE)
_IN_SUBJECT = re.compile(rf"\[ref:({_FORM})\]", re.IGNORECASE)
_WHOLE = re.compile(_FORM)


def is_token(text: str) -> bool:
    return bool(_WHOLE.fullmatch(text))


def address_with(token: str, address: str) -> str:
    """The mailbox's address, with the token behind a plus."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}+re.{token}@{domain}"


def subject_with(token: str, subject: str) -> str:
    """The subject, with the token where it is not yet there."""
    return subject if token in subject else f"{subject} [ref:{token}]".strip()


def tokens_in(addressed: Iterable[Mailing], subject: str) -> tuple[str, ...]:
    """The tokens that a mail brings back."""
    found = [token for mailing in addressed for token in _IN_ADDRESS.findall(mailing.address)]
    return tuple(dict.fromkeys(token.lower() for token in [*found, *_IN_SUBJECT.findall(subject)]))
