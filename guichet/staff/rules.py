"""Decisions about people, without a database: what a good password is, what a secret
looks like at rest, how long a session lives, who may give which role."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from channels.sentences import say
from guichet.errors import Invalid, NotAllowed
from guichet.policy import Actor, OrgRole

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
ABSENT = timedelta(minutes=5)  # without a sign of life: nobody is there
KEYS_KEPT = timedelta(days=1)
TOUCH = timedelta(minutes=1)  # how exactly "last seen" is kept
SHORTEST_PASSWORD = 12
TOKEN_PREFIX = "guichet_"  # noqa: S105 - tells scanners what leaked, is no secret

_COMMON = frozenset(
    {"password1234", "123456789012", "qwertyuiop12", "motdepasse12", "passwordpassword", "azertyuiop12"}
)
_RANKS = list(OrgRole)
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_LONGEST = 300  # characters of an address or a name


def fold_email(email: str) -> str:
    """The form under which an address is unique."""
    return email.strip().lower()


def require_good_person(email: str, name: str) -> None:
    """Raises Invalid for what is no address or no name."""
    wrong = {}
    if not _EMAIL.fullmatch(email.strip()) or len(email) > _LONGEST:
        wrong["email"] = say("must look like you@example.org")
    if not 0 < len(name.strip()) <= _LONGEST:
        wrong["name"] = say("must have 1 to {most} characters", most=_LONGEST)
    if wrong:
        raise Invalid("nobody can be taken on like this", wrong)


def initials_of(name: str) -> str:
    """Up to three letters that stand for a name."""
    letters = [word[0].upper() for word in name.split() if word[0].isalnum()]
    return "".join(letters[:3]) or "?"


def require_good_password(password: str, *about: str) -> None:
    """Raises Invalid where a password is short, common, or what anybody would try first
    (`about`: the person's address and name). Length counts, classes do not (ASVS 6.2)."""
    problem = ""
    folded = password.lower()
    if len(password) < SHORTEST_PASSWORD:
        problem = say("must have at least {least} characters", least=SHORTEST_PASSWORD)
    elif len(password) > 1000:
        problem = say("must have at most {most} characters", most=1000)
    elif folded in _COMMON or len(set(folded)) < 5:
        problem = say("is one of the first that anybody would try")
    elif any(part and part.lower() in folded and len(part) * 2 >= len(folded) for part in about):
        problem = say("must not be made of the name or the address")
    if problem:
        raise Invalid("this password cannot be taken", {"password": problem})


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    """What a sign-in for an unknown address is checked against, so that it takes as long."""
    return _hasher().hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    """Argon2id with the library's parameters (RFC 9106, low memory). Slow on purpose:
    never inside a transaction that others wait for."""
    return _hasher().hash(password)


def password_fits(stored: str, password: str) -> bool:
    """Whether `password` is the one behind `stored`; takes as long for an empty one."""
    try:
        return _hasher().verify(stored or _nobodys_hash(), password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def new_secret(prefix: str = "") -> str:
    """256 random bits, as text."""
    return prefix + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """How a random secret is stored: it has too much entropy to need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(session_secret: str) -> str:
    """What proves that a request comes from our own page: only who can read the answers of
    this session knows it."""
    return hmac.new(session_secret.encode(), b"guichet csrf", hashlib.sha256).hexdigest()


def session_is_live(
    *, seen_at: datetime, expires_at: datetime, ended_at: datetime | None, disabled_at: datetime | None, now: datetime
) -> bool:
    """Whether a browser session still counts: not ended, not idle too long, not too old,
    and its person still works here."""
    return ended_at is None and disabled_at is None and now < expires_at and now - seen_at < IDLE


def require_role_within(actor: Actor, role: OrgRole) -> None:
    """Nobody gives, or takes, a role above their own."""
    if actor.kind != "system" and _RANKS.index(role) > _RANKS.index(actor.role):
        raise NotAllowed("nobody can give or change a role above their own")


def absence(until: datetime | None, now: datetime) -> datetime | None:
    """Until when somebody is away; None for who is here (again)."""
    return until if until is not None and until > now else None
