"""A rehearsal mail provider on loopback: mailboxes of companies and of their customers,
SMTP in, IMAP out, a consent page for OAuth 2, and a ledger of the mails really accepted.

Planted faults match "SMTP MAIL …", "SMTP RCPT …", "SMTP DATA", "IMAP FETCH" and so on,
beside the HTTP lines of the consent page. `files_sent` makes it keep what is sent, as
some providers do.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

from flask import Flask, request

from channels.rehearsal.base import Fault, Network, Server
from channels.rehearsal.email.consent import add_consent_routes
from channels.rehearsal.email.imap import ImapSession
from channels.rehearsal.email.mailboxes import Mailboxes
from channels.rehearsal.email.smtp import smtp_protocol
from channels.rehearsal.store import Doc, Store

PASSWORD = "rehearsal"  # noqa: S105 - opens every mailbox here, and nothing else anywhere


class EmailNetwork(Network):
    """The provider. `files_sent`: whether it keeps in Sent what it accepts."""

    name = "email"

    def __init__(self, store: Store | None = None, *, files_sent: bool = False) -> None:
        self.files_sent = files_sent
        store = store or Store()
        self.mailboxes = Mailboxes(store)
        super().__init__(store)

    def routes(self, app: Flask) -> None:
        add_consent_routes(app, self)

        @app.post("/_rehearsal/uidvalidity/<address>")
        def renumber(address: str) -> Any:
            return {"uidvalidity": self.change_uidvalidity(address)}

        @app.post("/_rehearsal/mailbox/<address>")
        def open_mailbox(address: str) -> Any:
            """Somebody outside who can be written to, and has not written yet."""
            return self.add_person(address, str((request.get_json(silent=True) or {}).get("name", "")), "customer")

    # -- who is there

    def add_person(self, address: str, name: str = "", kind: str = "company") -> Doc:
        """A mailbox: of a company, or of a customer. Known ones stay as they are."""
        address = address.lower()
        known = self.store.get("person", address)
        doc = {"handle": address, "name": name or address.partition("@")[0].title(), "kind": kind}
        return known or self.store.put("person", address, doc)

    def knows(self, address: str) -> bool:
        return self.store.get("person", _mailbox(address)) is not None

    def password_opens(self, address: str, password: str) -> bool:
        """Any address signs in with the one password; a new one becomes a company's."""
        if password != PASSWORD or "@" not in address:
            return False
        self.add_person(address)
        return True

    def token_opens(self, address: str, token: str) -> bool:
        granted = self.store.get("access_token", token)
        return bool(granted and granted["address"] == address.lower() and float(granted["ends"]) > time.time())

    def struck_by(self, line: str) -> Fault | None:
        return self._struck_by(line)

    def change_uidvalidity(self, address: str, folder: str = "INBOX") -> int:
        """Number a folder's mails anew, as a migration does."""
        return self.mailboxes.change_uidvalidity(address, folder)

    # -- mail comes in

    def accept(self, sender: str, recipients: list[str], raw: bytes) -> None:
        """Take responsibility for a mail: into the ledger, into its recipients' inboxes."""
        mail = message_from_bytes(raw, policy=policy.default)
        id_ = str(mail["Message-ID"] or "").strip("<> ")
        with self.store.lock:
            self.publish_to_ledger(
                "reply" if mail["In-Reply-To"] else "post",
                sender,
                id_,
                _text(mail),
                key=id_,
                in_reply_to=str(mail["In-Reply-To"] or "").strip("<> "),
                media=tuple(_file(part) for part in mail.iter_attachments()),
                extra={"to": recipients, "subject": str(mail["Subject"] or ""), "headers": _headers(mail)},
            )
            self._remember(mail)
            for recipient in recipients:
                self.deliver(recipient, raw, sender)
            if self.files_sent:
                self.mailboxes.add(sender, "Sent", raw, flags=["\\Seen"], visible_at=self.visible_at())

    def deliver(self, recipient: str, raw: bytes, sender: str = "") -> int:
        """Put a mail into an inbox, with the marks that a provider adds; gives its UID."""
        now = format_datetime(datetime.now(UTC))
        marks = f"Return-Path: <{sender}>\r\nReceived: by rehearsal.example for {recipient}; {now}\r\n"
        return self.mailboxes.add(_mailbox(recipient), "INBOX", marks.encode() + raw)

    def _remember(self, mail: EmailMessage) -> None:
        id_ = str(mail["Message-ID"] or "").strip("<> ")
        chain = [*str(mail["References"] or "").split(), f"<{id_}>"]
        self.store.put("thread", id_, {"references": chain, "subject": str(mail["Subject"] or "")})

    # -- a customer writes

    def say(self, who: str, text: str, **how: Any) -> Doc:
        """A customer's mail. `who` and `to` are addresses (a bare name gets a domain). `how`
        may hold to, in_reply_to (a Message-ID), subject, html, headers (name → value) and
        attachments ({"filename", "mime", "data": base64}). Raises LookupError, ValueError."""
        unknown = how.keys() - {"to", "in_reply_to", "subject", "html", "headers", "attachments", "direct"}
        if unknown:
            raise ValueError(f"a mail has no {', '.join(sorted(unknown))}")
        customer = self.add_person(_address(who, "customer.example"), kind="customer")
        company = self._company(how.get("to", ""))
        mail = self._written(customer, company, text, how)
        self._remember(mail)
        uid = self.deliver(company, mail.as_bytes(), customer["handle"])
        id_ = str(mail["Message-ID"]).strip("<>")
        return {"remote_id": id_, "id": id_, "to": company, "who": customer["handle"], "uid": uid, "text": text}

    def _written(self, customer: Doc, company: str, text: str, how: Mapping[str, Any]) -> EmailMessage:
        parent = how.get("in_reply_to", "")
        above = self.store.get("thread", parent) or {"references": [f"<{parent}>"], "subject": ""}
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"] = f'"{customer["name"]}" <{customer["handle"]}>'
        mail["To"] = company
        usual = f"Re: {above['subject'].removeprefix('Re: ')}" if parent else text[:60].split("\n")[0]
        mail["Subject"] = how.get("subject") or usual
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=customer["handle"].partition("@")[2])
        if parent:
            mail["In-Reply-To"] = f"<{parent}>"
            mail["References"] = " ".join(above["references"])
        for name, value in how.get("headers", {}).items():
            mail[name] = value
        mail.set_content(text)
        if how.get("html"):
            mail.add_alternative(how["html"], subtype="html")
        for file in how.get("attachments", ()):
            maintype, _, subtype = file["mime"].partition("/")
            data = base64.b64decode(file["data"])
            mail.add_attachment(data, maintype=maintype, subtype=subtype, filename=file["filename"])
        return mail

    def _company(self, to: str) -> str:
        if to:
            company = _address(to, "company.example")
            self.add_person(_mailbox(company))
            return company
        companies = [p for p in self.people() if p["kind"] == "company"]
        if not companies:
            raise LookupError("no company has a mailbox here yet: say to whom")
        return str(companies[0]["handle"])


