"""Secrets at rest: AES-256-GCM (NIST SP 800-38D), a fresh nonce each time, bound to
what they belong to, with the id of the key so that keys can be changed while running."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guichet.errors import GuichetError

_NONCE = 12


class CannotUnseal(GuichetError):
    """The key is not here, or the bytes are not what was sealed for this owner."""

    code = "cannot_unseal"


@dataclass(frozen=True)
class Sealed:
    key_id: str
    data: bytes = field(repr=False)


class Sealer:
    """Seals with the first key, opens with any. `keys`: (id, 32 bytes) in order."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self.current = keys[0][0]
        self._keys = {key_id: AESGCM(key) for key_id, key in keys}

    def seal(self, value: Mapping[str, Any], owner: str) -> Sealed:
        """`owner` ("account:7") is authenticated with it: moved elsewhere, it will not open."""
        nonce = os.urandom(_NONCE)
        plain = json.dumps(value, separators=(",", ":")).encode()
        return Sealed(self.current, nonce + self._keys[self.current].encrypt(nonce, plain, owner.encode()))

    def open(self, sealed: Sealed, owner: str) -> dict[str, Any]:
        """Raises CannotUnseal."""
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise CannotUnseal(f"the key {sealed.key_id!r} is not among GUICHET_SECRET_KEYS")
        try:
            plain = key.decrypt(sealed.data[:_NONCE], sealed.data[_NONCE:], owner.encode())
        except InvalidTag:
            raise CannotUnseal(f"what is stored for {owner} was not sealed for it with this key") from None
        value: dict[str, Any] = json.loads(plain)
        return value
