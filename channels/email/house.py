"""Mail of the installation itself, to the people who work here: alerts and the like.

It comes from nobody who could be answered, says so (RFC 3834), and is handed to one server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from channels.email.dialing import smtp_line, spoken
from channels.email.sending import send_mail
from channels.email.settings import Host, Mailbox
from channels.errors import Rejected
from channels.wire import Wire

_POLICY = SMTP.clone(cte_type="7bit", max_line_length=78)
_TLS: Mapping[str, tuple[str, int]] = {"smtps": ("tls", 465), "smtp": ("starttls", 587), "smtp+plain": ("none", 25)}


@dataclass(frozen=True)
class House:
    """Where our own mail goes out, and whom it comes from."""

    sender: str
    host: Host
    user: str = ""
    password: str = field(default="", repr=False)

    def send(self, mail: EmailMessage, wire: Wire) -> str:
        """One mail, one try; the server's words. Raises ChannelError."""
        return send_mail(mail, self.sender, [mail["To"].addresses[0].addr_spec], self._open(wire))

    def check(self, wire: Wire) -> None:
        """Sign in and hang up. Raises ChannelError."""
        with self._open(wire) as line, spoken("SMTP"):
            line.noop()

    def _open(self, wire: Wire):  # type: ignore[no-untyped-def]
        mailbox = Mailbox(self.sender, "", self.user, self.host, self.host)
        return smtp_line(mailbox, {"password": self.password} if self.password else {}, wire)


def house_of(url: str, sender: str) -> House:
    """From an address such as smtps://user:password@host:465. Raises Rejected for another."""
    parts = urlsplit(url)
    try:
        tls, usual = _TLS[parts.scheme]
        host = Host(parts.hostname or "", parts.port or usual, tls)
    except (KeyError, ValueError) as e:
        raise Rejected("that is not the address of a mail server", code="bad_address") from e
    if not host.name:
        raise Rejected("that is not the address of a mail server", code="bad_address")
    return House(sender, host, unquote(parts.username or ""), unquote(parts.password or ""))


def write(
    sender: str, to: str, name: str, subject: str, text: str, *, key: str, now: datetime, headers: Mapping[str, str]
) -> EmailMessage:
    """A plain mail. `key` is its Message-ID without brackets: the same mail again has the same."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address("Guichet", addr_spec=sender)
    mail["To"] = Address(_line(name), addr_spec=to)
    mail["Subject"] = _line(subject)
    mail["Date"] = now
    mail["Message-ID"] = f"<{key}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    for header, value in headers.items():
        mail[header] = value
    mail.set_content(text)
    return mail


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
