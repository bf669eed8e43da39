"""Answers by SMTP: one mail, one try (RFC 5321). Of several recipients all are taken, or none.

What can be said about acceptance is exact here. Until the final dot is written the
server cannot have accepted (Unavailable); a reply to the dot is the truth, whatever it
says (§4.2.5); after the dot without a reply, nobody knows (OutcomeUnknown).
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from channels.contract import JSON, Connection, Draft, Receipt
from channels.email.addresses import message_ids
from channels.email.composing import compose, new_key, recipients_of
from channels.email.dialing import BROKEN, SmtpLine, server_says, smtp_line
from channels.email.settings import mailbox_of
from channels.errors import AuthExpired, ChannelError, OutcomeUnknown, RateLimited, Rejected, Unavailable
from channels.sentences import say
from channels.wire import Wire

# Servers say "too often" in a 4xx with 4.7.x, or in words (RFC 3463 knows no code for it).
_TOO_OFTEN = re.compile(r"\b4\.7\.\d|rate|too many|throttl|quota|limit exceeded", re.IGNORECASE)
SIZE_SHARE = 0.72  # of a mail's size limit is left for files once they are base64


class MailPublisher:
    """Sends answers from one mailbox."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._mailbox = mailbox_of(connection.settings)
        self._secrets = connection.secrets
        self._size_limit = int(connection.settings.get("size_limit") or 0)
        self._wire = wire

    def new_key(self, now: datetime) -> str:
        """The Message-ID, which is also the receipt's remote id. `now` becomes the Date."""
        return new_key(now, self._mailbox.address)

    def prepare(self, draft: Draft) -> JSON:
        """Checks that there is somebody to answer and that the server would take the size;
        a mail has nothing to be uploaded first. Raises Rejected."""
        recipients = recipients_of(draft)
        size = len(draft.text.encode()) * 3 + sum(item.size for item in draft.media)
        if self._size_limit and size > self._size_limit * SIZE_SHARE:
            raise Rejected(
                say(
                    "the files are too large: the mail server takes mails of {most} MB",
                    most=self._size_limit // 1_000_000,
                ),
                code="too_large",
            )
        return {"to": [one.addr_spec for one in recipients]}

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        """Hands the mail to the server. Raises as the module says, and Rejected, RateLimited
        or AuthExpired as the server refuses."""
        mail = compose(draft, key, self._mailbox)
        recipients = [one.addr_spec for one in recipients_of(draft)]
        reply = send_mail(mail, self._mailbox.address, recipients, self._open())
        return Receipt(
            remote_id=key,
            context={
                "message_id": key,
                "references": message_ids(str(mail["References"] or "")),
                "subject": str(mail["Subject"]),
                "reply_to": recipients[0],
                "server_said": reply,
            },
        )

    def _open(self) -> Any:
        return smtp_line(self._mailbox, self._secrets, self._wire)


def send_mail(mail: EmailMessage, sender: str, recipients: Sequence[str], opening: Any) -> str:
    """One mail over the line that `opening` opens; the server's words of acceptance."""
    data = _dotted(mail.as_bytes())
    dot_sent = False
    try:
        with opening as line:
            _envelope(line, sender, recipients, len(data))
            line.send(data)
            dot_sent = True
            line.send(b".\r\n")
            code, reply = line.getreply()
            if 400 <= code < 600:
                raise _refusal(code, reply, say("the mail"))
            if not 200 <= code < 300:
                raise OutcomeUnknown("the server's reply to the mail cannot be read", code="unreadable_success")
            return server_says(reply)
    except ChannelError:
        raise
    except (smtplib.SMTPException, *BROKEN) as e:
        if dot_sent:
            raise OutcomeUnknown(
                "the line broke after the whole mail was handed over", code="no_reply_after_data"
            ) from e
        raise Unavailable(
            say("the line broke before the mail was handed over ({fault})", fault=type(e).__name__)
        ) from e


def _dotted(data: bytes) -> bytes:
    """CR LF at every line's end, and a dot doubled at a line's beginning (§4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    lines = re.sub(rb"(?m)^\.", b"..", lines)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _envelope(line: SmtpLine, sender: str, recipients: Sequence[str], size: int) -> None:
    """MAIL, RCPT and DATA, up to the server's go-ahead."""
    options = [f"SIZE={size}"] if line.has_extn("size") else []
    if not all(address.isascii() for address in (sender, *recipients)):
        if not line.has_extn("smtputf8"):
            raise Rejected("the mail server cannot write to an address with letters beyond ASCII", code="bad_recipient")
        options.append("SMTPUTF8")
        line.command_encoding = "utf-8"
    code, reply = line.mail(sender, options)
    if not 200 <= code < 300:
        raise _refusal(code, reply, say("the sender"))
    for recipient in recipients:
        code, reply = line.rcpt(recipient)
        if not 200 <= code < 300:
            one = len(recipients) == 1
            raise _refusal(
                code, reply, say("the recipient") if one else say("the recipient {address}", address=recipient)
            )
    code, reply = line.docmd("DATA")
    if code != 354:
        raise _refusal(code, reply, say("the mail"))


def _refusal(code: int, reply: bytes, what: str) -> ChannelError:
    """A refusal is proof that nothing was accepted; the code says whether to try again."""
    words = server_says(reply)
    detail, evidence = (
        say("the mail server refused {what}: {words}", what=what, words=f"{code} {words}"),
        {"status": code, "answer": words},
    )
    if code in (530, 535, 538):
        return AuthExpired(detail, status=code, evidence=evidence)
    if 400 <= code < 500:
        if _TOO_OFTEN.search(words):
            return RateLimited(detail, status=code, evidence=evidence)
        return Unavailable(detail, code="deferred", status=code, evidence=evidence)
    if not 500 <= code < 600:
        return Unavailable(say("the mail server misspoke about {what}", what=what), code="misspoke", evidence=evidence)
    if code == 552:
        return Rejected(detail, code="too_large", status=code, evidence=evidence)
    return Rejected(detail, status=code, evidence=evidence)
