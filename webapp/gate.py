"""The gate: every route says who may pass, and one that says nothing lets nobody.

A route's policy is the coarse half (signed in at all, by which means, with which token
scope, with a CSRF token); the fine half, on which account, is asked by the domain's
`policy.require` in every operation. A test walks the URL map and fails for a route
without a policy.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import structlog
from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from limits import RateLimitItemPerMinute
from werkzeug.exceptions import TooManyRequests

from channels.sentences import say
from guichet.errors import NotAllowed, NotSignedIn

log = structlog.get_logger(__name__)
View = TypeVar("View", bound=Callable[..., Any])
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Policy:
    """`public`: anybody. Else somebody signed in: by a browser session, or, where `scopes` are
    named, also by a bearer token that holds one of them. `page`: sends a stranger to the
    sign-in page and protects its forms itself. `reads`: who asks is read in the transaction that
    answers them."""

    public: bool = False
    scopes: tuple[str, ...] = ()
    page: bool = False
    reads: bool = False


def policy(
    *,
    public: bool = False,
    scope: str | tuple[str, ...] = (),
    session_only: bool = False,
    page: bool = False,
    reads: bool = False,
) -> Callable[[View], View]:
    """Declare who may pass: exactly one of `public`, `scope` (one, or any of several) and
    `session_only`."""
    if public + bool(scope) + session_only != 1:
        raise TypeError("a policy is public, or for a token scope, or for browser sessions only")

    def declare(view: View) -> View:
        scopes = (scope,) if isinstance(scope, str) and scope else tuple(scope)
        view.policy = Policy(public, scopes, page, reads)  # type: ignore[attr-defined]
        return view

    return declare


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    """What the view behind an endpoint declares."""
    found = getattr(app.view_functions[endpoint], "policy", None)
    return found if isinstance(found, Policy) else None


def close_gate(app: Flask) -> None:
    """Put the gate before every request of `app`."""

    @app.before_request
    def pass_or_refuse() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None  # nobody lives there: Flask says 404 or 405
        declared = policy_of(app, request.endpoint)
        if declared is None:
            log.error("route_without_policy", endpoint=request.endpoint)
            raise NotAllowed("nobody may pass here", code="no_policy")
        if declared.public:
            return None
        if not current_user.is_authenticated:
            if declared.page and request.method in SAFE:
                return redirect("/sign-in?" + urlencode({"next": request.full_path.rstrip("?")}))
            raise NotSignedIn("sign in first")
        _require_pace(app)
        _require_means(declared)
        return None


def _require_pace(app: Flask) -> None:
    """Nobody's program, or page gone wild, takes the counter from everybody else."""
    parts = app.extensions["guichet"]
    limit = RateLimitItemPerMinute(parts["runtime"].settings.api_rate)
    actor = current_user.actor
    if not parts["api_throttle"].allows(limit, "api", actor.kind, str(actor.staff_id)):
        raise TooManyRequests(retry_after=limit.get_expiry())


def _require_means(declared: Policy) -> None:
    scopes = current_user.actor.scopes
    if scopes is not None:
        if scopes.isdisjoint(declared.scopes):
            named = "|".join(declared.scopes)
            wanted = say("the scope {scope}", scope=named) if named else say("a signed-in person")
            raise NotAllowed(say("this token does not do: it takes {wanted}", wanted=wanted), code="scope")
        return
    if request.method in SAFE or declared.page:
        return
    given = request.headers.get("X-CSRF-Token", "")
    if not hmac.compare_digest(given.encode(), current_user.csrf_token.encode()):
        raise NotAllowed("the X-CSRF-Token header is missing or is not this session's", code="csrf")
