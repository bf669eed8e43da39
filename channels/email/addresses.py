"""Addresses and Message-IDs: reading them from hostile headers, and telling whether one
is fit to be written to.

Refuses nothing when reading (what cannot be read is left out); `is_address` is strict,
for what passes it is put into headers and SMTP commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A dot-atom or UTF-8 local part and a host name: no quotes, comments, spaces or control
# characters, so that nothing can break out of a header or a command (RFC 5321 §4.1.2, RFC 6531).
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u00a1-\U0010ffff-]{1,64}"
    r"@(?=.{1,255}\Z)[\w\u00a1-\U0010ffff](?:[\w.\u00a1-\U0010ffff-]*[\w\u00a1-\U0010ffff])?"
)
_IN_ANGLES = re.compile(r"<([^<>\s]{3,998})>")
_BARE = re.compile(r"[^\s<>,;\"()]{1,64}@[^\s<>,;\"()]{1,255}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_COMMENT = re.compile(r"\(([^()]*)\)")
_MESSAGE_ID = re.compile(r"<\s*([^<>\s]{1,900})\s*>")

MOST_ADDRESSES = 50
MOST_REFERENCES = 100


@dataclass(frozen=True)
class Mailing:
    """A name and an address, as a header gave them. `address` is lower case."""

    name: str
    address: str


def is_address(text: str) -> bool:
    """Whether this is an address that we can write to."""
    return bool(_ADDRESS.fullmatch(text)) and ".." not in text and not text.startswith(".")


def addresses_in(header: str) -> list[Mailing]:
    """The addresses in a decoded header, in order, with the names beside them.

    Reads what real mail programs and broken ones write: `Name <a@b>`, `a@b (Name)`,
    bare addresses, unquoted commas in names, groups.
    """
    found: list[Mailing] = []
    for part in _split(header[:8000]):
        mailing = _mailing(part)
        if mailing and mailing.address not in {m.address for m in found}:
            found.append(mailing)
        if len(found) == MOST_ADDRESSES:
            break
    return found


def _split(header: str) -> list[str]:
    """At commas and semicolons that stand outside quotes, angles and comments."""
    parts, start, quoted, depth = [], 0, False, 0
    for i, char in enumerate(header):
        if char == '"' and header[i - 1 : i] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif char in "<(":
            depth += 1
        elif char in ">)":
            depth = max(0, depth - 1)
        elif char in ",;" and not depth:
            parts.append(header[start:i])
            start = i + 1
    parts.append(header[start:])
    return parts


def _mailing(part: str) -> Mailing | None:
    angled = _IN_ANGLES.search(part)
    if angled:
        address, rest = angled.group(1), part[: angled.start()]
    else:
        bare = _BARE.search(part)
        if not bare:
            return None
        address, rest = bare.group(), part[: bare.start()] + part[bare.end() :]
    address = address.removeprefix("mailto:").strip("'\"").lower()
    if "@" not in address:
        return None
    return Mailing(_name(rest, address), address)


def _name(rest: str, address: str) -> str:
    quoted = _QUOTED.search(rest)
    if quoted:
        name = re.sub(r"\\(.)", r"\1", quoted.group(1))
    else:
        comment = _COMMENT.search(rest)
        name = _COMMENT.sub(" ", rest)
        if not name.strip() and comment:
            name = comment.group(1)
        name = name.rpartition(":")[2] if name.count(":") == 1 else name  # a group's title
    name = " ".join(name.replace('"', " ").split()).strip("' ")
    return "" if name.lower() == address else name[:200]


def message_ids(header: str) -> list[str]:
    """The Message-IDs in a References or In-Reply-To header, without their angles, each
    once, in order. Of a very long chain the first and the last ones are kept."""
    found = list(dict.fromkeys(_MESSAGE_ID.findall(header[:100_000])))
    if len(found) > MOST_REFERENCES:
        return [found[0], *found[1 - MOST_REFERENCES :]]
    return found
