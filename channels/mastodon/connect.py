"""Connecting an account on any instance: our application is registered there on the
way, so nobody needs keys beforehand.

Asked for are the narrow scopes that we use; a server that knows only the broad ones
gets those. The code is bound to this dance by PKCE where the server offers it. The
token request is our own: requests-oauthlib refuses http, which rehearsals speak, and
not every server of this API reads the application's secret from a header.
Refused: http, save on loopback addresses that this installation allows (rehearsal).
Source: docs.joinmastodon.org/methods/apps, /methods/oauth, /spec/oauth; RFC 6749, RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from channels import answers
from channels.contract import AppKeys, Connected, Connection, Consent
from channels.errors import AuthExpired, ChannelError, Gone, Malformed, OutcomeUnknown, Rejected, Unavailable
from channels.mastodon.api import Api, actor_of, full_handle, host_of
from channels.mastodon.instance import Instance, instance_of, normal_address
from channels.sentences import say
from channels.wire import Wire

CLIENT_NAME = "Guichet"
SCOPES = "read:accounts read:notifications read:statuses write:favourites write:media write:statuses"
_BROAD_SCOPES = "read write"


class MastodonConnector:
    """Connects by OAuth 2, on the instance that the person types."""

    def __init__(self, app: AppKeys, wire: Wire) -> None:
        self._wire = wire

    def begin(self, form: Mapping[str, str], redirect_uri: str, state: str) -> Consent:
        """Form: `instance`, as a person types it. Registers our application there."""
        typed = form.get("instance", "")
        api = Api(normal_address(typed, allow_http=bool(self._wire.policy.allow)), "", self._wire)
        self._instance(api, typed)
        offers = _offers_of(api)
        application, scopes = self._register(api, redirect_uri, offers)
        memory = {
            "base_url": api.base_url,
            "redirect_uri": redirect_uri,
            "state": state,
            "scopes": scopes,
            "client_id": str(application["client_id"]),
            "client_secret": str(application["client_secret"]),
        }
        query = {
            "response_type": "code",
            "client_id": memory["client_id"],
            "redirect_uri": redirect_uri,
            "scope": scopes,
            "state": state,
        }
        if "S256" in _list(offers, "code_challenge_methods_supported"):
            memory["verifier"] = secrets.token_urlsafe(48)
            digest = hashlib.sha256(memory["verifier"].encode()).digest()
            query["code_challenge"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            query["code_challenge_method"] = "S256"
        return Consent(f"{api.base_url}/oauth/authorize?{urlencode(query)}", memory)

    def complete(self, memory: Mapping[str, str], query: Mapping[str, str]) -> Connected:
        if not hmac.compare_digest(query.get("state", "").encode(), memory["state"].encode()):
            raise Rejected("this consent was not asked for here; start again", code="state_mismatch")
        if "code" not in query:
            raise Rejected("the network did not give its consent", code="consent_refused")
        grant = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "client_id": memory["client_id"],
            "client_secret": memory["client_secret"],
            "redirect_uri": memory["redirect_uri"],
            "scope": memory["scopes"],
        }
        if memory.get("verifier"):
            grant["code_verifier"] = memory["verifier"]
        token = self._token(memory["base_url"], grant)
        kept = {"access_token": token, "client_secret": memory["client_secret"]}
        return self._connected(memory["base_url"], kept, memory["client_id"])

    def sign_in(self, form: Mapping[str, str]) -> Connected:
        raise Rejected("a Mastodon account is connected on its instance's own page", code="wrong_way_to_connect")

    def check(self, connection: Connection) -> Connected:
        return self._connected(connection.base_url, connection.secrets, str(connection.settings.get("client_id", "")))

    def refresh(self, connection: Connection) -> None:
        """Tokens of this API do not expire."""

    # -- steps

    def _instance(self, api: Api, typed: str = "") -> Instance:
        """Raises Rejected where no server of this API answers, naming what was typed."""
        for path in ("/api/v2/instance", "/api/v1/instance"):
            try:
                return instance_of(api.read(path), host_of(api.base_url))
            except (Gone, Malformed, AuthExpired):
                continue  # no such version here, or not for strangers
        raise Rejected(
            say("{host} does not answer as a Mastodon instance does", host=typed or host_of(api.base_url)),
            code="not_an_instance",
            evidence={"field": "instance"},
        )

    def _register(self, api: Api, redirect_uri: str, offers: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        home = urlsplit(redirect_uri)
        form = {
            "client_name": CLIENT_NAME,
            "redirect_uris": redirect_uri,
            "website": f"{home.scheme}://{home.netloc}",
        }
        known = _list(offers, "scopes_supported")
        if not known or set(SCOPES.split()) <= set(known):
            try:
                return self._registered(api, {**form, "scopes": SCOPES}), SCOPES
            except Rejected:
                pass  # it does not say what it knows, and knows only the broad ones
        return self._registered(api, {**form, "scopes": _BROAD_SCOPES}), _BROAD_SCOPES

    def _registered(self, api: Api, form: Mapping[str, str]) -> Mapping[str, Any]:
        application = answers.json_of(api.call("POST", "/api/v1/apps", data=form))
        if not isinstance(application, dict) or not {"client_id", "client_secret"} <= set(application):
            raise Malformed("the instance registered our application without giving keys")
        return application

    def _token(self, base_url: str, grant: Mapping[str, str]) -> str:
        """Trade the code for a token. A refusal here means that the consent is void."""
        try:
            answer = answers.json_of(Api(base_url, "", self._wire).call("POST", "/oauth/token", data=grant))
        except (AuthExpired, Rejected) as e:
            raise Rejected("the instance did not accept the consent; start again", code="grant_refused") from e
        except OutcomeUnknown as e:  # a code that is lost costs nothing: a person asks for another
            raise Unavailable("the instance did not answer; start again") from e
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise Malformed("the instance gave no token")
        return token

    def _connected(self, base_url: str, kept: Mapping[str, str], client_id: str) -> Connected:
        api = Api(base_url, kept.get("access_token", ""), self._wire)
        account = api.who_we_are()
        instance = self._instance(api)
        return Connected(
            remote_id=actor_of(account, instance.domain),
            handle=full_handle(account, instance.domain),
            name=str(account.get("display_name") or account.get("username") or ""),
            base_url=base_url,
            secrets=dict(kept),
            settings={**instance.settings(), "account_id": str(account["id"]), "client_id": client_id},
            avatar_url=str(account.get("avatar_static") or account.get("avatar") or ""),
        )


def _offers_of(api: Api) -> Mapping[str, Any]:
    """What the server says of its sign-in (RFC 8414; Mastodon does since 4.3); {} if nothing."""
    try:
        return api.read("/.well-known/oauth-authorization-server")
    except ChannelError:
        return {}


def _list(offers: Mapping[str, Any], name: str) -> list[Any]:
    value = offers.get(name)
    return value if isinstance(value, list) else []
