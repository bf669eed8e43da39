"""A mail's bytes taken apart: header texts, the words in it, what is attached.

Nothing in a mail can be trusted to be well-formed, small or even decodable, so every
reading here has a fallback and a bound, and what comes out is text that every
database and every page can hold (no NUL, no lone surrogate).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from itertools import islice
from typing import Any

from channels.contract import RemoteMedia
from channels.email.hypertext import text_of

MOST_TEXT = 200_000  # characters of words that are kept for reading; the mail itself is kept whole
MOST_HEADER = 16_000
MOST_PARTS = 200
MOST_BOUNDARIES = 60
MOST_ATTACHMENTS = 50
MOST_DEPTH = 25

_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_LONG_LINE = re.compile(rb"(?m)^([^\r\n]{16000})[^\r\n]+")
_NESTS = re.compile(rb"boundary\s*=|message/(?:rfc822|global|partial)", re.IGNORECASE)
_DIVIDES = re.compile(rb"(?m)^--")
_UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069/\\:*?\"<>|]+")

# Names of character sets that mail programs write and Python does not know.
_CHARSETS = {
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "unicode-1-1-utf-7": "utf_7",
    "x-unknown": "utf-8",
    "unknown-8bit": "utf-8",
    "x-user-defined": "cp1252",
    "ansi_x3.110-1983": "cp1252",
    "cp-850": "cp850",
    "x-gbk": "gb18030",
    "gb2312": "gb18030",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "ks_c_5601-1987": "cp949",
}


@dataclass
class Contents:
    """The words of a mail and what hangs on it. `text` is empty where only HTML was sent."""

    text: str = ""
    html: str = ""
    media: list[RemoteMedia] = field(default_factory=list)
    left_out: int = 0  # attachments beyond what is kept apart

    @property
    def words(self) -> str:
        """What a person would read."""
        return self.text if self.text.strip() or not self.html else text_of(self.html)


def opened(raw: bytes) -> Message:
    """The mail as a tree of parts. Never raises: what cannot be parsed is one part of text."""
    head, gap, body = _halves(raw)
    head = _LONG_LINE.sub(rb"\1", head[:400_000])
    raw = _bounded(head + gap + body)
    for rules in (policy.default, policy.compat32):
        # The stdlib's header parsers raise almost anything on broken input.
        with contextlib.suppress(Exception, RecursionError):
            return BytesParser(policy=rules).parsebytes(raw)
    return BytesParser(policy=policy.compat32).parsebytes(raw[:500_000], headersonly=True)


def opened_head(raw: bytes) -> Message:
    """The headers of a mail alone, for what asks nothing of its body."""
    return opened(_halves(raw)[0] + b"\r\n\r\n")


def _bounded(raw: bytes) -> bytes:
    """`raw` up to where it nests or divides beyond reason: the parser compares each line with
    every boundary that is open, and takes milliseconds for each part."""
    ends = [len(raw)]
    for pattern, most in ((_NESTS, MOST_BOUNDARIES), (_DIVIDES, 2 * MOST_PARTS)):
        if pattern is _DIVIDES and not _NESTS.search(raw):
            continue
        ends += [found.start() for found in islice(pattern.finditer(raw), most, most + 1)]
    return raw[: min(ends)]


def _halves(raw: bytes) -> tuple[bytes, bytes, bytes]:
    found = re.search(rb"\r?\n\r?\n", raw)
    return (raw[: found.start()], found.group(), raw[found.end() :]) if found else (raw, b"", b"")


def body_of(raw: bytes) -> bytes:
    """What comes after the headers: the same in every copy of a mail."""
    return _halves(raw)[2]


# ---------------------------------------------------------------- headers


def headers(message: Message, name: str) -> list[str]:
    """Every header of that name, decoded (RFC 2047), unfolded, one line each."""
    wanted = name.lower()
    return [readable(value) for key, value in message.raw_items() if key.lower() == wanted]


def header(message: Message, name: str) -> str:
    """The first header of that name; "" where there is none."""
    return next(iter(headers(message, name)), "")


def readable(value: object) -> str:
    """One header's value as text, however it was encoded."""
    text = _FOLD.sub(" ", str(value)[:MOST_HEADER])
    if any("\udc80" <= c <= "\udcff" for c in text):  # bytes that the parser could not decode
        text = decoded(text.encode("utf-8", "surrogateescape"), "")
    if "=?" in text:
        with contextlib.suppress(Exception):
            text = "".join(
                decoded(piece, charset or "") if isinstance(piece, bytes) else piece
                for piece, charset in decode_header(_spaced(text))
            )
    return " ".join(plain(text).split())


def _spaced(text: str) -> str:
    """Broken mailers leave blanks and line ends inside an encoded word."""
    return re.sub(r"=\?([\w-]+)\?([bBqQ])\?([^?]*)\?=", lambda m: m.group().replace(" ", "_"), text)


