"""What the customer newly wrote: a mail's text without what it quotes.

mail-parser-reply knows the headers that mail programs write above a quote in many
languages. Its expressions are handed only a bounded, prepared part of the text, since
their cost grows faster than what they are given; what it does not know (French and
Outlook in French, quotes marked by ">" alone, forwards that must stay) is ours.

Nothing is ever lost here: the whole text is kept beside, and where everything seems to
be a quote, everything is shown.
"""

from __future__ import annotations

import re
from itertools import takewhile

from mailparser_reply import EmailReplyParser

# Lines and characters in which the start of a quote is looked for. Beyond, only ">" counts.
_MOST_LINES = 400
_MOST_CHARS = 12_000
_MOST_IN_LINE = 200

# Languages of the library; the rest of the world mostly writes one of these above a quote.
_LANGUAGES = ["en", "fr", "de", "es", "it", "nl", "pl", "da", "sv", "cs"]

_FIELD = re.compile(
    r"[*_ >]*(from|sent|date|to|cc|subject|de|envoyé|envoye|à|a|objet|von|gesendet|an|betreff|datum|da|inviato"
    r"|oggetto|enviado|para|asunto|van|verzonden|aan|onderwerp|fra|sendt|til|emne|från|skickat|till|ämne)"
    r"[*_ \u00a0]*[:：]",
    re.IGNORECASE,
)
_FROM = re.compile(r"[*_ >]*(from|de|von|da|van|fra|från|message du)[*_ \u00a0]*[:：]\s*\S", re.IGNORECASE)
_WROTE = re.compile(
    r"(?:le|on|am|el|il|op|den|em|dnia)?\b.{4,}"
    r"(?:a écrit|wrote|writes|schrieb|escribió|ha scritto|schreef|skrev|escreveu|napisał\(?a?\)?|написал\(?а?\)?)"
    r"[^\n:]{0,80}[:：]\s*",
    re.IGNORECASE,
)
_WROTE_DATED = re.compile(r"\d|@")
# In whatever language: a day, a time, an address and a colon, on a line of their own.
_TIME = re.compile(r"\d{1,2}[.:]\d{2}")
_FROM_ADDRESS_ON = re.compile(r"@[^\s<>]{1,200}\s*>?.{0,40}[:：]")
_RULE = re.compile(
    r"[-_=– ]{2,}\s*(?:original message|message d'origine|message d’origine|message original|message initial"
    r"|ursprüngliche nachricht|original-nachricht|messaggio originale|mensaje original|mensagem original"
    r"|oorspronkelijk bericht|reply (?:above|below).*|répondre au-dessus.*)\s*[-_=– ]{2,}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[-_ ]{2,}\s*(?:forwarded message|message transféré|message réexpédié|weitergeleitete nachricht"
    r"|messaggio inoltrato|mensaje reenviado|doorgestuurd bericht)|begin forwarded message|début du message réexpédié",
    re.IGNORECASE,
)
_UNDERSCORES = re.compile(r"[_]{20,}\s*")
_SENT_FROM = re.compile(
    r"(?:sent from|get outlook for|envoyé (?:depuis|de mon|à partir de)|obtenez outlook pour"
    r"|télécharger outlook|gesendet von|von meinem .{2,20} gesendet|enviado desde|inviato da|verzonden vanaf)"
    r".{0,80}",
    re.IGNORECASE,
)


def newly_written(text: str) -> str:
    """`text` up to the quote below the customer's own words, without the line that mobile
    mail programs add.

    A forward is kept whole, for what is forwarded is the message. Answers written between
    the lines or below a quote keep the lines that are not quoted.
    """
    lines = text.split("\n")
    if any(_FORWARDED.match(line.strip()) for line in lines[:_MOST_LINES]):
        return text.strip()
    cut = _first_quote(lines)
    top = _without_trailer(lines[:cut])
    if _says_something(top):
        return "\n".join(_unquoted(top)).strip() or "\n".join(top).strip()
    below = [line for line in lines if not _quoted(line) and not _WROTE.fullmatch(line.strip())]
    own = "\n".join(below).strip()
    return own if own and cut < len(lines) and _quoted_by_mark(lines) else text.strip()


def _quoted(line: str) -> bool:
    return line.lstrip().startswith(">")


def _quoted_by_mark(lines: list[str]) -> bool:
    return any(map(_quoted, lines))


