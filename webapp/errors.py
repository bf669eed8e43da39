"""One table from what went wrong to a problem document (RFC 9457), in the reader's language.
What we did not foresee says nothing but that it is logged; a page gets a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, json, make_response, render_template, request
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, TimeoutError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from channels.errors import AuthExpired, ChannelError, Gone, RateLimited, Rejected
from channels.sentences import say
from guichet.errors import Conflict, GuichetError, Invalid, NotAllowed, NotFound, NotSignedIn, Unready
from webapp.languages import opening, told
from webapp.refusals import refusal

log = structlog.get_logger(__name__)

STATUSES: tuple[tuple[type[GuichetError], int], ...] = (
    (NotFound, 404),
    (NotAllowed, 403),
    (NotSignedIn, 401),
    (Invalid, 422),
    (Conflict, 409),
    (Unready, 503),
)


FAULT = say("something went wrong here; it is logged")

# What the web server itself refuses, before any code of ours is asked.
_HTTP: Mapping[int, str] = {
    400: say("the request cannot be read"),
    404: say("there is nothing at this address"),
    405: say("this cannot be done at this address"),
    406: say("there is no answer of the kind that was asked for"),
    413: say("this is more than can be taken at once"),
    414: say("the address is too long"),
    415: say("content of this kind is not taken here"),
    429: say("this was asked too often; wait a moment"),
    431: say("the headers are too large"),
}
# The headings of the plain pages.
_PAGES: Mapping[int, str] = {
    401: say("sign in first"),
    403: say("you may not do this"),
    404: say("there is nothing here"),
    429: say("too often"),
    503: say("not ready"),
}
_ELSE = say("this did not work")
# RFC 9457, §3.1.4: of "about:blank" the status's own phrase, but for its language.
_TITLES: Mapping[int, str] = {
    400: say("Bad Request"),
    401: say("Unauthorized"),
    403: say("Forbidden"),
    404: say("Not Found"),
    405: say("Method Not Allowed"),
    406: say("Not Acceptable"),
    409: say("Conflict"),
    413: say("Request Entity Too Large"),
    414: say("Request-URI Too Long"),
    415: say("Unsupported Media Type"),
    422: say("Unprocessable Entity"),
    429: say("Too Many Requests"),
    431: say("Request Header Fields Too Large"),
    500: say("Internal Server Error"),
    502: say("Bad Gateway"),
    503: say("Service Unavailable"),
}


def problem(
    status: int, code: str, detail: str = "", errors: Sequence[Mapping[str, str]] = (), current: Any = None
) -> Response:
    """A problem document. `detail` is a sentence for a person, as are the messages of `errors`."""
    title, detail = told(_TITLES.get(status, HTTPStatus(status).phrase)), opening(detail)
    if not request.path.startswith(("/api/", "/hooks/", "/healthz", "/readyz")):
        return make_response(
            render_template("error.html", status=status, title=opening(_PAGES.get(status, _ELSE)), detail=detail),
            status,
        )
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [{**one, "message": told(one["message"])} for one in errors],
        "current": current,
    }
    answer = Response(_json(body), status, mimetype="application/problem+json")
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="guichet"'
    return answer


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, default=str)


def invalid_request(error: ValidationError) -> Response:
    """What a request's schema refused, field by field, without repeating what was sent."""
    errors = [
        {"field": ".".join(str(part) for part in one["loc"]) or "body", "message": refusal(one)}
        for one in error.errors(include_url=False, include_input=False)
    ]
    return problem(422, "invalid", say("the request is not as it should be"), errors)


def _of_guichet(error: GuichetError) -> Response:
    status = next((s for kind, s in STATUSES if isinstance(error, kind)), 500)
    if status == 500:
        log.error("unforeseen", error=type(error).__name__, code=error.code)
        return problem(500, "error", FAULT)
    fields = error.fields if isinstance(error, Invalid) else {}
    errors = [{"field": name, "message": message} for name, message in fields.items()]
    return problem(status, error.code, error.message, errors, _plain(error.data) or None)


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    found = data.get("current", data)
    return dict(found) if isinstance(found, Mapping) else {"state": found}


def _of_channel(error: ChannelError) -> Response:
    """A network that did not do what a person asked for just now (connecting, checking)."""
    refused = isinstance(error, Rejected | AuthExpired | Gone)
    status = 429 if isinstance(error, RateLimited) else 422 if refused else 502
    field = error.evidence.get("field")
    errors = [{"field": f"form.{field}", "message": error.detail}] if isinstance(field, str) else []
    return problem(status, error.code, error.detail, errors)


def _of_database(error: DBAPIError) -> Response:
    if isinstance(error, IntegrityError):
        return problem(409, "conflict", say("this contradicts something that is already there"))
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.error("database_unready", error=type(error.orig).__name__)
        return problem(503, "unready", say("the database does not answer; try again in a moment"))
    return _unforeseen(error)


def _of_http(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    answer = problem(status, HTTPStatus(status).name.lower(), _HTTP.get(status, ""))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "location"):
            answer.headers[name] = value
    return answer


def _unforeseen(error: Exception) -> Response:
    log.exception("unforeseen", error=type(error).__name__)
    return problem(500, "error", FAULT)


def tell_problems(app: Flask) -> None:
    """Answer every error of `app` as a problem."""
    app.register_error_handler(GuichetError, _of_guichet)
    app.register_error_handler(ChannelError, _of_channel)
    app.register_error_handler(DBAPIError, _of_database)
    app.register_error_handler(
        TimeoutError, lambda e: problem(503, "unready", say("every database connection is busy"))
    )
    app.register_error_handler(
        StaleDataError, lambda e: problem(409, "conflict", say("somebody else changed this meanwhile"))
    )
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unforeseen)