def plain(text: str) -> str:
    """Text that can be stored and shown: no control characters, no lone surrogates."""
    return _UNFIT.sub(lambda m: "" if m.group() < " " else "\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def decoded(data: bytes, charset: str) -> str:
    """Bytes as text: as they say, else as UTF-8, else as what Windows would have written."""
    named = _CHARSETS.get(charset.lower().strip("'\" "), charset.strip("'\" "))
    for name in (named, "utf-8"):
        # A "character set" may name a codec that is none (LookupError, or AssertionError and more).
        with contextlib.suppress(Exception):
            text = data.decode(name)
            return text if isinstance(text, str) else str(text)
    return data.decode("cp1252", "replace")


# ---------------------------------------------------------------- parts


def contents(message: Message) -> Contents:
    """The words and the attachments. Never raises."""
    found = Contents()
    texts: list[str] = []
    htmls: list[str] = []
    for part in _leaves(message):
        kind = part.get_content_type()
        if kind.startswith("multipart/"):  # its boundary was never found: what stands there is text
            kind = "text/plain"
            payload = _payload_of(part)
            if isinstance(payload, list) or not payload.strip():
                continue
        if _is_words(part, kind):
            (htmls if kind == "text/html" else texts).append(_words(part))
        elif len(found.media) < MOST_ATTACHMENTS:
            found.media.append(_media(part, kind))
        else:
            found.left_out += 1
    found.text = "\n".join(texts)[:MOST_TEXT]
    found.html = "\n".join(htmls)[: 5 * MOST_TEXT]
    return found


def _leaves(message: Message) -> Iterator[Message]:
    """Parts that hold something, in order. An attached mail is one part, not opened."""
    stack, seen = [(message, 0)], 0
    while stack and seen < MOST_PARTS:
        part, depth = stack.pop()
        seen += 1
        payload = _payload_of(part)
        if isinstance(payload, list) and part.get_content_maintype() == "multipart" and depth < MOST_DEPTH:
            stack.extend((p, depth + 1) for p in reversed(payload) if isinstance(p, Message))
        else:
            yield part


def _is_words(part: Message, kind: str) -> bool:
    if kind not in ("text/plain", "text/html") and not (kind.startswith("text/") and part.get("Content-Type") is None):
        return False
    return _disposition(part) != "attachment" and not filename(part)


def _disposition(part: Message) -> str:
    return header(part, "Content-Disposition").partition(";")[0].strip().lower()


def _bytes_of(part: Message) -> bytes:
    """A part's decoded bytes; an attached mail's as it stands."""
    payload = _payload_of(part)
    with contextlib.suppress(Exception, RecursionError):
        if isinstance(payload, list):
            return b"\n".join(p.as_bytes(policy=policy.compat32) for p in payload if isinstance(p, Message))
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            return data
    return b"" if isinstance(payload, list) else payload.encode("utf-8", "surrogateescape")


def _payload_of(part: Message) -> list[Any] | str:
    """Parts, or what stands there. The stdlib decodes by the character set that a part names, and
    raises almost anything where that is no name at all."""
    with contextlib.suppress(Exception):
        payload = part.get_payload()
        return payload if isinstance(payload, list) else str(payload)
    with contextlib.suppress(Exception):
        data = part.get_payload(decode=True)
        return data.decode("ascii", "surrogateescape") if isinstance(data, bytes) else ""
    return ""


def _words(part: Message) -> str:
    charset = ""
    with contextlib.suppress(Exception):
        charset = str(part.get_param("charset") or "")
    return plain(decoded(_bytes_of(part)[: 4 * 5 * MOST_TEXT], charset))


def _media(part: Message, kind: str) -> RemoteMedia:
    return RemoteMedia(
        mime=kind,
        alt=header(part, "Content-Description")[:1500],
        filename=filename(part) or _usual_name(kind),
        data=_bytes_of(part),
        inline_id=header(part, "Content-ID").strip("<> ")[:500],
    )


def filename(part: Message) -> str:
    """The file's name, never a path and never with what could hide its ending."""
    name = ""
    with contextlib.suppress(Exception):
        name = part.get_filename("") or ""
    name = _UNSAFE_IN_NAME.sub("_", readable(name).replace("\\", "/").rpartition("/")[2]).strip(" .")
    if len(name) > 150:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: 149 - len(ending)]}{dot}{ending}" if dot and len(ending) < 20 else name[:150]
    return name


def _usual_name(kind: str) -> str:
    return {
        "message/rfc822": "message.eml",
        "text/calendar": "invitation.ics",
        "application/ms-tnef": "winmail.dat",
        "message/delivery-status": "delivery-status.txt",
        "text/rfc822-headers": "headers.txt",
    }.get(kind, "")
