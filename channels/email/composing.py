"""An answer as a mail: headers that thread it, words as text and as simple HTML, files.

The same draft and key give the same mail: its date comes out of the key. Nothing that
was typed or received can add a header or a recipient. Refuses to write to nobody, to an
address that cannot be one, and to anything that must not be answered.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from channels.contract import Draft, MediaItem
from channels.email.addresses import is_address
from channels.email.bodies import plain
from channels.email.hypertext import page_of
from channels.email.parsing import LOOP_HEADER
from channels.email.settings import Mailbox
from channels.email.tokens import address_with, is_token, subject_with
from channels.errors import Rejected

# Seven bits always: a server without 8BITMIME must not be able to garble what we say.
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=78)
_RE = re.compile(r"^(?:(?:re|aw|sv|antw|rép|rif|odp|res|vs)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE)
_KEY = re.compile(r"guichet\.(\d{10,17})\.[0-9a-f]{20}@\S{1,255}")
_MOST_REFERENCES = 30


def new_key(now: datetime, address: str) -> str:
    """A Message-ID, without angles, that holds the moment it was made."""
    domain = _ascii_domain(address.rpartition("@")[2])
    return f"guichet.{int(now.timestamp() * 1000)}.{secrets.token_hex(10)}@{domain}"


def _ascii_domain(domain: str) -> str:
    try:
        return domain.encode("idna").decode() if not domain.isascii() else domain
    except UnicodeError as e:
        raise Rejected("the domain of the address cannot be written in ASCII", code="bad_recipient") from e


def recipient_of(draft: Draft) -> str:
    """The one address that the answer goes to: where the customer asked for answers.

    Raises Rejected with code no_recipient, not_answerable or bad_recipient.
    """
    target = draft.reply_to
    if target is None:
        raise Rejected("an e-mail answers somebody; there is nobody to answer here", code="no_recipient")
    if target.context.get("answerable") is False:
        raise Rejected("this mail must not be answered: nobody would read the answer", code="not_answerable")
    if target.context.get("automatic") and draft.options.get("automatic"):
        raise Rejected("a machine does not answer a machine", code="not_answerable")
    return _fit(str(target.context.get("reply_to") or target.author_id))


def recipients_of(draft: Draft) -> list[Address]:
    """Everybody whom the mail goes to. Raises Rejected as `recipient_of` does."""
    named = draft.options.get("to")
    if not named:
        to = recipient_of(draft)
        assert draft.reply_to is not None  # recipient_of refused otherwise
        return [_address(str(draft.reply_to.context.get("reply_to_name", "")), to)]
    return [_address(str(one.get("name", "")), _fit(str(one.get("address", "")))) for one in named]


def _fit(address: str) -> str:
    if not is_address(address):
        raise Rejected("the address to answer to is not a mail address", code="bad_recipient")
    local, _, domain = address.rpartition("@")
    return f"{local}@{_ascii_domain(domain)}"


def subject_of(draft: Draft) -> str:
    """The subject, on one line, with one "Re:" before the thread's."""
    if draft.subject:
        return _one_line(draft.subject)
    above = _one_line(str(draft.reply_to.context.get("subject", ""))) if draft.reply_to else ""
    return f"Re: {_RE.sub('', above)}".strip()


def _one_line(text: str) -> str:
    return " ".join(plain(text).split())[:900]


def compose(draft: Draft, key: str, mailbox: Mailbox) -> EmailMessage:
    """The whole mail, ready to be sent. Raises Rejected as `recipient_of` does."""
    to = recipients_of(draft)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _address(mailbox.name, mailbox.address)
    mail["To"] = to
    mail["Subject"] = subject_of(draft)
    token = str(draft.options.get("token", ""))
    if is_token(token):
        if mailbox.takes_plus:
            mail["Reply-To"] = _address(mailbox.name, address_with(token, mailbox.address))
        else:
            mail.replace_header("Subject", subject_with(token, subject_of(draft)))
    mail["Date"] = format_datetime(_made_at(key))
    mail["Message-ID"] = f"<{key}>"
    target = draft.reply_to
    above = _safe_id(str(target.context.get("message_id") or target.remote_id)) if target else ""
    if above:
        mail["In-Reply-To"] = f"<{above}>"
    chain = _references(draft, above)
    if chain:
        mail["References"] = " ".join(f"<{id_}>" for id_ in chain)
    mail[LOOP_HEADER] = "answer"
    if draft.options.get("automatic"):
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", draft.language):
        mail["Content-Language"] = draft.language
    text = plain(draft.text)
    mail.set_content(text.rstrip("\n") + "\n", cte="quoted-printable")
    mail.add_alternative(page_of(text), subtype="html", cte="quoted-printable")
    _attach(mail, draft.media)
    return mail


def _address(name: str, address: str) -> Address:
    return Address(display_name=_one_line(name)[:200], addr_spec=address)


def _made_at(key: str) -> datetime:
    found = _KEY.fullmatch(key)
    if not found:
        raise Rejected("the key is not a Message-ID of ours", code="bad_key")
    return datetime.fromtimestamp(int(found.group(1)) / 1000, UTC).replace(microsecond=0)


def _safe_id(id_: str) -> str:
    """A Message-ID that can stand in a header; "" for one that we made up ourselves."""
    fits = re.fullmatch(r"[!-;=?-~]{1,900}", id_)
    return id_ if fits and not id_.endswith("@content.invalid") else ""


def _references(draft: Draft, above: str) -> list[str]:
    """The thread's first message, its latest ones, and the one answered."""
    target = draft.reply_to
    known: Iterable[object] = target.context.get("references", ()) if target else ()
    chain = [id_ for id_ in map(_safe_id, map(str, known)) if id_ and id_ != above]
    root = _safe_id(target.thread_root) if target else ""
    if root and root not in chain and root != above:
        chain.insert(0, root)
    if len(chain) > _MOST_REFERENCES:
        chain = [chain[0], *chain[1 - _MOST_REFERENCES :]]
    return [*chain, above] if above else chain


def _attach(mail: EmailMessage, media: Iterable[MediaItem]) -> None:
    for item in media:
        maintype, _, subtype = item.mime.partition("/")
        mail.add_attachment(
            item.open(), maintype=maintype, subtype=subtype, filename=_one_line(item.filename)[:150] or "attachment"
        )
        if item.alt:
            mail.get_payload()[-1]["Content-Description"] = _one_line(item.alt)  # type: ignore[index]
