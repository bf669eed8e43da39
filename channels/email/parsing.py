"""From a mail's bytes to what a customer said (RFC 5322, MIME, RFC 3834, RFC 3464).

Keeps everything that a person may need and decides nothing that a sender could forge:
a mail in the inbox that claims to come from our own address is never our own speech;
only what lies in Sent is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from channels.contract import Bounce, Inbound, InboundKind, Person, RawItem, Surface
from channels.email import hypertext, quotes
from channels.email.addresses import Mailing, addresses_in, is_address, message_ids
from channels.email.bodies import Contents, body_of, contents, header, headers, opened, opened_head
from channels.email.invitations import invitation
from channels.email.tokens import tokens_in
from channels.errors import Malformed
from channels.sentences import from_json, say

INBOX, SENT = "INBOX", "Sent"
LOOP_HEADER = "X-Guichet-Loop"
PROBE_HEADER = "X-Guichet-Probe"

_NOBODY = Mailing("", "unknown@invalid")
_MACHINES = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+=._-].*)?@", re.IGNORECASE)
_BOUNCERS = re.compile(r"(?:mailer-daemon|postmaster)@", re.IGNORECASE)


def message_id(raw: bytes) -> str:
    """The Message-ID without its angles; "" where there is none that could be answered to."""
    found = message_ids(header(opened_head(raw), "Message-ID"))
    return found[0] if found else ""


def delivery_key(raw: bytes) -> str:
    """The same for every copy of a mail, wherever and under whatever UID it lies: its
    Message-ID and a hash of what follows the headers, which change on the way. A mail
    without a Message-ID is known by what its author wrote."""
    digest = hashlib.sha256(body_of(raw)).hexdigest()
    id_ = message_id(raw)
    if id_:
        return f"{hashlib.sha256(id_.encode()).hexdigest()[:24]}:{digest[:32]}"
    return f"{_content_id(raw)}:{digest[:32]}"


def _content_id(raw: bytes) -> str:
    message = opened_head(raw)
    told = "\0".join(header(message, name) for name in ("Date", "From", "Subject"))
    return hashlib.sha256(told.encode() + b"\0" + body_of(raw)).hexdigest()[:24]


def parse(item: RawItem, own: str) -> list[Inbound]:
    """What one stored mail says, to the mailbox whose address is `own`.

    Empty for our own probe. Raises Malformed where the server could not hand it over.
    """
    if not item.body.strip():
        raise Malformed(_why_unreadable(item) or "the mail server handed over an empty mail")
    message = opened(item.body)
    if header(message, PROBE_HEADER):
        return []
    return [_inbound(item, message, own.lower())]


def _why_unreadable(item: RawItem) -> str:
    kept = item.headers.get("unreadable", "")
    try:
        return from_json(json.loads(kept))
    except (ValueError, LookupError):  # kept as plain words
        return kept


def _inbound(item: RawItem, message: Message, own: str) -> Inbound:
    found = contents(message)
    author, reply_to = _correspondents(message, own)
    id_ = next(iter(message_ids(header(message, "Message-ID"))), "") or f"{_content_id(item.body)}@content.invalid"
    chain = _chain(message)
    bounce = _bounce(message, author)
    automatic, why_not = _automatic(message, author, bool(bounce), own), ""
    if bounce:
        why_not = say("it is a report about a mail that could not be delivered")
    elif header(message, LOOP_HEADER):
        why_not = say("it is our own mail coming back")
    elif not is_address(reply_to.address) or reply_to.address in (own, _NOBODY.address):
        why_not = say("it gives no address to answer to")
    elif header(message, "Auto-Submitted").lower().startswith("auto-replied"):
        why_not = say("it was sent by an auto-responder")
    echo = item.stream == SENT
    invited = invitation(found.media)
    return Inbound(
        remote_id=id_,
        kind=InboundKind.ECHO if echo else InboundKind.MAIL,
        surface=Surface.MAIL,
        author=Person(author.address, author.address, author.name),
        text=_newly_written(found),
        html=found.html,
        remote_at=_when(message, item),
        thread_root=chain[0] if chain else id_,
        in_reply_to=(bounce.get("message_id") or (chain[-1] if chain else "")),
        recipient_id=next((m.address for m in addresses_in(header(message, "To"))), "") if echo else "",
        tokens=tokens_in(_addressed(message), header(message, "Subject")),
        references=tuple(chain),
        subject=header(message, "Subject")[:998],
        language=header(message, "Content-Language").partition(",")[0].strip()[:35],
        media=tuple(found.media),
        can_reply=not why_not,
        cannot_reply_reason=why_not,
        automatic=automatic,
        arrived_at=_arrived(item),
        answers_elsewhere=reply_to.address not in (author.address, own),
        context={
            "message_id": id_,
            "references": chain,
            "subject": header(message, "Subject")[:998],
            "reply_to": reply_to.address,
            "reply_to_name": reply_to.name,
            "answerable": not why_not,
            "automatic": automatic,
            **({"invitation": invited} if invited else {}),
        },
        raw=_kept(item, message, found, bounce),
        bounce=_reported(bounce),
    )


def _correspondents(message: Message, own: str) -> tuple[Mailing, Mailing]:
    """Who wrote, and where an answer goes. A web form that writes in our own name with the
    customer in Reply-To was written by that customer."""
    author = _first(message, "From", "Sender", "Reply-To", "Return-Path") or _NOBODY
    reply_to = _first(message, "Reply-To") or author
    if author.address == own and reply_to.address != own:
        author = reply_to
    return author, reply_to


def _addressed(message: Message) -> list[Mailing]:
    """Every address that the mail names as one that it was for. What our own mail carries in
    Reply-To counts too: a copy of it in Sent, or coming back, belongs where it went out from."""
    names = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "Reply-To")
    return [one for name in names for value in headers(message, name)[:10] for one in addresses_in(value)]


def _first(message: Message, *names: str) -> Mailing | None:
    for name in names:
        for value in headers(message, name):
            found = addresses_in(value)
            if found:
                return found[0]
    return None


def _chain(message: Message) -> list[str]:
    """The thread above, first message first: References, then In-Reply-To (RFC 5322 §3.6.4)."""
    references = message_ids(" ".join(headers(message, "References")))
    parents = message_ids(" ".join(headers(message, "In-Reply-To")))
    return [*references, *(p for p in parents[:1] if p not in references)]


def _automatic(message: Message, author: Mailing, bounce: bool, own: str) -> bool:
    """Whether a machine wrote it (RFC 3834). "Precedence: list" is no sign of it: an inbox
    behind a mailing list gets every customer's mail so."""
    if bounce or header(message, LOOP_HEADER) or author.address == own:
        return True
    submitted = header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    suppress = header(message, "X-Auto-Response-Suppress").lower()
    return (
        submitted not in ("", "no")
        or header(message, "Precedence").strip().lower() in ("bulk", "junk", "auto_reply")
        or any(word in suppress for word in ("all", "oof", "autoreply"))
        or any(header(message, name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From"))
        or header(message, "Return-Path").strip() == "<>"
        or bool(_MACHINES.match(author.address))
    )


def _bounce(message: Message, author: Mailing) -> dict[str, str]:
    """What a delivery report says of the mail that it is about (RFC 3464); {} if it is none."""
    report = message.get_content_type() == "multipart/report"
    returned = header(message, "Return-Path").strip() == "<>" and _BOUNCERS.match(author.address)
    if not report and not returned and not _BOUNCERS.match(author.address):
        return {}
    text = _report_text(message)
    told: dict[str, str] = {"report": "yes"}
    for key, pattern in _REPORTED.items():
        found = pattern.search(text)
        if found:
            told[key] = found.group(1).strip()[:500]
    return told


def _reported(told: Mapping[str, str]) -> Bounce | None:
    """None also where it does not say which mail it is about, or that it did arrive (RFC 3464 §2.3.3).
    Reports of another make say no action: they are sent once it is given up."""
    action, status = told.get("action", "").lower(), told.get("status", "")
    if "message_id" not in told or action in ("delivered", "relayed", "expanded"):
        return None
    is_final = action == "failed" or (not action and not status.startswith("4"))
    return Bounce(told["message_id"], told.get("recipient", ""), status, is_final)


_REPORTED = {
    "message_id": re.compile(r"^Message-ID:\s*<([^<>\s]{1,900})>", re.IGNORECASE | re.MULTILINE),
    "recipient": re.compile(
        r"^(?:Final|Original)-Recipient:[^;\n]{0,80};[ \t]*(\S{1,320})", re.IGNORECASE | re.MULTILINE
    ),
    "status": re.compile(r"^Status:[ \t]*(\d\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE),
    "action": re.compile(r"^Action:[ \t]*(\w{1,20})", re.IGNORECASE | re.MULTILINE),
}


def _report_text(message: Message) -> str:
    """The parts of a report below its headers, as they stand, within bounds."""
    payload = message.get_payload()
    if not isinstance(payload, list):
        return str(payload)[:100_000]
    pieces = []
    for part in payload[:10]:
        for inner in part.walk() if isinstance(part, Message) else ():
            pieces += [f"{key}: {str(value)[:1000]}" for key, value in list(inner.raw_items())[:100]]
            text = inner.get_payload()
            if isinstance(text, str):
                pieces.append(text[:20_000])
    return "\n".join(pieces)[:200_000]


def _newly_written(found: Contents) -> str:
    if found.text.strip():
        return quotes.newly_written(found.text)
    return quotes.newly_written(hypertext.newly_written(found.html)) if found.html else ""


def sent_before(raw: bytes, when: datetime) -> bool:
    """Whether the mail says that it was sent before `when`; False where it says nothing."""
    sent = _sent_at(opened_head(raw))
    return sent is not None and sent < when


def _sent_at(message: Message) -> datetime | None:
    try:
        sent = parsedate_to_datetime(header(message, "Date"))
        return (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _when(message: Message, item: RawItem) -> datetime:
    """When it was sent, as it says; when it arrived, where it says nothing believable."""
    arrived, sent = _arrived(item), _sent_at(message)
    if sent is None:
        return arrived or datetime.fromtimestamp(0, UTC)
    if arrived and not arrived - timedelta(days=30) <= sent <= arrived + timedelta(minutes=10):
        return arrived
    return sent


def _arrived(item: RawItem) -> datetime | None:
    return datetime.fromisoformat(item.headers["arrived"]) if item.headers.get("arrived") else None


def _kept(item: RawItem, message: Message, found: Contents, bounce: Mapping[str, str]) -> dict[str, Any]:
    """What is kept beside the words: the whole text with its quotes, and telling headers."""
    told = ("From", "To", "Cc", "Reply-To", "Date", "Subject", "Message-ID", "Auto-Submitted", "List-Id", "Precedence")
    return {
        "text": found.words,
        "headers": {name: header(message, name)[:2000] for name in told if header(message, name)},
        "size": int(item.headers.get("size") or len(item.body)),
        "cut_off": item.headers.get("cut_off") == "yes",
        "attachments_left_out": found.left_out,
        **({"bounce": dict(bounce)} if bounce else {}),
    }
