"""Sign-in: app passwords, short access tokens, refresh tokens that replace each other,
and the points that each write costs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from channels.rehearsal.bluesky.rules import XrpcError, invalid
from channels.rehearsal.store import Doc, Store

ACCESS_SECONDS = 2 * 3600
REFRESH_SECONDS = 90 * 24 * 3600
GRACE_SECONDS = 2 * 3600  # a replaced refresh token still gives the same successor
SCOPES = {False: "com.atproto.appPass", True: "com.atproto.appPassPrivileged"}


@dataclass
class Window:
    """So many points in so many seconds, from the first use on."""

    points: int
    seconds: int
    used: dict[str, tuple[float, int]] = field(default_factory=dict)

    def take(self, who: str, points: int, now: float) -> dict[str, str]:
        """Use points. Returns the headers that tell what is left; raises XrpcError when none."""
        start, used = self.used.get(who, (now, 0))
        if now >= start + self.seconds:
            start, used = now, 0
        used += points
        self.used[who] = (start, used)
        headers = {
            "RateLimit-Limit": str(self.points),
            "RateLimit-Remaining": str(max(0, self.points - used)),
            "RateLimit-Reset": str(int(start + self.seconds)),
            "RateLimit-Policy": f"{self.points};w={self.seconds}",
        }
        if used > self.points:
            raise XrpcError(429, "RateLimitExceeded", "Rate Limit Exceeded", headers)
        return headers


class Sessions:
    """Who is signed in. Tokens are real JWTs (HS256), so that their claims can be read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.access_seconds = ACCESS_SECONDS
        kept = store.get("secret", "jwt") or store.put("secret", "jwt", {"key": secrets.token_hex(32)})
        self._key = bytes.fromhex(kept["key"])

    def open(self, person: Doc, privileged: bool) -> dict[str, str]:
        """Tokens of a new session."""
        return self._pair(person["did"], secrets.token_hex(16), privileged)

    def refresh(self, token: str) -> tuple[str, dict[str, str]]:
        """DID and new tokens for a refresh token. Raises XrpcError."""
        claims = self._claims(token)
        if claims.get("scope") != "com.atproto.refresh":
            raise invalid("Invalid token type", "InvalidToken")
        with self.store.lock:
            kept = self.store.get("refresh", str(claims.get("jti")))
            if kept is None or kept["expires"] <= time.time():
                raise invalid("Token has been revoked", "ExpiredToken")
            following = kept.get("next") or secrets.token_hex(16)
            expires = min(kept["expires"], time.time() + GRACE_SECONDS)
            self.store.put("refresh", claims["jti"], {**kept, "next": following, "expires": expires})
            return kept["did"], self._pair(kept["did"], following, kept["privileged"])

    def revoke(self, did: str) -> None:
        """End every refresh token of an account. Access tokens live on until they end."""
        for doc in self.store.all("refresh", lambda d: d["did"] == did):
            self.store.drop("refresh", doc["jti"])

    def who(self, header: str) -> tuple[str, str]:
        """DID and scope behind an Authorization header. Raises XrpcError."""
        if not header:
            raise XrpcError(401, "AuthMissing", "Authentication Required")
        if not header.startswith("Bearer "):
            raise invalid("Unsupported authorization type", "InvalidToken")
        claims = self._claims(header.removeprefix("Bearer "))
        if claims.get("scope") == "com.atproto.refresh":
            raise invalid("Bad token scope", "InvalidToken")
        return claims["sub"], claims["scope"]

    def serve(self, did: str, audience: str, method: str, until: int) -> str:
        """A token with which a service acts for an account, for one method."""
        return self._signed("JWT", {"iss": did, "aud": audience, "lxm": method, "exp": until})

    def served(self, header: str, method: str) -> str:
        """DID behind the token of a service. Raises XrpcError."""
        claims = self._claims(header.removeprefix("Bearer "))
        if claims.get("lxm") != method or not claims.get("aud"):
            raise invalid("Bad token method", "InvalidToken")
        return str(claims["iss"])

    def _pair(self, did: str, jti: str, privileged: bool) -> dict[str, str]:
        now = int(time.time())
        kept = self.store.get("refresh", jti) or {
            "jti": jti,
            "did": did,
            "privileged": privileged,
            "expires": now + REFRESH_SECONDS,
        }
        self.store.put("refresh", jti, kept)
        base = {"sub": did, "aud": "did:web:rehearsal.test", "iat": now}
        access = {**base, "scope": SCOPES[privileged], "exp": now + self.access_seconds, "jti": secrets.token_hex(8)}
        refresh = {**base, "scope": "com.atproto.refresh", "exp": now + REFRESH_SECONDS, "jti": jti}
        return {"accessJwt": self._signed("at+jwt", access), "refreshJwt": self._signed("refresh+jwt", refresh)}

    def _signed(self, kind: str, claims: dict[str, Any]) -> str:
        head = _b64(json.dumps({"typ": kind, "alg": "HS256"}).encode())
        body = f"{head}.{_b64(json.dumps(claims).encode())}"
        return f"{body}.{self._signature(body)}"

    def _signature(self, body: str) -> str:
        return _b64(hmac.new(self._key, body.encode(), hashlib.sha256).digest())

    def _claims(self, token: str) -> dict[str, Any]:
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            raise invalid("Token could not be verified", "InvalidToken")
        middle = body.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        if claims["exp"] <= time.time():
            raise invalid("Token has expired", "ExpiredToken")
        return claims


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def password_digest(password: str) -> str:
    """App passwords are kept as digests, so that a listing of people shows none."""
    return hashlib.sha256(password.encode()).hexdigest()