def _mailbox(address: str) -> str:
    """Whose mailbox takes it: what stands behind a plus is the reader's."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _address(who: str, domain: str) -> str:
    return who if "@" in who else f"{who}@{domain}"


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()).replace("\r\n", "\n").removesuffix("\n") if body else ""


def _headers(mail: EmailMessage) -> dict[str, str]:
    return {name: str(value) for name, value in mail.items()}


def _file(part: Any) -> dict[str, Any]:
    data = part.get_payload(decode=True) or b""
    return {
        "filename": part.get_filename(),
        "mime": part.get_content_type(),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "alt": str(part["Content-Description"] or ""),
    }


class MailServer(Server):
    """The provider served on loopback: its consent page and controls over HTTP, IMAP and
    SMTP beside it. Ports of 0 are chosen by the system."""

    def __init__(self, network: EmailNetwork, port: int = 0, imap_port: int = 0, smtp_port: int = 0) -> None:
        super().__init__(network, port)
        self._mail, self.imap_port, self.smtp_port = network, imap_port, smtp_port
        self._loop = asyncio.new_event_loop()
        self._mail_thread = threading.Thread(target=self._loop.run_forever, name="rehearsal-mail", daemon=True)
        self._listening: list[asyncio.Server] = []

    def __enter__(self) -> MailServer:
        super().__enter__()
        self._mail_thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.imap_port, self.smtp_port = (s.sockets[0].getsockname()[1] for s in self._listening)
        return self

    async def _listen(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await ImapSession(self._mail, reader, writer).run()

        imap = await asyncio.start_server(serve, "127.0.0.1", self.imap_port, limit=1_000_000)
        smtp = await self._loop.create_server(
            lambda: smtp_protocol(self._mail, self._loop), "127.0.0.1", self.smtp_port
        )
        self._listening = [imap, smtp]

    def __exit__(self, *exc: object) -> None:
        if self._listening:
            asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
            self._listening = []
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._mail_thread.join(5)
            super().__exit__(*exc)

    async def _hang_up(self) -> None:
        for listening in self._listening:
            listening.close()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
