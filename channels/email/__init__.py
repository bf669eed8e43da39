"""E-mail: any mailbox that speaks IMAP and SMTP.

*Blind*, unless a probe at connection showed that the provider files what it sends: SMTP
itself leaves no trace that could be read, so a doubtful send goes to a person.
Mail only answers: it has no public, and nobody is written to unasked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from channels.contract import (
    AuthKind,
    ChannelSpec,
    CountUnit,
    Limits,
    MediaLimit,
    Recovery,
    Surface,
    TextLimit,
)
from channels.email.connecting import MailConnector
from channels.email.looking import MailReconciler
from channels.email.reading import MailReader, MailWaiter
from channels.email.sending import SIZE_SHARE, MailPublisher
from channels.email.settings import FIELDS, PROVIDERS, rehearsal_form

_USUAL_SIZE = 20_000_000  # where the server announces no limit: Microsoft 365 and Google take 25 MB and more
_FILES = (
    *("image/jpeg", "image/png", "image/gif", "image/webp"),
    *("video/mp4", "video/quicktime", "video/webm", "audio/mpeg"),
    *("application/pdf", "application/zip", "text/plain", "text/csv", "text/calendar"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    *("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet"),
)


def limits_of(settings: Mapping[str, Any]) -> Limits:
    """No limit of text; files as large as the server's SIZE (RFC 1870) leaves room for."""
    room = int((int(settings.get("size_limit") or 0) or _USUAL_SIZE) * SIZE_SHARE)
    source, as_of = "SMTP SIZE of the account's server (RFC 1870)", date(2026, 11, 22)
    return Limits(
        text={Surface.MAIL: TextLimit(None, CountUnit.UNLIMITED, source, as_of)},
        media={Surface.MAIL: MediaLimit(20, dict.fromkeys(_FILES, room), 900, source, as_of)},
    )


def recovery_of(settings: Mapping[str, Any]) -> Recovery:
    """How the truth is found for a mailbox with these settings."""
    return Recovery.READABLE if settings.get("files_sent") and settings.get("sent_folder") else Recovery.BLIND


SPEC = ChannelSpec(
    name="email",
    title="E-mail",
    monogram="@",
    auth=(AuthKind.PASSWORD, AuthKind.OAUTH2),
    recovery=Recovery.BLIND,
    recovery_of=recovery_of,
    limits=limits_of({}),
    limits_of=limits_of,
    fields=FIELDS,
    connector=MailConnector,
    read_lag=timedelta(seconds=60),
    latest_arrival=timedelta(minutes=10),  # RFC 5321 §4.5.3.2.6: a reply to the final dot may take as long
    poll_every=timedelta(seconds=60),
    publisher=MailPublisher,
    reconciler=MailReconciler,
    reader=MailReader,
    waiter=MailWaiter,
    rehearsal_form=rehearsal_form,
    fixed_hosts=tuple(
        sorted({url.split("/")[2] for p in PROVIDERS.values() for url in (p.authorize_url, p.token_url)})
    ),
)
