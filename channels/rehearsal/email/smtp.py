"""The SMTP side of the rehearsal provider, on aiosmtpd: sign-in, a size limit, and the
network's planted faults at MAIL, RCPT and the end of DATA."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import warnings
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from channels.rehearsal.base import Fault

# aiosmtpd writes every line that it hears, sign-ins included.
logging.getLogger("mail.log").setLevel(logging.ERROR)

SIZE_LIMIT = 10_000_000


class Office(Protocol):
    """What the server asks its network."""

    def password_opens(self, address: str, password: str) -> bool: ...

    def token_opens(self, address: str, token: str) -> bool: ...

    def struck_by(self, line: str) -> Fault | None: ...

    def knows(self, address: str) -> bool: ...

    def accept(self, sender: str, recipients: list[str], raw: bytes) -> None: ...


class Door:
    """aiosmtpd's handler: who may send what to whom."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        given = args[1] if len(args) > 1 else await self._challenged(server)
        found = re.fullmatch(
            r"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01", base64.b64decode(given).decode("utf-8", "replace")
        )
        holds = bool(found and self._office.token_opens(found.group(1), found.group(2)))
        return AuthResult(success=holds, handled=False, auth_data=found.group(1) if found else "")

    @staticmethod
    async def _challenged(server: SMTP) -> str:
        given = await server.challenge_auth("")
        return base64.b64encode(given if isinstance(given, bytes) else b"").decode()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        planted = await self._misbehave(server, f"SMTP MAIL {address}")
        if planted:
            return planted
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 go on"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        planted = await self._misbehave(server, f"SMTP RCPT {address}")
        if planted:
            return planted
        if not self._office.knows(address):
            return "550 5.1.1 nobody of that name here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 go on"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        def accept() -> None:
            content = envelope.content
            raw = content if isinstance(content, bytes) else (content or "").encode()
            self._office.accept(str(envelope.mail_from), list(envelope.rcpt_tos), raw)

        fault = self._office.struck_by("SMTP DATA")
        if fault is None:
            accept()
            return "250 2.0.0 kept"
        return await _at_the_end(fault, server, accept)

    async def _misbehave(self, server: SMTP, line: str) -> str:
        fault = self._office.struck_by(line)
        if fault is None:
            return ""
        if fault.effect == "slow":
            await asyncio.sleep(fault.seconds)
            return ""
        return _cut(server) if fault.effect.startswith("reset") else _refusal(fault)


async def _at_the_end(fault: Fault, server: SMTP, accept: Any) -> str:
    """A fault after the final dot: the whole mail is here."""
    if fault.effect == "status_before":
        return _refusal(fault)
    if fault.effect == "reset_before":
        return _cut(server)
    if fault.effect == "late":
        asyncio.get_running_loop().call_later(fault.seconds, accept)
        return _cut(server)
    accept()  # before any waiting: when the client hangs up, waiting ends
    if fault.effect == "slow":
        await asyncio.sleep(fault.seconds)
    if fault.effect == "reset_after":
        return _cut(server)
    if fault.effect == "status_after":
        return _refusal(fault)
    if fault.effect == "garbage_after":
        return "certainly"
    if fault.effect == "drip":
        for char in b"250 2.0.0 kep":
            _transport(server).write(bytes([char]))
            await asyncio.sleep(fault.seconds)
        return "t"
    return "250 2.0.0 kept"


def _transport(server: SMTP) -> asyncio.Transport:
    assert isinstance(server.transport, asyncio.Transport)
    return server.transport


def _refusal(fault: Fault) -> str:
    """A fault's reply; its `headers` may hold the words."""
    return f"{fault.status} {fault.headers.get('words', 'planted fault')}"


def _cut(server: SMTP) -> str:
    _transport(server).abort()
    return "421 gone"


def smtp_protocol(office: Office, loop: asyncio.AbstractEventLoop) -> SMTP:
    """What answers one client."""

    def opens(server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        holds = office.password_opens(data.login.decode(), data.password.decode())
        return AuthResult(success=holds, handled=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of passwords without TLS: this is loopback
        return SMTP(
            Door(office),
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname="rehearsal.example",
            authenticator=opens,
            auth_required=True,
            auth_require_tls=False,
            loop=loop,
        )
