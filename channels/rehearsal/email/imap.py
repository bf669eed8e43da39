"""An IMAP4rev1 server (RFC 3501) of our own, with what a mail client like IMAPClient needs:
UIDs, IDLE (RFC 2177), LITERAL+ (RFC 7888), special-use folders (RFC 6154), passwords and
XOAUTH2, and the network's planted faults on any command."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from channels.rehearsal.base import Fault
from channels.rehearsal.email.imap_words import Word, fetched, in_set, matching, words
from channels.rehearsal.email.mailboxes import FOLDERS, Mail, Mailboxes

_CAPABILITIES = b"IMAP4rev1 LITERAL+ IDLE SPECIAL-USE SASL-IR AUTH=PLAIN AUTH=XOAUTH2"
_LITERAL = re.compile(rb"\{(\d{1,9})(\+?)\}\r\n\Z")
_MOST = 40_000_000


class Provider(Protocol):
    """What the server asks its network."""

    mailboxes: Mailboxes

    def password_opens(self, address: str, password: str) -> bool: ...

    def token_opens(self, address: str, token: str) -> bool: ...

    def struck_by(self, line: str) -> Fault | None: ...


class Refused(Exception):
    """A command is answered NO or BAD with these words."""


class Hung(Exception):
    """The line is cut."""


class ImapSession:
    """One client's line."""

    def __init__(self, provider: Provider, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._provider, self._reader, self._writer = provider, reader, writer
        self._address = ""
        self._folder = ""
        self._exists = 0  # mails in the folder, as the client was told last
        self._drip = 0.0

    async def run(self) -> None:
        with contextlib.suppress(Hung, ConnectionError, asyncio.IncompleteReadError, ValueError):
            await self._say(b"* OK [CAPABILITY %s] rehearsal" % _CAPABILITIES)
            while await self._turn():
                pass
        self._writer.close()

    # -- lines

    async def _say(self, *lines: bytes) -> None:
        data = b"".join(line + b"\r\n" for line in lines)
        if self._drip:
            for n in range(len(data)):
                self._writer.write(data[n : n + 1])
                await self._writer.drain()
                await asyncio.sleep(self._drip)
            return
        self._writer.write(data)
        await self._writer.drain()

    async def _command(self) -> bytes:
        """One command with its literals."""
        line = await self._reader.readuntil(b"\r\n")
        while found := _LITERAL.search(line):
            size = int(found.group(1))
            if len(line) + size > _MOST:
                raise Hung
            if not found.group(2):
                await self._say(b"+ go on")
            line += await self._reader.readexactly(size)
            line += await self._reader.readuntil(b"\r\n")
        return line

    async def _turn(self) -> bool:
        said = words(await self._command())
        if len(said) < 2:
            raise Hung
        tag, name = str(said[0]).encode(), str(said[1]).upper()
        args = said[2:]
        by_uid = name == "UID"
        if by_uid:
            name, args = str(args[0]).upper(), args[1:]
        try:
            await self._misbehave(name)
            handler = self._commands().get(name)
            if handler is None or (name not in _BEFORE_SIGN_IN and not self._address):
                raise Refused("BAD not here, not now")
            words_of_success = await handler(args, by_uid)
        except Refused as e:
            await self._say(tag + b" " + str(e).encode())
            return True
        except (ValueError, IndexError) as e:
            await self._say(tag + b" BAD " + str(e).encode("ascii", "replace"))
            return True
        await self._say(tag + b" OK " + words_of_success)
        return name != "LOGOUT"

    async def _misbehave(self, name: str) -> None:
        fault = self._provider.struck_by(f"IMAP {name}")
        if fault is None:
            return
        if fault.effect == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.effect == "drip":
            self._drip = fault.seconds
        elif fault.effect.startswith("reset"):
            self._writer.transport.abort()
            raise Hung
        else:
            raise Refused("NO [UNAVAILABLE] planted fault")

    # -- commands

    def _commands(self) -> dict[str, Callable[[list[Word], bool], Awaitable[bytes]]]:
        return {
            "CAPABILITY": self._capability,
            "NOOP": self._noop,
            "LOGOUT": self._logout,
            "LOGIN": self._login,
            "AUTHENTICATE": self._authenticate,
            "LIST": self._list,
            "SELECT": self._select,
            "EXAMINE": self._select,
            "SEARCH": self._search,
            "FETCH": self._fetch,
            "STORE": self._store,
            "APPEND": self._append,
            "IDLE": self._idle,
        }

    async def _capability(self, args: list[Word], by_uid: bool) -> bytes:
        await self._say(b"* CAPABILITY " + _CAPABILITIES)
        return b"done"

    async def _noop(self, args: list[Word], by_uid: bool) -> bytes:
        if self._folder:
            await self._say(self._count())
        return b"done"

    async def _logout(self, args: list[Word], by_uid: bool) -> bytes:
        await self._say(b"* BYE")
        return b"done"

    async def _login(self, args: list[Word], by_uid: bool) -> bytes:
        return self._signed_in(str(args[0]), self._provider.password_opens(str(args[0]), str(args[1])))

    async def _authenticate(self, args: list[Word], by_uid: bool) -> bytes:
        if len(args) > 1:
            given = str(args[1])
        else:
            await self._say(b"+ ")
            given = (await self._reader.readuntil(b"\r\n")).decode().strip()
        response = base64.b64decode(given).decode()
        if str(args[0]).upper() == "PLAIN":
            _, address, password = response.split("\0")
            return self._signed_in(address, self._provider.password_opens(address, password))
        found = re.fullmatch(r"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01", response)
        holds = bool(found and self._provider.token_opens(found.group(1), found.group(2)))
        if not holds:
            # The client answers the error with an empty line before it is refused.
            await self._say(b"+ " + base64.b64encode(b'{"status":"400"}'))
            await self._reader.readuntil(b"\r\n")
        return self._signed_in(found.group(1) if found else "", holds)

    def _signed_in(self, address: str, holds: bool) -> bytes:
        if not holds:
            raise Refused("NO [AUTHENTICATIONFAILED] who are you")
        self._address = address.lower()
        return b"[CAPABILITY " + _CAPABILITIES + b"] welcome"

    async def _list(self, args: list[Word], by_uid: bool) -> bytes:
        await self._say(b'* LIST (\\HasNoChildren) "/" INBOX', b'* LIST (\\HasNoChildren \\Sent) "/" Sent')
        return b"done"

    async def _select(self, args: list[Word], by_uid: bool) -> bytes:
        wanted = str(args[0])
        self._folder = next((f for f in FOLDERS if f.lower() == wanted.lower()), "")
        if not self._folder:
            raise Refused("NO [NONEXISTENT] no such folder")
        count = self._count()  # before the numbers: a mail that comes between them is told of twice, not never
        validity, following = self._provider.mailboxes.numbers(self._address, self._folder)
        await self._say(
            b"* FLAGS (\\Seen \\Answered \\Deleted)",
            count,
            b"* 0 RECENT",
            b"* OK [UIDVALIDITY %d] stable" % validity,
            b"* OK [UIDNEXT %d] next" % following,
        )
        return b"[READ-ONLY] done"

    def _count(self) -> bytes:
        self._exists = len(self._mails())
        return b"* %d EXISTS" % self._exists

    def _mails(self) -> list[Mail]:
        return self._provider.mailboxes.mails(self._address, self._folder)

    async def _search(self, args: list[Word], by_uid: bool) -> bytes:
        mails = self._mails()
        found = matching(mails, args)
        numbers = [m.uid if by_uid else mails.index(m) + 1 for m in found]
        await self._say(" ".join(["* SEARCH", *map(str, numbers)]).encode())
        return b"done"

    async def _fetch(self, args: list[Word], by_uid: bool) -> bytes:
        items = args[1] if isinstance(args[1], list) else [args[1]]
        for number, mail in self._chosen(str(args[0]), by_uid):
            await self._say(b"* %d FETCH (%s)" % (number, fetched(mail, items)))
        return b"done"

    def _chosen(self, wanted: str, by_uid: bool) -> list[tuple[int, Mail]]:
        mails = self._mails()
        last = (mails[-1].uid if by_uid else len(mails)) if mails else 0
        return [(n, m) for n, m in enumerate(mails, start=1) if in_set(wanted, m.uid if by_uid else n, last)]

    async def _store(self, args: list[Word], by_uid: bool) -> bytes:
        given = {str(f) for f in (args[2] if isinstance(args[2], list) else [args[2]])}
        how = str(args[1]).upper()
        for number, mail in self._chosen(str(args[0]), by_uid):
            now = set(mail.flags)
            flags = now | given if how.startswith("+") else now - given if how.startswith("-") else given
            self._provider.mailboxes.set_flags(self._address, self._folder, mail.uid, flags)
            if "SILENT" not in how:
                await self._say(b"* %d FETCH (UID %d FLAGS (%s))" % (number, mail.uid, " ".join(flags).encode()))
        return b"done"

    async def _append(self, args: list[Word], by_uid: bool) -> bytes:
        flags = next((a for a in args[1:-1] if isinstance(a, list)), [])
        folder = next((f for f in FOLDERS if f.lower() == str(args[0]).lower()), "")
        if not folder:
            raise Refused("NO [TRYCREATE] no such folder")
        self._provider.mailboxes.add(
            self._address, folder, str(args[-1]).encode("latin-1"), flags=[str(f) for f in flags]
        )
        return b"done"

    async def _idle(self, args: list[Word], by_uid: bool) -> bytes:
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(news.set)

        forget = self._provider.mailboxes.on_news(self._address, self._folder, tell)
        try:
            await self._say(b"+ idling")
            if len(self._mails()) != self._exists:  # what came since the client was told last
                news.set()
            await self._tell_until_done(news)
        finally:
            forget()
        return b"done"

    async def _tell_until_done(self, news: asyncio.Event) -> None:
        done = asyncio.ensure_future(self._reader.readuntil(b"\r\n"))
        try:
            while not done.done():
                told = asyncio.ensure_future(news.wait())
                await asyncio.wait({done, told}, return_when=asyncio.FIRST_COMPLETED)
                if told.done():
                    news.clear()
                    await self._say(self._count())
                told.cancel()
            done.result()
        finally:
            done.cancel()


_BEFORE_SIGN_IN = ("CAPABILITY", "NOOP", "LOGOUT", "LOGIN", "AUTHENTICATE")
