"""Dovecot (IMAP and LMTP) and a small SMTP relay that delivers into it, on loopback, as
our own processes with a configuration in a temporary folder.

Debian: `apt-get install -y --no-install-recommends dovecot-imapd dovecot-lmtpd`. Where it
is missing the tests are skipped and say so; in CI they fail.
"""

from __future__ import annotations

import asyncio
import datetime
import getpass
import grp
import ipaddress
import json
import os
import pwd
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DOMAIN = "mail.example"
PASSWORD = "a pass word, with ünïcode"

_CONFIG = """
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_uid = {mail_user}
mail_gid = {mail_group}
first_valid_uid = 1
first_valid_gid = 0
mail_location = maildir:{folder}/mail/%u
auth_mechanisms = plain login xoauth2
auth_username_format = %Lu
disable_plaintext_auth = no
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={folder}/home/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
}}
protocol lmtp {{
  auth_socket_path = auth-userdb
}}
"""


@dataclass
class MailHost:
    """Where the services are. `accepted` holds the mails that the relay took, as bytes."""

    folder: Path
    imap: int
    imaps: int
    lmtp: int
    tokeninfo: int
    smtp: int = 0
    accepted: list[bytes] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)  # access token → address

    @property
    def ca_bundle(self) -> str:
        return str(self.folder / "cert.pem")

    def new_uidvalidity(self, address: str) -> None:
        """As after a migration: Dovecot's own numbering is thrown away."""
        (self.folder / "mail" / address / "dovecot-uidlist").unlink()
        for index in (self.folder / "mail" / address).glob("dovecot.index*"):
            index.unlink()

    def kick(self, address: str) -> None:
        """Break every line of a mailbox's owner."""
        command = ["doveadm", "-c", str(self.folder / "dovecot.conf"), "kick", address]
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def mail_host(*people: str) -> Iterator[MailHost]:
    """Start everything with an empty mailbox for each address; end it and what it left."""
    dovecot = shutil.which("dovecot") or "/usr/sbin/dovecot"
    if not Path(dovecot).exists() or not Path("/usr/lib/dovecot/lmtp").exists():
        _missing("Dovecot is not installed: apt-get install -y --no-install-recommends dovecot-imapd dovecot-lmtpd")
    folder = Path(tempfile.mkdtemp(prefix="guichet-dovecot-"))
    folder.chmod(0o755)
    try:
        host = MailHost(folder, *(_free_port() for _ in range(4)))
        _write_certificate(folder)
        _write_config(host, people)
        running = subprocess.Popen([dovecot, "-F", "-c", str(folder / "dovecot.conf")])
        try:
            _wait_for(host, running)
            with _relay(host), _tokeninfo(host):
                yield host
        finally:
            running.terminate()
            running.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _write_config(host: MailHost, people: tuple[str, ...]) -> None:
    root = os.geteuid() == 0
    user = "dovenull" if root else getpass.getuser()
    mail = "dovecot" if root else getpass.getuser()
    lines = [f"{address}:{{PLAIN}}{PASSWORD}\n" for address in people]
    (host.folder / "users").write_text("".join(lines), encoding="utf-8")
    for name in ("run", "state", "mail", "home"):
        (host.folder / name).mkdir()
    group = grp.getgrgid(pwd.getpwnam(mail).pw_gid).gr_name
    if root:
        for name in ("mail", "home"):
            shutil.chown(host.folder / name, mail, group)
    config = _CONFIG.format(
        folder=host.folder,
        user=user,
        group=grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name,
        mail_user=mail,
        mail_group=group,
        imap=host.imap,
        imaps=host.imaps,
        lmtp=host.lmtp,
    )
    (host.folder / "dovecot.conf").write_text(config, encoding="utf-8")
    (host.folder / "oauth2.conf").write_text(
        f"tokeninfo_url = http://127.0.0.1:{host.tokeninfo}/?access_token=\nusername_attribute = email\n"
    )


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)


def _wait_for(host: MailHost, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if running.poll() is not None:
            break
        try:
            for port in (host.imap, host.lmtp):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    log = host.folder / "dovecot.log"
    pytest.fail(f"Dovecot did not start: {log.read_text() if log.exists() else 'no log'}")


@contextmanager
def _tokeninfo(host: MailHost) -> Iterator[None]:
    """Where Dovecot asks whose a token is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            [token] = parse_qs(urlsplit(self.path).query).get("access_token", [""])
            known = host.tokens.get(token)
            body = json.dumps({"email": known} if known else {"error": "invalid_token"}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", host.tokeninfo), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


class _Relay:
    """Takes mail from those who signed in, and hands it to Dovecot by LMTP."""

    def __init__(self, host: MailHost) -> None:
        self._host = host

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self._host.accepted.append(envelope.content)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._hand_over, envelope.mail_from, envelope.rcpt_tos, envelope.content)
        return "250 2.0.0 on its way"

    def _hand_over(self, sender: str, recipients: list[str], content: bytes) -> None:
        with smtplib.LMTP("127.0.0.1", self._host.lmtp, local_hostname="localhost") as lmtp:
            lmtp.sendmail(sender, recipients, content)


@contextmanager
def _relay(host: MailHost) -> Iterator[None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(host.folder / "cert.pem", host.folder / "key.pem")

    def opens(server: Any, session: Any, envelope: Any, how: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return SMTP(
                _Relay(host),
                tls_context=context,
                require_starttls=True,
                authenticator=opens,
                auth_required=True,
                hostname="localhost",
                loop=loop,
            )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = loop.create_server(protocol, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(made, loop).result(10)
    host.smtp = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
