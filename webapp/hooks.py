"""Incoming webhooks: verified over the raw bytes, committed, then acknowledged. Several that
arrive together are committed together; with the database down the network is told to come
back (503), never that it was received.

Networks deliver in bursts and give up on those who answer slowly, so a delivery in good
order takes a short way before Flask; whatever else comes falls through to the route below,
which says what is wrong.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from channels.errors import Forged
from channels.sentences import say
from guichet.errors import GuichetError, NotFound, Unready
from guichet.runtime import Runtime
from webapp.errors import problem
from webapp.gate import policy
from webapp.headers import security_headers
from webapp.intake import Intake

pages = Blueprint("hooks", __name__)
LARGEST = 1024 * 1024  # bytes
RECEIVED = {"received": True}
_NOT_KEPT = "guichet.not_kept"  # in the environ: the short way could not keep it


def add_to(app: Flask, runtime: Runtime) -> None:
    intake = Intake(runtime, app.extensions["guichet"]["networks"])
    app.extensions["guichet"]["intake"] = intake
    app.register_blueprint(pages)
    headers = {**security_headers(runtime.settings), "Cache-Control": "no-store"}
    app.wsgi_app = ShortWay(app.wsgi_app, intake, headers)  # type: ignore[method-assign, assignment]


@pages.get("/hooks/<network>/<row:account_id>")
@policy(public=True)
def challenge(network: str, account_id: int) -> ResponseReturnValue:
    """Prove that the address is ours, as the network asks."""
    answer = _intake().receivers.get(network, account_id).challenge(request.args.to_dict())
    if answer is None:
        raise NotFound("nobody asked anything")
    return jsonify(answer) if isinstance(answer, dict) else Response(str(answer), mimetype="text/plain")


@pages.post("/hooks/<network>/<row:account_id>")
@policy(public=True)
def receive(network: str, account_id: int) -> ResponseReturnValue:
    """Keep what a network hands over; 200 only once it is committed. What is refused is counted."""
    intake = _intake()
    try:
        if request.environ.get(_NOT_KEPT):
            raise TimeoutError  # once was long enough
        intake.receivers.get(network, account_id)
        body = b"" if _is_too_large(request.content_length or 0) else request.stream.read(LARGEST + 1)
        if _is_too_large(request.content_length or len(body)):
            intake.refused.note(account_id, "too_large")
            return problem(413, "too_large", say("at most {most} bytes", most=LARGEST))
        intake.take(network, account_id, {name.lower(): value for name, value in request.headers}, body)
    except Forged as e:
        intake.refused.note(account_id, e.code)
        return problem(403, "forged", e.detail)
    except NotFound:
        intake.refused.note(0, "nobody")
        raise
    except (SQLAlchemyError, TimeoutError):  # it is down, or it hangs
        raise Unready("it could not be kept; send it again") from None
    return jsonify(RECEIVED)


def _is_too_large(length: int) -> bool:
    return length > LARGEST


def _intake() -> Intake:
    found: Intake = current_app.extensions["guichet"]["intake"]
    return found


# ---------------------------------------------------------------- the short way

_ADDRESS = re.compile(r"/hooks/([a-z0-9_-]{1,40})/([0-9]{1,18})")
_LENGTH = re.compile(r"[0-9]{1,7}")


class ShortWay:
    """WSGI in front of the application (PEP 3333). It takes what `receive` would take, and
    gives every request that it cannot finish to the application, as it came."""

    def __init__(self, app: WSGIApplication, intake: Intake, headers: Mapping[str, str]) -> None:
        self._app, self._intake = app, intake
        self._answer = json.dumps(RECEIVED, separators=(",", ":")).encode() + b"\n"
        own = {"Content-Type": "application/json", "Content-Length": str(len(self._answer))}
        self._headers = [*own.items(), *headers.items()]

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].startswith("/hooks/"):
            address = _ADDRESS.fullmatch(environ["PATH_INFO"])
            length = environ.get("CONTENT_LENGTH") or ""
            if address and _LENGTH.fullmatch(length) and int(length) <= LARGEST:
                body = environ["wsgi.input"].read(int(length))
                if self._took(address[1], int(address[2]), environ, body):
                    start("200 OK", list(self._headers))
                    return [self._answer]
                environ["wsgi.input"] = io.BytesIO(body)
        return self._app(environ, start)

    def _took(self, network: str, account_id: int, environ: dict[str, Any], body: bytes) -> bool:
        """Whether it is committed. Where not, the application has the words for it."""
        try:
            self._intake.take(network, account_id, _headers_of(environ), body)
        except (SQLAlchemyError, TimeoutError):
            environ[_NOT_KEPT] = True
            return False
        except (Forged, GuichetError):
            return False
        return True


def _headers_of(environ: Mapping[str, Any]) -> dict[str, str]:
    """The request's headers by their lower-case names."""
    found = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            found[name.replace("_", "-").lower()] = environ[name]
    return found
