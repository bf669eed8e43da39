"""Connecting a mailbox: with a typed password, or by OAuth 2 where the host demands it.

Both ways end in the same proof: signed in to IMAP and to SMTP. Then, if wanted, one
mail to oneself shows whether the provider files what it sends, which decides whether
the truth about a doubtful send can be read there.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from imapclient.imapclient import SENT as SENT_FOLDER

from channels.contract import AppKeys, Connected, Connection, Consent
from channels.email.composing import new_key
from channels.email.dialing import ImapLine, imap_line, smtp_line
from channels.email.looking import filed_uids
from channels.email.parsing import PROBE_HEADER
from channels.email.sending import send_mail
from channels.email.settings import PROVIDERS, Mailbox, Provider, bad_form, mailbox_of
from channels.errors import ChannelError
from channels.oauth import OAuth2App, OAuth2Tokens, begin_oauth2, complete_oauth2, refresh_oauth2
from channels.sentences import say
from channels.wire import Wire

_PROBE_TEXT = (
    "This mail was sent by Guichet to its own mailbox, once, when the mailbox was connected. "
    "It shows whether the provider keeps a copy of what is sent. It can be deleted.\n"
)


class MailConnector:
    """Connects mailboxes. `app` holds the keys of one OAuth registration; a form may
    bring its own, as each tenant of a large host has. The provider has `probe_seconds` to
    file the probe."""

    def __init__(self, app: AppKeys, wire: Wire, probe_seconds: float = 10.0) -> None:
        self._app, self._wire, self._probe_seconds = app, wire, probe_seconds

    # -- password

    def sign_in(self, form: Mapping[str, str]) -> Connected:
        """Raises Rejected ("bad_form", "needs_tls"), AuthExpired, Unavailable."""
        mailbox = mailbox_of(form)
        if not form.get("password"):
            raise bad_form("password", say("a password is needed"))
        return self._prove(mailbox, {"password": form["password"]}, {}, form.get("probe_sent", "yes") != "no")

    # -- OAuth 2

    def begin(self, form: Mapping[str, str], redirect_uri: str, state: str) -> Consent:
        """Checks the form first: consent for a mailbox that cannot be reached is worth nothing."""
        mailbox = mailbox_of(form)
        chosen = form.get("provider", "")
        provider = PROVIDERS.get(chosen)
        if provider is None and chosen != "other":
            raise bad_form("provider", say("choose whose sign-in page to use"))
        settings = self._oauth_settings(form, provider)
        consent = begin_oauth2(
            self._oauth_app(settings, form.get("client_secret", "")), self._wire, redirect_uri, state
        )
        extra = {**(provider.extra if provider else {}), "login_hint": mailbox.address}
        url = f"{consent.authorize_url}&{urlencode(extra)}"
        memory = {
            **consent.memory,
            "mailbox": json.dumps(mailbox.as_settings()),
            "oauth": json.dumps(settings),
            "client_secret": form.get("client_secret", ""),
            "probe_sent": form.get("probe_sent", "yes"),
        }
        return Consent(url, memory)

    def complete(self, memory: Mapping[str, str], query: Mapping[str, str]) -> Connected:
        """Raises Rejected as channels.oauth says, and what signing in raises."""
        settings = json.loads(memory["oauth"])
        tokens = complete_oauth2(self._oauth_app(settings, memory["client_secret"]), self._wire, memory, query)
        connected = self._prove(
            mailbox_of(json.loads(memory["mailbox"])),
            _secrets_of(tokens, memory["client_secret"]),
            {"oauth": settings},
            memory["probe_sent"] != "no",
        )
        return replace(
            connected, expires_at=tokens.expires_at, renews=bool(tokens.refresh_token),
            refresh_ends_at=tokens.refresh_ends_at,
        )  # fmt: skip

    def refresh(self, connection: Connection) -> Connected | None:
        """New tokens; None for a password, which needs none. Raises AuthExpired."""
        settings = connection.settings.get("oauth")
        if not settings:
            return None
        client_secret = connection.secrets.get("client_secret", "")
        app = self._oauth_app(settings, client_secret)
        tokens = refresh_oauth2(app, self._wire, connection.secrets.get("refresh_token", ""))
        mailbox = mailbox_of(connection.settings)
        return replace(
            _connected(mailbox, _secrets_of(tokens, client_secret), connection.settings),
            expires_at=tokens.expires_at,
            renews=bool(tokens.refresh_token),
            refresh_ends_at=tokens.refresh_ends_at,
        )

    def _oauth_settings(self, form: Mapping[str, str], provider: Provider | None) -> dict[str, Any]:
        settings = {
            "client_id": form.get("client_id") or self._app.client_id,
            "authorize_url": form.get("authorize_url") or (provider.authorize_url if provider else ""),
            "token_url": form.get("token_url") or (provider.token_url if provider else ""),
            "scope": provider.scope if provider else "mail",
        }
        for name in ("client_id", "authorize_url", "token_url"):
            if not settings[name]:
                raise bad_form(name, say("is needed for this provider"))
        return settings

    def _oauth_app(self, settings: Mapping[str, Any], client_secret: str) -> OAuth2App:
        own = settings["client_id"] == self._app.client_id
        return OAuth2App(
            client_id=settings["client_id"],
            client_secret=client_secret or (self._app.client_secret if own else ""),
            authorize_url=settings["authorize_url"],
            token_url=settings["token_url"],
            scopes=tuple(settings["scope"].split()),
        )

    # -- proof

    def check(self, connection: Connection) -> Connected:
        """Signs in to both services. What the probe found at connection stands."""
        return self._prove(mailbox_of(connection.settings), connection.secrets, connection.settings, False)

    def _prove(self, mailbox: Mailbox, secrets: Mapping[str, str], known: Mapping[str, Any], probe: bool) -> Connected:
        with imap_line(mailbox, secrets, self._wire) as line:
            sent_folder = _sent_folder(line)
            idle = line.has_capability("IDLE")
        with smtp_line(mailbox, secrets, self._wire) as smtp:
            size = str(smtp.esmtp_features.get("size", "")).strip()
        learned: dict[str, Any] = {
            "sent_folder": sent_folder,
            "idle": idle,
            "size_limit": int(size) if size.isdecimal() else 0,
            "files_sent": bool(known.get("files_sent")),
        }
        if probe and sent_folder:
            learned["files_sent"] = self._files_sent(mailbox, secrets, sent_folder)
        return _connected(mailbox, secrets, {**known, **learned})

    def _files_sent(self, mailbox: Mailbox, secrets: Mapping[str, str], folder: str) -> bool:
        """Whether a mail that we send turns up in Sent by itself. In doubt it does not."""
        now = datetime.now(UTC)
        key = new_key(now, mailbox.address)
        with contextlib.suppress(ChannelError):
            send_mail(
                _probe(mailbox, key, now), mailbox.address, [mailbox.address], smtp_line(mailbox, secrets, self._wire)
            )
            end = time.monotonic() + self._probe_seconds
            with imap_line(mailbox, secrets, self._wire) as line:
                while time.monotonic() < end:
                    if filed_uids(line, folder, key):
                        return True
                    time.sleep(self._probe_seconds / 20)
        return False


def _probe(mailbox: Mailbox, key: str, now: datetime) -> EmailMessage:
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["From"] = mail["To"] = mailbox.address
    mail["Subject"] = "Guichet: this mailbox is being connected"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{key}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail[PROBE_HEADER] = "1"
    mail.set_content(_PROBE_TEXT)
    return mail


def _sent_folder(line: ImapLine) -> str:
    """By its special use (RFC 6154), else by its usual name; "" where there is none."""
    found = line.find_special_folder(SENT_FOLDER)
    return str(found) if found else ""


def _connected(mailbox: Mailbox, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> Connected:
    return Connected(
        remote_id=mailbox.address.lower(),
        handle=mailbox.address,
        name=mailbox.name or mailbox.address,
        base_url="",
        secrets=secrets,
        settings={**settings, **mailbox.as_settings()},
    )


def _secrets_of(tokens: OAuth2Tokens, client_secret: str) -> dict[str, str]:
    secrets = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
    return {**secrets, "client_secret": client_secret} if client_secret else secrets
