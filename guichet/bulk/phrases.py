"""What is wrong with a cell, in words: what the networks would refuse, by the stable names that
the page and the API use too."""

from __future__ import annotations

from channels.limits import Problem
from channels.sentences import Sentence, say

# The cell that a network's refusal is about; the kinds of parts say which text.
_OF_FILES = frozenset(
    {"too_many_media", "media_type_refused", "media_too_large", "media_too_many_pixels", "media_must_be_alone"}
)
_OF_PARTS = {"post": "text", "thread_item": "thread", "first_comment": "first_comment"}


def column_of(problem: Problem, kind: str) -> str:
    """The column whose cell is to be mended, for a problem with a part of this kind."""
    if problem.name in _OF_FILES:
        return "media"
    if problem.name in ("alt_too_long", "alt_missing"):
        return "alt_text"
    return "accounts" if problem.name == "surface_not_offered" else _OF_PARTS[kind]


def refusal(problem: Problem, account: str) -> Sentence:
    """What `account`'s network would refuse, and how it is mended."""
    count, most = int(problem.data.get("count", 0)), int(problem.data.get("max", 0))
    file = str(problem.data.get("filename", ""))
    named = str(problem.data.get("called", ""))
    phrases = {
        "empty": lambda: say("Write a text, or name a file."),
        "surface_not_offered": lambda: say("{account} takes no posts: leave it out.", account=account),
        "text_too_long": lambda: say(
            "{over} too long for {account}: {count} of {most}.",
            over=count - most, account=account, count=count, most=most,
        ),
        "text_too_many_bytes": lambda: say(
            "Too many bytes for {account}: {count} of {most}.", account=account, count=count, most=most
        ),
        "text_has_refused_characters": lambda: say("Holds a character that {account} refuses.", account=account),
        "too_many_media": lambda: say(
            "{count} files, {account} takes at most {most}.", count=count, account=account, most=most
        ),
        "media_type_refused": lambda: say("{account} takes no file like “{file}”.", account=account, file=file),
        "media_too_large": lambda: say(
            "“{file}” is too large for {account}: {count} of {most} bytes.",
            file=file, account=account, count=count, most=most,
        ),
        "media_too_many_pixels": lambda: say(
            "“{file}” has too many pixels for {account}: {count} of {most}.",
            file=file, account=account, count=count, most=most,
        ),
        "media_must_be_alone": lambda: say("“{file}” must be the only file on {account}.", file=file, account=account),
        "alt_missing": lambda: say(
            "“{file}” has no description: pictures on {account} need one.", file=file, account=account
        ),
        "alt_too_long": lambda: say(
            "The description of “{file}” is too long for {account}: {count} of {most}.",
            file=file, account=account, count=count, most=most,
        ),
        "mention_unknown": lambda: say("Nobody is called “{name}” in the address book.", name=named),
        "mention_not_linked": lambda: say(
            "@{handle} would not be linked on {account}: put a space before and behind “{name}”.",
            handle=str(problem.data.get("handle", "")), account=account, name=named,
        ),
    }  # fmt: skip
    found = phrases.get(problem.name)
    return found() if found else say("{account} would refuse it: {name}.", account=account, name=problem.name)


def worth_knowing(notice: Problem, account: str) -> Sentence:
    """What forbids nothing: who goes out as a plain name, and handles that are none there."""
    named, handle = str(notice.data.get("called", "")), str(notice.data.get("handle", ""))
    phrases = {
        "mention_plain": lambda: say("“{name}” goes out as a plain name on {account}.", name=named, account=account),
        "mention_no_handle": lambda: say("@{handle} is no handle on {account}.", handle=handle, account=account),
        "mention_cut": lambda: say(
            "{account} links only @{linked} of @{handle}.",
            account=account, linked=str(notice.data.get("linked", "")), handle=handle,
        ),
        "variable_open": lambda: say("{typed} stands in the text as it is: is it a variable that nobody filled in?",
                                     typed=str(notice.data.get("typed", ""))),
        "mention_gone": lambda: say("{account} knows nobody called @{handle}.", account=account, handle=handle),
    }  # fmt: skip
    found = phrases.get(notice.name)
    return found() if found else say("Worth knowing on {account}: {name}.", account=account, name=notice.name)
