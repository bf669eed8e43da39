"""Lines to mail servers: IMAPClient and smtplib over the wire's own sockets.

Every line is opened under the address policy, has read time-outs and a total
deadline, and speaks TLS before it signs in. Refused: signing in over a clear
line to anything but an internal address, certificates that do not hold, literals
larger than a mail may be. Nothing is ever logged of what goes over a line.
"""

from __future__ import annotations

import base64
import contextlib
import imaplib
import ipaddress
import select
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from channels.email.settings import Host, Mailbox
from channels.errors import AuthExpired, ChannelError, Rejected, Unavailable
from channels.sentences import say
from channels.wire import Wire

# What ends a conversation with a server without saying that it refused us.
BROKEN = (OSError, IMAPClientAbortError, smtplib.SMTPServerDisconnected, EOFError, MemoryError)

# Response codes of RFC 5530 that mean "not now" when a sign-in is refused.
_NOT_NOW = ("[UNAVAILABLE]", "[LIMIT]", "[INUSE]", "[SERVERBUG]", "[CONTACTADMIN]")


def tls_context(wire: Wire) -> ssl.SSLContext:
    """Certificates and names are checked; a private authority can be given to the wire."""
    context = ssl.create_default_context(cafile=wire.ca_bundle or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _secured(sock: socket.socket, host: Host, wire: Wire) -> socket.socket:
    """`sock` behind TLS where the host speaks it from the first byte."""
    if host.tls == "tls":
        return tls_context(wire).wrap_socket(sock, server_hostname=host.name)
    if host.tls == "none" and ipaddress.ip_address(sock.getpeername()[0]).is_global:
        sock.close()
        raise Rejected("without TLS the password would cross the internet readable", code="needs_tls")
    return sock


@contextlib.contextmanager
def spoken(what: str) -> Iterator[None]:
    """Turns what goes wrong while only asking (never while sending) into a ChannelError."""
    try:
        yield
    except ChannelError:
        raise
    except ssl.SSLCertVerificationError as e:
        raise Unavailable(
            say("the {what} server's certificate does not hold: {words}", what=what, words=e.verify_message),
            code="bad_tls",
        ) from e
    except ssl.SSLError as e:
        raise Unavailable(
            say("no TLS with the {what} server: {words}", what=what, words=e.reason or say("it failed")), code="bad_tls"
        ) from e
    except BROKEN as e:
        raise Unavailable(say("the {what} server broke the line ({fault})", what=what, fault=type(e).__name__)) from e
    except (IMAPClientError, smtplib.SMTPException, ValueError) as e:
        raise Unavailable(
            say("the {what} server refused or misspoke ({fault})", what=what, fault=type(e).__name__), code="misspoke"
        ) from e


# ---------------------------------------------------------------- IMAP


class _Imap4(imaplib.IMAP4):
    """imaplib's protocol on a socket that was opened elsewhere."""

    def __init__(self, sock: socket.socket, host: str, most: int) -> None:
        self._ready, self._most = sock, most
        super().__init__(host)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._ready

    def read(self, size: int) -> bytes:
        # The size of a literal is the server's word; a buffer of that size is our memory.
        if size > self._most:
            raise self.abort(f"a literal of {size} bytes is larger than allowed")
        return super().read(size)


class ImapLine(IMAPClient):  # type: ignore[misc]  # the library has no annotations
    """IMAPClient on a socket of the wire's."""

    def __init__(self, sock: socket.socket, host: Host, wire: Wire) -> None:
        self._ready, self._most = sock, wire.max_body
        super().__init__(host.name, host.port, ssl=host.tls == "tls", timeout=wire.read_timeout)
        # IMAPClient has imaplib log every line; redaction by pattern is not enough for us.
        self._imap.debug = 0
        self.normalise_times = False

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap4(self._ready, self.host, self._most)

    def _poll_socket(self, sock: socket.socket, timeout: float | None = None) -> list[tuple[int, int]]:
        # The library asks the socket alone; what came in one piece with the answer to IDLE lies in
        # the reader already. The socket does not block here.
        with contextlib.suppress(OSError):
            if self._imap.file.peek(1):
                return [(sock.fileno(), select.POLLIN)]
        return list(super()._poll_socket(sock, timeout))


@contextlib.contextmanager
def imap_line(
    mailbox: Mailbox, secrets: Mapping[str, str], wire: Wire, *, deadline: float | None = None
) -> Iterator[ImapLine]:
    """A signed-in IMAP line, closed at the end. `deadline` in seconds for all of it.

    Raises Unavailable, AuthExpired, AddressRefused, Rejected.
    """
    sock = wire.open_socket(mailbox.imap.name, mailbox.imap.port)
    with contextlib.closing(sock), wire.shut_after(sock, deadline), spoken("IMAP"):
        line = ImapLine(_secured(sock, mailbox.imap, wire), mailbox.imap, wire)
        try:
            if mailbox.imap.tls == "starttls":
                if not line.has_capability("STARTTLS"):
                    raise Rejected("the IMAP server offers no STARTTLS", code="needs_tls")
                line.starttls(tls_context(wire))
            _sign_in_imap(line, mailbox.user, secrets)
            yield line
        finally:
            with contextlib.suppress(IMAPClientError, *BROKEN):
                line.logout()
            with contextlib.suppress(IMAPClientError, *BROKEN):
                line.shutdown()


def _sign_in_imap(line: ImapLine, user: str, secrets: Mapping[str, str]) -> None:
    try:
        if secrets.get("access_token"):
            line.oauth2_login(user, secrets["access_token"])
        elif line.has_capability("LOGINDISABLED"):
            raise Rejected("the IMAP server takes no password on this line; choose TLS", code="needs_tls")
        elif line.has_capability("AUTH=PLAIN"):
            line.plain_login(user, secrets.get("password", ""))  # LOGIN knows ASCII only
        else:
            line.login(user, secrets.get("password", ""))
    except LoginError as e:
        if any(code in str(e).upper() for code in _NOT_NOW):
            raise Unavailable("the IMAP server does not let anybody in just now") from None
        # From None: the library's exception may carry what was sent.
        raise AuthExpired("the IMAP server refused the sign-in") from None


# ---------------------------------------------------------------- SMTP


class _WholeLines:
    """Reads replies line by line; one that was cut off is none, though it may begin with "250"."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readline(self, most: int) -> bytes:
        line = self._file.readline(most)
        if line and not line.endswith(b"\n"):
            raise ConnectionAbortedError("a reply was cut off")
        return line

    def close(self) -> None:
        self._file.close()


class SmtpLine(smtplib.SMTP):
    """smtplib's protocol on a socket that was opened elsewhere."""

    def __init__(self, sock: socket.socket, host: Host, wire: Wire) -> None:
        self._ready = sock
        # An address literal: the name of this machine is nobody's business (RFC 5321 §4.1.3).
        super().__init__(host.name, host.port, local_hostname="[127.0.0.1]", timeout=wire.read_timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._ready

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _WholeLines(self.sock.makefile("rb"))
        return super().getreply()

    def plain_login(self) -> None:
        """AUTH PLAIN in UTF-8 (RFC 4616); smtplib's own knows ASCII only."""
        response = base64.b64encode(f"\0{self.user}\0{self.password}".encode()).decode()
        code, reply = self.docmd("AUTH", f"PLAIN {response}")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, reply)

    def xoauth2(self, challenge: bytes | None = None) -> str:
        """The XOAUTH2 response; an error challenge is answered with nothing, as asked for."""
        return "" if challenge else f"user={self.user}\1auth=Bearer {self.password}\1\1"


@contextlib.contextmanager
def smtp_line(mailbox: Mailbox, secrets: Mapping[str, str], wire: Wire) -> Iterator[SmtpLine]:
    """A signed-in SMTP line, closed at the end, under the wire's deadline.

    Raises Unavailable, AuthExpired, AddressRefused, Rejected until it is yielded; what
    the caller's block raises is left as it is, for only the caller knows what was sent.
    """
    host = mailbox.smtp
    sock = wire.open_socket(host.name, host.port)
    with contextlib.closing(sock), wire.shut_after(sock):
        with spoken("SMTP"):
            line = SmtpLine(_secured(sock, host, wire), host, wire)
            line.ehlo_or_helo_if_needed()
            if host.tls == "starttls":
                if not line.has_extn("starttls"):
                    raise Rejected("the SMTP server offers no STARTTLS", code="needs_tls")
                line.starttls(context=tls_context(wire))
                line.ehlo_or_helo_if_needed()
            _sign_in_smtp(line, mailbox.user, secrets)
        try:
            yield line
        finally:
            _hang_up(line)


def _hang_up(line: SmtpLine) -> None:
    """QUIT, without waiting long: what was accepted is accepted."""
    with contextlib.suppress(smtplib.SMTPException, *BROKEN):
        if line.sock:
            line.sock.settimeout(2)
            line.quit()
    line.close()


def _sign_in_smtp(line: SmtpLine, user: str, secrets: Mapping[str, str]) -> None:
    token = secrets.get("access_token")
    if not token and not secrets.get("password"):
        return  # a relay inside the house that asks for none
    line.user, line.password = user, token or secrets["password"]
    try:
        if token:
            line.auth("XOAUTH2", line.xoauth2)
        elif "PLAIN" in line.esmtp_features.get("auth", "").upper().split():
            line.plain_login()
        else:
            line.login(user, secrets["password"])
    except smtplib.SMTPAuthenticationError as e:
        if 400 <= e.smtp_code < 500:
            raise Unavailable("the SMTP server does not let anybody in just now", status=e.smtp_code) from None
        raise AuthExpired("the SMTP server refused the sign-in", status=e.smtp_code) from None
    except smtplib.SMTPNotSupportedError:
        raise Rejected("the SMTP server offers no sign-in on this line; choose TLS", code="needs_tls") from None


def server_says(reply: Any) -> str:
    """A server's words, short and printable, for a person."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
