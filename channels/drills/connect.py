"""Connecting to a profile: a handle and the password that opens every rehearsal account."""

from __future__ import annotations

from collections.abc import Mapping

from channels.contract import AppKeys, Connected, Connection, Consent
from channels.drills.api import Api
from channels.errors import Malformed, Rejected
from channels.wire import Wire


class DrillConnector:
    """Signs in with what was typed."""

    def __init__(self, app: AppKeys, wire: Wire) -> None:
        self._wire = wire

    def begin(self, form: Mapping[str, str], redirect_uri: str, state: str) -> Consent:
        raise Rejected("a drill is connected with a password", code="wrong_way_to_connect")

    def complete(self, memory: Mapping[str, str], query: Mapping[str, str]) -> Connected:
        raise Rejected("a drill is connected with a password", code="wrong_way_to_connect")

    def sign_in(self, form: Mapping[str, str]) -> Connected:
        """Form: `address`, `handle`, `password`."""
        typed = {name: form.get(name, "") for name in ("handle", "password")}
        answer = Api(form.get("address", ""), "", self._wire).call("POST", "/sessions", json=typed)
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise Malformed("the network gave no token")
        return self._connected(form["address"], token)

    def check(self, connection: Connection) -> Connected:
        return self._connected(connection.base_url, connection.secrets.get("token", ""))

    def refresh(self, connection: Connection) -> None:
        """Tokens of a drill hold until they are revoked."""

    def _connected(self, base_url: str, token: str) -> Connected:
        person = Api(base_url, token, self._wire).read("/me")
        if not isinstance(person, dict) or not person.get("handle"):
            raise Malformed("the network did not say who we are")
        handle = str(person["handle"])
        return Connected(handle, handle, str(person.get("name") or handle), base_url, {"token": token})
