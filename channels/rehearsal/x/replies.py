"""How the rehearsal X answers: errors in the shape of API v2, and limits really counted."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from flask import Response, g, jsonify, make_response

from channels.rehearsal.x.oauth import Gate, Refused
from channels.rehearsal.x.world import XWorld

_TITLES = {400: "Invalid Request", 403: "Forbidden", 404: "Not Found Error", 429: "Too Many Requests"}


class Problem(Exception):
    """A request that X refuses: a status and its words."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


def answering(world: XWorld, gate: Gate, route: str, view: Callable[..., Any]) -> Callable[..., Response]:
    """`view` with identity checked, its rate counted, and its refusals put into X's words."""

    @functools.wraps(view)
    def answer(**where: str) -> Response:
        headers: dict[str, str] = {}
        try:
            g.caller = caller = gate.caller()
            headers = _count(world, caller["id"], route)
            response = make_response(view(**where))
        except Refused as e:
            return _problem(401, "Unauthorized", str(e), {})
        except Problem as e:
            return _problem(e.status, _TITLES[e.status], e.detail, {**headers, **e.headers})
        response.headers.update({**headers, **g.get("headers", {})})
        return response

    return answer


def _problem(status: int, title: str, detail: str, headers: dict[str, str]) -> Response:
    # For a 401 X says no more than the word; why is for whoever debugs the rehearsal.
    said = "Unauthorized" if status == 401 else detail
    response = make_response(jsonify(title=title, type="about:blank", status=status, detail=said), status)
    response.headers.update(headers)
    if status == 401:
        response.headers["x-rehearsal-reason"] = detail
    return response


def _count(world: XWorld, user_id: str, route: str) -> dict[str, str]:
    limit, seconds = world.rates.get(route, world.rates["*"])
    window = int(time.time()) // seconds
    key = f"{user_id} {route}"
    with world.store.lock:
        number, used = world.used.get(key, (window, 0))
        used = used + 1 if number == window else 1
        world.used[key] = (window, min(used, limit))
    headers = {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(max(limit - used, 0)),
        "x-rate-limit-reset": str((window + 1) * seconds),
    }
    if used > limit:
        raise Problem(429, "Too Many Requests", headers)
    return headers
