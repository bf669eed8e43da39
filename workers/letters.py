"""The mails that the installation writes to the people who work here, in their language. They hold
no word of a customer, and no name of one."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from guichet.models import Alert, Staff

EVENTS = {
    "en": {
        "near": "promises are about to be broken",
        "broken": "promises were not kept",
        "flood": "a flood of messages",
        "signed_out": "the account lost its sign-in",
        "undecided": "something sent needs a person",
        "failed": "something could not be sent",
    },
    "fr": {
        "near": "des promesses arrivent à échéance",
        "broken": "des promesses n’ont pas été tenues",
        "flood": "un afflux de messages",
        "signed_out": "le compte a perdu sa connexion",
        "undecided": "un envoi attend la décision d’une personne",
        "failed": "un envoi a échoué",
    },
}
_ALERT = {
    "en": """{name},

{brand}, {account}: {event} ({count}).
Since {since}.

Say that you see to it, so that nobody else is called:
{link}

See it in Guichet:
{page}

You are called because “{policy}” names you. This link is yours alone and works once.
""",
    "fr": """{name},

{brand}, {account} : {event} ({count}).
Depuis le {since}.

Dites que vous vous en occupez, pour que personne d’autre ne soit appelé :
{link}

Voir dans Guichet :
{page}

Vous êtes appelé(e) parce que « {policy} » vous désigne. Ce lien est à vous seul(e) et ne sert qu’une fois.
""",
}
_SUBJECT = {"en": "Alert: {brand}, {account}: {event}", "fr": "Alerte : {brand}, {account} : {event}"}


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str


def alert_letter(alert: Alert, staff: Staff, link: str, page: str) -> Letter:
    """What somebody who is called reads."""
    language = "fr" if staff.locale == "fr" else "en"
    since = alert.raised_at.astimezone(ZoneInfo(staff.time_zone))
    words = {
        "name": staff.name, "brand": alert.policy.brand.name, "account": alert.account.handle,
        "event": EVENTS[language][alert.event], "count": alert.count, "policy": alert.policy.name,
        "since": since.strftime("%d/%m/%Y %H:%M" if language == "fr" else "%Y-%m-%d %H:%M") + f" ({staff.time_zone})",
        "link": link, "page": page,
    }  # fmt: skip
    return Letter(_SUBJECT[language].format(**words), _ALERT[language].format(**words))
