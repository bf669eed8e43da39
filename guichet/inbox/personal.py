"""Personal data that customers leave where everybody reads it: found and covered. Pure.

Cards by length and Luhn's sum, bank accounts by their country's length and checksum, addresses
and telephone numbers by shape, booking codes by shape and the words that stand near them. What
is covered keeps its length, so that a place in the text is the same place in the covered text.
Web addresses are left alone: ids stand in them that look like all of this.

Every pattern is bounded and none nests a repetition, so that no text can make it run long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from guichet.inbox.words import fold

PUBLIC_KINDS = frozenset({"mention", "reply", "quote"})  # of messages that everybody can read
COVER = "•"


class Kind(StrEnum):
    CARD = "card"
    IBAN = "iban"
    EMAIL = "email"
    PHONE = "phone"
    BOOKING = "booking"


@dataclass(frozen=True)
class Found:
    """Where in a text something stands."""

    kind: Kind
    start: int
    end: int


_GAP = "[ \u00a0\u202f.\u2010-\u2013-]"
_URL = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_NUMBERS = re.compile(rf"(?<![\w#$€£@/])(?<![\w]-)(?:\+|00)?\(?\d(?:{_GAP}{{0,2}}[()]?{_GAP}?\d)+\)?(?!-?[\w%€$£])")
_GROUP = re.compile(r"\d+")
_DATE = re.compile(r"(?:19|20)\d\d[ .-]\d\d?[ .-]\d\d?|\d\d?[ .-]\d\d?[ .-](?:19|20)\d\d")
_EMAIL = re.compile(r"(?<![\w@.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[^\W\d_]{2,24}(?![\w@])")
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d\d(?![^\W_]{31})", re.IGNORECASE)
_CODE = re.compile(r"(?<![\w@#.'’-])[A-Za-z0-9]{6}(?![\w@'’])")
_WORD = re.compile(r"[^\W\d_]{4,40}")
_NUMBER = re.compile(r"(?<![\w@#.,€$£-])\d{6,12}(?![\w%€$£])")

_IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL", 29: "BR EG PS QA UA",
        30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip

# Folded words, as whole words. In the languages that a brand's customers are likely to write.
_BOOKING = re.compile(
    r"\b(?:pnr|bookings?|booked|reservations?|record locator|locator|confirmation (?:code|number|no)|"
    r"(?:code|numero|no|ref\w*) (?:de |du )?(?:reservation|dossier|voyage|billet|confirmation)|dossier|"
    r"ticket (?:code|number|no)|order (?:number|no|code)|commande|"
    r"buchung\w*|reservierung\w*|reserva|localizador|prenotazione|boeking\w*|reservering\w*)\b"
)
_TRIP = re.compile(r"\b(?:flights?|vol|vols|flug|vuelo|volo|vlucht|train|tgv|zug|treno|tren|trein)\W*$")
_TELEPHONE = re.compile(
    r"\b(?:tel|telephone|phone|mobile|cell|whatsapp|(?:call|reach|text|ring) (?:me|us)|my number|"
    r"portable|appele\w*|rappele\w*|joindre|joignable|mon numero|handy|telefon\w*|rufnummer|"
    r"movil|cellulare|mobiel|telefoon\w*)\b"
)
_BEFORE, _AFTER = 40, 25  # code points around a code or number, in which such a word stands


def find(text: str) -> tuple[Found, ...]:
    """Everything of the kind in a text, in its order; nothing overlaps."""
    taken = [m.span() for m in _URL.finditer(text)]
    found: list[Found] = []
    for some in (_ibans(text), _emails(text), _cards(text), _phones(text), _bookings(text), _cut(text)):
        for one in some:
            if all(one.end <= start or end <= one.start for start, end in taken):
                taken.append((one.start, one.end))
                found.append(one)
    return tuple(sorted(found, key=lambda one: one.start))


def kinds_in(text: str) -> tuple[str, ...]:
    """Which kinds, each once, in the order of `Kind`."""
    there = {one.kind for one in find(text)}
    return tuple(kind.value for kind in Kind if kind in there)


def cover(text: str) -> str:
    """The text with what was found covered, as long as before. Of a card and a bank account the
    last four signs stay, of a telephone number the last two, of an address the first letter."""
    found = find(text)
    if not found:
        return text
    signs = list(text)
    for one in found:
        places = [n for n in range(one.start, one.end) if signs[n].isalnum()]
        if one.end == len(text) - 1 and text.endswith("…"):
            left = places
        elif one.kind in (Kind.CARD, Kind.IBAN):
            left = places[:-4]
        elif one.kind is Kind.PHONE:
            left = places[:-2]
        else:
            left = places[one.kind is Kind.EMAIL :]
        for n in left:
            signs[n] = COVER
    return "".join(signs)


def cover_public(text: str, kind: str) -> str:
    """The text of a message of this kind, covered if everybody can read it."""
    return cover(text) if kind in PUBLIC_KINDS else text


# ---------------------------------------------------------------- each kind


def _cards(text: str) -> Iterator[Found]:
    for run in _NUMBERS.finditer(text):
        groups = [(m.start() + run.start(), m.end() + run.start()) for m in _GROUP.finditer(run.group())]
        first = 0
        while first < len(groups):
            last = _card_from(text, groups, first)
            if last is not None:
                yield Found(Kind.CARD, groups[first][0], groups[last][1])
            first = first + 1 if last is None else last + 1


def _card_from(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the card that begins with this one: the longest that adds up."""
    digits, found = "", None
    for n in range(first, len(groups)):
        digits += text[slice(*groups[n])]
        if len(digits) > 19:
            break
        if len(digits) >= 13 and _is_card(digits):
            found = n
    return found


