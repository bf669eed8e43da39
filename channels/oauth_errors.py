"""What a failure in an OAuth dance means, and what of it may be repeated.

The libraries' own errors, and the networks' words, may hold codes and tokens: none
of them leaves this module.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib.oauth1_session import TokenMissing, TokenRequestDenied

from channels.answers import error_for
from channels.errors import AuthExpired, ChannelError, OutcomeUnknown, Rejected


def check_state(memory: Mapping[str, str], query: Mapping[str, str]) -> None:
    """Raises Rejected (`state_mismatch`) unless the answer is that to our own question."""
    if not memory.get("state") or not hmac.compare_digest(query.get("state", "").encode(), memory["state"].encode()):
        raise state_mismatch()


def state_mismatch() -> Rejected:
    """The error for an answer to somebody else's question."""
    return Rejected("the answer does not belong to the consent that was asked for", code="state_mismatch")


def consent_refused(error: str) -> Rejected:
    """The error for a consent that was not given, or that failed at the network."""
    code = "consent_refused" if error in ("", "access_denied") else "consent_failed"
    return Rejected("the network did not give its consent", code=code, evidence={"error": _known(error)})


# RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1. Anything else may carry what it likes, and is not repeated.
_ERRORS = frozenset(
    {
        *("access_denied", "invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "invalid_token"),
        *("server_error", "temporarily_unavailable", "unauthorized_client"),
        *("unsupported_grant_type", "unsupported_response_type"),
    }
)


def _known(error: Any) -> str:
    return error if isinstance(error, str) and error in _ERRORS else "other"


def judged(refusal: type[ChannelError], code: str) -> Callable[[requests.Response], requests.Response]:
    """A hook that judges the token endpoint's answer before the library reads it."""

    def judge(response: requests.Response) -> requests.Response:
        body = _object(response)
        if 200 <= response.status_code < 300:
            if not isinstance(body.get("access_token"), str):
                raise _unreadable(response.status_code)
            return response
        error = _known(body.get("error"))
        evidence = {"status": response.status_code, "error": error}
        if response.status_code not in (400, 401, 403) or _is_not_the_endpoint(body):
            failure = error_for(response, now=datetime.now(UTC))
            if isinstance(failure, AuthExpired | Rejected):
                failure = OutcomeUnknown("", status=response.status_code)
            raise _without_words(failure, evidence)
        if error in ("invalid_client", "unauthorized_client"):
            raise Rejected(
                "the network does not accept our application keys",
                code="app_keys_refused",
                status=response.status_code,
                evidence=evidence,
            )
        raise refusal("the network refused the grant", code=code, status=response.status_code, evidence=evidence)

    return judge


# What token endpoints say of a grant that is over, besides RFC 6749: X says invalid_request of a
# refresh token that it does not know, Microsoft asks for the person.
_OVER = frozenset({"interaction_required", "login_required", "consent_required"}) | _ERRORS - {
    "server_error",
    "temporarily_unavailable",
}


def _is_not_the_endpoint(body: Mapping[str, Any]) -> bool:
    """A refusal that names no such error (a proxy's page), or one that passes: neither says
    that a grant is over."""
    return body.get("error") not in _OVER


def _object(response: requests.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _without_words(error: ChannelError, evidence: Mapping[str, Any]) -> ChannelError:
    """The same error without the network's own words, which might repeat a code or a token."""
    error.detail = f"the network answered {error.status} when asked for a token"
    error.args = (error.detail,)
    error.evidence = dict(evidence)
    return error


def _unreadable(status: int | None) -> OutcomeUnknown:
    return OutcomeUnknown(
        "the network granted a token in an answer that cannot be read", code="unreadable_success", status=status
    )


def guarded(ask: Callable[[], Mapping[str, Any]], denied: str = "grant_refused") -> Mapping[str, Any]:
    """What `ask` gives, or our own error for what the libraries raise, whose text may
    hold tokens. `denied` is the code of an OAuth 1.0a refusal."""
    try:
        return ask()
    except TokenRequestDenied as e:
        raise _denied(e.response, denied) from None
    except (TokenMissing, KeyError, ValueError):
        raise _unreadable(None) from None
    except OAuth2Error as e:
        raise OutcomeUnknown("the network's answer is no OAuth answer", evidence={"error": _known(e.error)}) from None


def _denied(response: requests.Response, code: str) -> ChannelError:
    evidence = {"status": response.status_code}
    if response.status_code in (400, 401, 403):
        return Rejected(
            "the network refused to give a token",
            code=code,
            status=response.status_code,
            evidence=evidence,
        )
    return _without_words(error_for(response, now=datetime.now(UTC)), evidence)