def _says_something(lines: list[str]) -> bool:
    return any(line.strip() and not _quoted(line) for line in lines)


def _unquoted(lines: list[str]) -> list[str]:
    """Without quoted lines, where a person wrote between or around them."""
    return [line for line in lines if not _quoted(line)]


def _first_quote(lines: list[str]) -> int:
    """The number of the line at which everything below is a quote."""
    found = [_by_rules(lines), _by_library(lines)]
    return min(n for n in (*found, len(lines)) if n is not None)


def _by_rules(lines: list[str]) -> int | None:
    for n, line in enumerate(lines[:_MOST_LINES]):
        stripped = line.strip()
        if not stripped or len(stripped) > 4 * _MOST_IN_LINE:
            continue
        following = [x.strip() for x in lines[n + 1 : n + 9] if x.strip()]
        beside = _paragraph(lines[n + 1 : n + 3])
        if _RULE.fullmatch(stripped) or _heads_a_block(stripped, following) or _says_wrote(stripped, beside):
            return n
        if _UNDERSCORES.fullmatch(stripped) and following and _heads_a_block(following[0], following[1:]):
            return n
    return None


def _paragraph(lines: list[str]) -> list[str]:
    """The lines up to the first blank one."""
    return list(takewhile(bool, (line.strip() for line in lines)))


def _heads_a_block(line: str, following: list[str]) -> bool:
    """Outlook's block: From, then at least two more such lines close by."""
    if not _FROM.match(line[:_MOST_IN_LINE]) or _quoted(line):
        return False
    return sum(bool(_FIELD.match(x[:_MOST_IN_LINE])) for x in following[:6]) >= 2


def _says_wrote(line: str, beside: list[str]) -> bool:
    """ "On …, somebody wrote:", perhaps broken over up to three lines."""
    if _quoted(line):
        return False
    for more in range(len(beside) + 1):
        joined = " ".join([line, *beside[:more]])[: 3 * _MOST_IN_LINE]
        if _WROTE.fullmatch(joined) and _WROTE_DATED.search(joined):
            return True
        if more < 2 and _names_a_sender(joined):
            return True
        if more and not re.match(r"(?:le|on|am|el|il|op|den|em|dnia)\s", line, re.IGNORECASE):
            return False
    return False


def _names_a_sender(line: str) -> bool:
    """A line that can only stand above a quote: when, who and their address, then a colon."""
    before, at, after = line.rpartition("@")
    if not at or not _TIME.search(before):
        return False
    on_wrote = line[:3].lower() == "on " and after.endswith(" wrote")
    return on_wrote or bool(_FROM_ADDRESS_ON.fullmatch(at + after))


def _by_library(lines: list[str]) -> int | None:
    """Where mail-parser-reply sees the first quote begin, as a line's number."""
    prepared = _prepared(lines)
    replies = EmailReplyParser(languages=_LANGUAGES).read("\n".join(line for _, line in prepared)).replies
    if len(replies) < 2 or not replies[1].headers:
        return None
    first = replies[1].headers.split("\n", 1)[0].strip()
    if not (_FIELD.match(first) or _WROTE_DATED.search(first) or _RULE.match(first)):
        return None
    return next((n for n, line in prepared if line.strip() == first), None)


def _prepared(lines: list[str]) -> list[tuple[int, str]]:
    """A part of the text that the library's expressions can be trusted with: few lines, none
    long, no run of blank ones, each with its number in the mail."""
    prepared: list[tuple[int, str]] = []
    size, blanks = 0, 0
    for n, line in enumerate(lines[:_MOST_LINES]):
        blanks = 0 if line.strip() else blanks + 1
        size += min(len(line), _MOST_IN_LINE) + 1
        if size > _MOST_CHARS:
            break
        if blanks < 3:
            prepared.append((n, line.strip() if len(line) <= _MOST_IN_LINE else "."))
    return prepared


def _without_trailer(lines: list[str]) -> list[str]:
    """Without what stands below the signature mark ("-- ", RFC 3676 §4.3), and without
    a last line such as "Sent from my phone"."""
    mark = next((n for n, line in enumerate(lines) if n and line in ("-- ", "--")), len(lines))
    last = next((n for n in range(mark - 1, 0, -1) if lines[n].strip()), 0)
    if last and len(lines[last]) < 120 and _SENT_FROM.fullmatch(lines[last].strip()):
        last -= 1
    head = lines[: last + 1]
    return head if _says_something(head) else lines
