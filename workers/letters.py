"""The mails that the installation writes to the people who work here, in their language. They hold
no word of a customer, and no name of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from guichet.letters.contents import MOST, Item
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


_SUBJECTS = {
    "en": {
        "assigned": "Given to you",
        "mentioned": "Somebody calls you",
        "due": "A wait that is about to be, or was, too long",
        "answers": "Your answers: approved, sent back, held back or not delivered",
        "asked": "Posts that wait for your approval",
        "approvals": "Your posts: approved or sent back",
        "posts": "Your posts: failed, or in need of a person",
        "followed": "What you follow",
    },
    "fr": {
        "assigned": "Attribué à vous",
        "mentioned": "Quelqu’un vous appelle",
        "due": "Une attente trop longue, ou qui va l’être",
        "answers": "Vos réponses : approuvées, renvoyées, retenues ou non remises",
        "asked": "Publications qui attendent votre accord",
        "approvals": "Vos publications : approuvées ou renvoyées",
        "posts": "Vos publications : échouées, ou en attente d’une personne",
        "followed": "Ce que vous suivez",
    },
}
_NOTICES = {
    "en": """{name},

This happened in Guichet:

{told}

You chose to be told of this by mail. Choose otherwise in Guichet:
{settings}

Switch off all of these mails:
{off}
""",
    "fr": """{name},

Voici ce qui s’est passé dans Guichet :

{told}

Vous avez choisi d’en être averti(e) par courriel. Changez ce choix dans Guichet :
{settings}

Ne plus recevoir aucun de ces courriels :
{off}
""",
}
_COUNTED = {
    "en": ("{count} notice in Guichet", "{count} notices in Guichet", "and perhaps more"),
    "fr": ("{count} avis dans Guichet", "{count} avis dans Guichet", "et peut-être davantage"),
}


def notices_letter(found: Mapping[str, Sequence[Item]], staff: Staff, address: str, off: str) -> Letter:
    """What happened, gathered: where, and the page that shows it; never what was said."""
    language = "fr" if staff.locale == "fr" else "en"
    one, many, more = _COUNTED[language]
    parts = []
    for subject, items in found.items():
        lines = [_SUBJECTS[language][subject], *(f"- {item.account}: {address}{item.page}" for item in items)]
        parts.append("\n".join([*lines, f"- {more}"] if len(items) >= MOST else lines))
    count = sum(len(items) for items in found.values())
    words = {
        "name": staff.name, "told": "\n\n".join(parts), "settings": f"{address}/settings/me", "off": off,
    }  # fmt: skip
    subject = (one if count == 1 else many).format(count=count)
    return Letter(subject, _NOTICES[language].format(**words))
