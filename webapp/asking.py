"""What a handler works with, and how a room of the API declares its routes.

A handler is a plain function `(asked, path=…, query=…, body=…) -> model`. Around it stand,
once for all: the gate's policy, the transaction, the idempotency key, the answer as JSON,
and the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from flask import Response, current_app, request
from flask_login import current_user
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from channels.networks import Networks
from guichet.policy import Actor
from guichet.runtime import Runtime
from guichet.unit import Unit
from webapp import idempotency
from webapp.gate import policy
from webapp.reading import answering

Handler = TypeVar("Handler", bound=Callable[..., Any])
Scopes = str | tuple[str, ...]
PREFIX = "/api/v1"
PROBLEM: dict[str, Any] = {
    "description": "What went wrong (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


@dataclass
class Asked:
    """One request: who asks, when, and in which transaction it is answered."""

    actor: Actor
    now: datetime
    runtime: Runtime
    networks: Networks
    session_id: int | None = None
    csrf_token: str = ""
    _session: Session | None = None
    _unit: Unit | None = None

    @property
    def session(self) -> Session:
        """The transaction of this request."""
        if self._session is None:
            raise RuntimeError("this handler opens its own units")
        return self._session

    @property
    def unit(self) -> Unit:
        """The writing transaction of this request."""
        if self._unit is None:
            raise RuntimeError("this request only reads")
        return self._unit

    @property
    def writes(self) -> bool:
        """Whether this request may change something."""
        return self._unit is not None

    @property
    def staff_id(self) -> int:
        """Who asks: always a person, behind a token too."""
        if self.actor.staff_id is None:
            raise RuntimeError("nobody asks")
        return self.actor.staff_id

    def spec(self, network: str) -> ChannelSpec:
        return self.networks.spec(network)

    @contextmanager
    def open_unit(self) -> Iterator[Session]:
        """A transaction of an act that needs several, because a network is called between
        them. The last one should be the effect's."""
        with self.runtime.unit() as unit:
            yield unit.session


def ask() -> Asked:
    """The request being handled."""
    runtime: Runtime = current_app.extensions["guichet"]["runtime"]
    return Asked(
        actor=current_user.actor,
        now=runtime.now(),
        runtime=runtime,
        networks=current_app.extensions["guichet"]["networks"],
        session_id=current_user.session_id,
        csrf_token=current_user.csrf_token,
    )


class Room:
    """A part of the API: its routes, declared with what they give and who may pass.

    `scope` is what a bearer token needs (of several, one); "" means browser sessions only. `own_units`: the
    handler calls a network and opens its transactions itself. `secret`: the answer is shown
    once and never stored for replay.
    """

    def __init__(self, name: str) -> None:
        self.api = APIBlueprint(
            name,
            __name__,
            url_prefix=PREFIX,
            abp_tags=[Tag(name=name)],
            abp_responses={"default": PROBLEM, "422": PROBLEM},
            abp_security=[{"session": []}, {"token": []}],
            operation_id_callback=_operation_id,
        )

    def get(self, rule: str, gives: Any, *, scope: Scopes = "read", **more: Any) -> Callable[[Handler], Handler]:
        return self._route("get", rule, gives, scope, **more)

    def post(
        self, rule: str, gives: Any, *, scope: Scopes, status: int = 200, **more: Any
    ) -> Callable[[Handler], Handler]:
        return self._route("post", rule, gives, scope, status=status, **more)

    def put(self, rule: str, gives: Any, *, scope: Scopes, **more: Any) -> Callable[[Handler], Handler]:
        return self._route("put", rule, gives, scope, **more)

    def patch(self, rule: str, gives: Any, *, scope: Scopes, **more: Any) -> Callable[[Handler], Handler]:
        return self._route("patch", rule, gives, scope, **more)

    def delete(self, rule: str, gives: Any, *, scope: Scopes, **more: Any) -> Callable[[Handler], Handler]:
        return self._route("delete", rule, gives, scope, **more)

    def _route(
        self,
        method: str,
        rule: str,
        gives: Any,
        scope: Scopes,
        *,
        status: int = 200,
        own_units: bool = False,
        secret: bool = False,
    ) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            @wraps(handler)
            def view(**given: Any) -> Response:
                if reads:
                    return _read(handler, given, status)
                if method == "get":
                    return _answer(handler(ask(), **given), status)
                if own_units:
                    return _act_in_steps(handler, given, status, secret)
                return _act(handler, given, status, secret)

            reads = method == "get" and not own_units
            declared = policy(scope=scope, reads=reads) if scope else policy(session_only=True, reads=reads)
            register = getattr(self.api, method)
            register(rule, responses={status: gives})(declared(view))
            return handler

        return declare


def _operation_id(*, name: str, **_: str) -> str:
    return name


def _read(handler: Callable[..., Any], given: dict[str, Any], status: int) -> Response:
    asked = ask()
    with answering(asked.runtime) as session:
        asked._session = session
        return _answer(handler(asked, **given), status)


def _act(handler: Callable[..., Any], given: dict[str, Any], status: int, secret: bool) -> Response:
    asked = ask()
    with asked.runtime.unit() as unit:
        asked._session, asked._unit = unit.session, unit
        kept = _key(unit.session, asked)
        if isinstance(kept, Response):
            return kept
        response = _answer(handler(asked, **given), status)
        unit.session.flush()
        if kept:
            kept.answer(unit.session, status, None if secret else response.get_data(as_text=True))
    return response


def _act_in_steps(handler: Callable[..., Any], given: dict[str, Any], status: int, secret: bool) -> Response:
    asked = ask()
    with asked.open_unit() as session:
        kept = _key(session, asked)
    if isinstance(kept, Response):
        return kept
    try:
        response = _answer(handler(asked, **given), status)
    except Exception:
        if kept:
            with asked.open_unit() as session:
                kept.give_back(session)
        raise
    if kept:
        with asked.open_unit() as session:
            kept.answer(session, status, None if secret else response.get_data(as_text=True))
    return response


def _key(session: Session, asked: Asked) -> idempotency.Kept | Response | None:
    if request.method != "POST":
        return None
    return idempotency.take(session, request, asked.staff_id, asked.now)


def _answer(given: Any, status: int) -> Response:
    if isinstance(given, Response):
        return given
    if not isinstance(given, BaseModel):
        raise TypeError(f"a handler gives a model or a response, not {type(given).__name__}")
    return Response(given.model_dump_json(), status, mimetype="application/json")
