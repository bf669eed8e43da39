"""Who asks: a browser by its cookie, a program by its bearer token. Sessions are rows, so
that ending one ends it for every process at the next request; rights are read anew each
time. Nothing about a person is kept in the cookie but a random secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Flask, Request, Response, request
from flask_login import LoginManager, UserMixin
from sqlalchemy.orm import Session

from guichet.policy import Actor, load_actor
from guichet.runtime import Runtime
from guichet.staff import queries, rules
from guichet.staff.entry import touch_session


@dataclass
class SignedIn(UserMixin):  # type: ignore[misc]
    """Somebody whom we know, with the rights of this moment."""

    actor: Actor
    locale: str
    session_id: int | None = None
    csrf_token: str = ""


def cookie_name(runtime: Runtime) -> str:
    """`__Host-` binds the cookie to this host, its root and https (RFC 6265bis §4.1.3.2)."""
    return "__Host-guichet" if runtime.settings.secure else "guichet"


def remember_people(app: Flask, runtime: Runtime) -> None:
    """Let flask-login find out who asks, through our own sessions and tokens."""
    manager = LoginManager(app)
    manager.session_protection = None  # its own cookie is not used

    @manager.request_loader
    def who_asks(asking: Request) -> SignedIn | None:
        return identify(runtime, asking)


def identify(runtime: Runtime, asking: Request) -> SignedIn | None:
    """Who asks, or None. A request that shows a token is judged by the token alone."""
    now = runtime.now()
    scheme, _, bearer = asking.headers.get("Authorization", "").partition(" ")
    with runtime.reading() as session:
        if bearer:
            return _by_token(session, bearer.strip(), now) if scheme.lower() == "bearer" else None
        found = _by_cookie(session, runtime, asking, now)
    if found and found[1]:
        with runtime.unit() as unit:
            touch_session(unit.session, found[0].session_id or 0, now)
    return found[0] if found else None


def _by_token(session: Session, bearer: str, now: datetime) -> SignedIn | None:
    token = queries.find_token(session, bearer, now)
    if token is None:
        return None
    actor = load_actor(session, token.staff, now, kind="token", scopes=token.scopes, ip=address())
    return SignedIn(actor, token.staff.locale)


def _by_cookie(session: Session, runtime: Runtime, asking: Request, now: datetime) -> tuple[SignedIn, bool] | None:
    secret = asking.cookies.get(cookie_name(runtime), "")
    opened = queries.find_session(session, secret, now) if secret else None
    if opened is None:
        return None
    actor = load_actor(session, opened.staff, now, ip=address())
    person = SignedIn(actor, opened.staff.locale, opened.id, rules.csrf_token(secret))
    return person, now - opened.seen_at >= rules.TOUCH


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
