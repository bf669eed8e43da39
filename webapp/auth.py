"""Who asks: a browser by its cookie, a program by its bearer token. Sessions are rows, so
that ending one ends it for every process at the next request; rights are read anew each
time. Nothing about a person is kept in the cookie but a random secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask, Request, Response, request
from flask_login import LoginManager, UserMixin
from sqlalchemy.orm import Session

from guichet.policy import Actor, load_actor
from guichet.runtime import Runtime
from guichet.staff import queries, rules
from guichet.staff.entry import touch_session, touch_token
from webapp.gate import policy_of
from webapp.languages import know_language
from webapp.reading import end_reading, reading


@dataclass
class SignedIn(UserMixin):  # type: ignore[misc]
    """Somebody whom we know, with the rights of this moment."""

    actor: Actor
    locale: str
    session_id: int | None = None
    token_id: int | None = None
    csrf_token: str = ""
    touch_is_due: bool = False


def cookie_name(runtime: Runtime) -> str:
    """`__Host-` binds the cookie to this host, its root and https (RFC 6265bis §4.1.3.2)."""
    return "__Host-guichet" if runtime.settings.secure else "guichet"


def remember_people(app: Flask, runtime: Runtime) -> None:
    """Let flask-login find out who asks, through our own sessions and tokens."""
    manager = LoginManager(app, add_context_processor=False)  # a page must not ask the database who reads it
    manager.session_protection = None  # its own cookie is not used

    def who_asks(asking: Request) -> SignedIn | None:
        declared = policy_of(app, asking.endpoint) if asking.endpoint else None
        return identify(runtime, asking, goes_on=declared is not None and declared.reads)

    manager.request_loader(who_asks)


@dataclass(frozen=True)
class Key:
    """What a request shows: the secret of a browser session or of a token."""

    kind: str  # session, token
    secret: str = field(repr=False)
    ip: str = ""


def key_of(runtime: Runtime, asking: Request) -> Key | None:
    """The key that a request shows. One that shows a token is judged by the token alone."""
    scheme, _, bearer = asking.headers.get("Authorization", "").partition(" ")
    if bearer:
        return Key("token", bearer.strip(), address()) if scheme.lower() == "bearer" else None
    secret = asking.cookies.get(cookie_name(runtime), "")
    return Key("session", secret, address()) if secret else None


def person_behind(session: Session, key: Key, now: datetime) -> SignedIn | None:
    """Whom a key lets in, with the rights of this moment."""
    if key.kind == "token":
        token = queries.find_token(session, key.secret, now)
        if token is None:
            return None
        actor = load_actor(session, token.staff, now, kind="token", scopes=token.scopes, ip=key.ip)
        is_due = token.used_at is None or now - token.used_at >= rules.TOUCH
        return SignedIn(actor, token.staff.locale, token_id=token.id, touch_is_due=is_due)
    opened = queries.find_session(session, key.secret, now)
    if opened is None:
        return None
    actor = load_actor(session, opened.staff, now, ip=key.ip)
    is_due = now - opened.seen_at >= rules.TOUCH
    csrf_token = rules.csrf_token(key.secret)
    return SignedIn(actor, opened.staff.locale, opened.id, csrf_token=csrf_token, touch_is_due=is_due)


def identify(runtime: Runtime, asking: Request, *, goes_on: bool) -> SignedIn | None:
    """Who asks, or None. Notes now and then that a session or a token is in use. `goes_on`: the
    transaction in which this is read is that of the answer."""
    key = key_of(runtime, asking)
    if key is None:
        return None
    now = runtime.now()
    try:
        person = person_behind(reading(runtime), key, now)
    except Exception as e:
        end_reading(e)
        raise
    if not goes_on or (person and person.touch_is_due):
        end_reading()
    if person:
        know_language(person.locale)
    if person and person.touch_is_due:
        with runtime.unit() as unit:
            if person.session_id:
                touch_session(unit.session, person.actor, person.session_id, now)
            elif person.token_id:
                touch_token(unit.session, person.actor, person.token_id, now)
    return person


def give_cookie(response: Response, runtime: Runtime, secret: str) -> None:
    """Hand the session's secret to the browser, out of reach of scripts."""
    response.set_cookie(
        cookie_name(runtime),
        secret,
        max_age=int(rules.ABSOLUTE.total_seconds()),
        secure=runtime.settings.secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def take_cookie(response: Response, runtime: Runtime) -> None:
    """Make the browser forget the session."""
    response.delete_cookie(
        cookie_name(runtime), path="/", secure=runtime.settings.secure, httponly=True, samesite="Lax"
    )


def address() -> str:
    """Where the request came from, as far as the trusted proxies tell."""
    return request.remote_addr or ""