def _is_card(digits: str) -> bool:
    values = [int(d) for d in digits]
    if not 2 <= values[0] <= 6 or len(set(values)) == 1:
        return False
    doubled = (sum(divmod(2 * v, 10)) if n % 2 else v for n, v in enumerate(reversed(values)))
    return sum(doubled) % 10 == 0


def _ibans(text: str) -> Iterator[Found]:
    for begins in _IBAN.finditer(text):
        country = begins.group()[:2].upper()
        length = _IBAN_LENGTHS.get(country, 0)
        signs, at = "", begins.start()
        while at < len(text) and len(signs) < length:
            if text[at].isascii() and text[at].isalnum():
                signs += text[at].upper()
            elif text[at] not in " -\u00a0" or not text[at - 1].isalnum():
                break
            at += 1
        is_whole = length and len(signs) == length and not text[at : at + 1].isalnum()
        if is_whole and int("".join(str(int(c, 36)) for c in signs[4:] + signs[:4])) % 97 == 1:
            yield Found(Kind.IBAN, begins.start(), at)


def _emails(text: str) -> Iterator[Found]:
    return (Found(Kind.EMAIL, *m.span()) for m in _EMAIL.finditer(text))


def _phones(text: str) -> Iterator[Found]:
    for run in _NUMBERS.finditer(text):
        said = run.group()
        digits = sum(c.isdigit() for c in said)
        if _DATE.fullmatch(said) or not 7 <= digits <= 17:
            continue
        if _looks_like_telephone(said, digits) or _stands_near(_TELEPHONE, text, *run.span()):
            yield Found(Kind.PHONE, *run.span())


def _looks_like_telephone(said: str, digits: int) -> bool:
    plain = "".join(c for c in said if c.isdigit())
    if said.startswith(("+", "00")):
        abroad = plain.removeprefix("00")
        return abroad[:1] not in ("", "0") and 8 <= len(abroad) <= 15
    groups = [len(m.group()) for m in _GROUP.finditer(said)]
    if plain.startswith("0") and plain[1] != "0":
        return digits in (10, 11) and (len(groups) > 1 or plain[1] in "67")
    return groups == [3, 3, 4] and plain[0] in "23456789"


def _bookings(text: str) -> Iterator[Found]:
    words = [word for word in _WORD.findall(text) if not _CODE.fullmatch(word)]
    is_shouted = bool(words) and sum(word.isupper() for word in words) * 2 >= len(words)
    for code in _CODE.finditer(text):
        said = code.group()
        has_digit, has_letter = any(c.isdigit() for c in said), any(c.isalpha() for c in said)
        if not has_letter or (not has_digit and (is_shouted or not said.isupper())):
            continue
        is_flight = said[:2].isalpha() and said[2:].isdigit() and _TRIP.search(_folded_before(text, code.start()))
        if not is_flight and _stands_near(_BOOKING, text, *code.span()):
            yield Found(Kind.BOOKING, *code.span())
    for number in _NUMBER.finditer(text):
        if _BOOKING.search(_folded_before(text, number.start())):
            yield Found(Kind.BOOKING, *number.span())


def _cut(text: str) -> Iterator[Found]:
    """What a text that was cut ends with: the rest of a number or an address is not seen."""
    if not text.endswith("…"):
        return
    tail = re.search(
        rf"(?:[A-Za-z]{{0,2}}\+?\(?\d(?:{_GAP}{{0,2}}[A-Za-z0-9()]){{3,40}}{_GAP}?|[\w.+-]{{1,64}}@[\w.-]*)…$", text
    )
    if (tail and sum(c.isdigit() for c in tail.group()) >= 4) or (tail and "@" in tail.group()[1:]):
        yield Found(Kind.EMAIL if "@" in tail.group() else Kind.PHONE, tail.start(), len(text) - 1)
        return
    code = re.search(r"(?<![\w@#.'’-])[A-Z0-9]{2,6}…$", text)
    if code and _BOOKING.search(_folded_before(text, code.start())):
        yield Found(Kind.BOOKING, code.start(), len(text) - 1)


def _stands_near(words: re.Pattern[str], text: str, start: int, end: int) -> bool:
    return bool(words.search(_folded_before(text, start)) or words.search(fold(text[end : end + _AFTER])))


def _folded_before(text: str, start: int) -> str:
    return fold(text[max(0, start - _BEFORE) : start])
