"""What Mastodon takes for a mention. Source: Account::MENTION_RE and USERNAME_RE of Mastodon 4.5.

A handle of the address book always names its host: a bare `@name` is somebody of the instance on
which it is said, another person on each."""

from __future__ import annotations

import re

import regex

from channels.contract import Mention, Mentions

_NAME = r"[a-z0-9_]+(?:[a-z0-9_.-]+[a-z0-9_]+)?"
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HANDLE = re.compile(rf"@?({_NAME})@({_HOST})", re.IGNORECASE | re.ASCII)
_PROFILE = re.compile(rf"https?://({_HOST})/@({_NAME})/?", re.IGNORECASE | re.ASCII)
_MENTION = regex.compile(rf"(?<![=/\w])@({_NAME}(?:@[\w.-]+\w+)?)", regex.IGNORECASE)
_LONGEST = 280


def handle_of(given: str) -> str:
    """`user@host` from that, from @user@host or from the address of a profile; "" for what is none."""
    text = given.strip()
    if len(text) > _LONGEST:
        return ""
    if profile := _PROFILE.fullmatch(text):
        return f"{profile[2]}@{profile[1].lower()}"
    found = _HANDLE.fullmatch(text)
    return f"{found[1]}@{found[2].lower()}" if found else ""


def found_in(text: str) -> list[Mention]:
    return [Mention(found.start(), found.end(), found[1]) for found in _MENTION.finditer(text)]


MENTIONS = Mentions(handle_of, found_in, "lisbon@mastodon.example")
