"""The truth about a mail of unknown outcome, where the provider files what it sends.

Reads only the Sent folder and binds only the very Message-ID that we gave. Where no
probe showed that the provider files sent mail, absence would prove nothing: such an
account is blind, and this role says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from channels.contract import Connection, Draft, Looked, Receipt
from channels.email.addresses import message_ids
from channels.email.bodies import header, opened
from channels.email.dialing import ImapLine, imap_line
from channels.email.settings import mailbox_of
from channels.errors import Rejected
from channels.wire import Wire


def filed_uids(line: ImapLine, folder: str, key: str) -> list[int]:
    """UIDs in `folder` of mails with exactly this Message-ID; the server's own search
    takes any that contain it."""
    line.select_folder(folder, readonly=True)
    found = []
    for uid in line.search(["HEADER", "Message-ID", key])[:20]:
        told = line.fetch([uid], ["BODY.PEEK[HEADER]"]).get(uid, {})
        head = next((v for k, v in told.items() if k.startswith(b"BODY[")), b"")
        if message_ids(header(opened(head), "Message-ID")) == [key]:
            found.append(uid)
    return found


class MailReconciler:
    """Looks in Sent. Raises Rejected ("blind") when opened for an account that is blind."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        if not connection.settings.get("files_sent") or not connection.settings.get("sent_folder"):
            raise Rejected("this provider files nothing in Sent by itself", code="blind")
        self._mailbox = mailbox_of(connection.settings)
        self._folder = str(connection.settings["sent_folder"])
        self._secrets, self._wire = connection.secrets, wire

    def look(
        self,
        draft: Draft,
        prepared: Mapping[str, Any],
        key: str,
        started_at: datetime,
        known_ids: frozenset[str],
        others: Sequence[Draft] = (),
    ) -> Looked:
        """Found, or absent from a folder that was read to its end. Raises ChannelError."""
        with imap_line(self._mailbox, self._secrets, self._wire) as line:
            uids = filed_uids(line, self._folder, key)
        evidence = {"folder": self._folder, "message_id": key, "uids": uids}
        if uids and key not in known_ids:
            return Looked(found=Receipt(key, context={"message_id": key}), evidence=evidence)
        return Looked(absent=not uids, evidence=evidence)
