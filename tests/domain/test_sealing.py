"""Secrets at rest open only for their owner, with a key that is here."""

from __future__ import annotations

import pytest

from guichet.sealing import CannotUnseal, Sealed, Sealer

K1, K2 = ("k1", b"1" * 32), ("k2", b"2" * 32)
SECRET = {"token": "canary-7f3a"}


def test_what_is_sealed_opens_again_and_shows_nothing() -> None:
    sealed = Sealer([K1]).seal(SECRET, "account:7")
    assert Sealer([K1]).open(sealed, "account:7") == SECRET
    assert b"canary" not in sealed.data
    assert "canary" not in repr(sealed)


def test_the_same_secret_never_looks_the_same() -> None:
    sealer = Sealer([K1])
    assert len({sealer.seal(SECRET, "account:7").data for _ in range(50)}) == 50


def test_moved_to_another_account_it_does_not_open() -> None:
    sealer = Sealer([K1])
    with pytest.raises(CannotUnseal):
        sealer.open(sealer.seal(SECRET, "account:7"), "account:8")


@pytest.mark.parametrize("position", [0, 5, 12, 20, -1])
def test_a_changed_byte_shows(position: int) -> None:
    sealer = Sealer([K1])
    sealed = sealer.seal(SECRET, "account:7")
    data = bytearray(sealed.data)
    data[position] ^= 1
    with pytest.raises(CannotUnseal):
        sealer.open(Sealed("k1", bytes(data)), "account:7")


def test_keys_are_changed_while_running() -> None:
    old = Sealer([K1]).seal(SECRET, "account:7")
    both = Sealer([K2, K1])
    assert both.open(old, "account:7") == SECRET
    new = both.seal(both.open(old, "account:7"), "account:7")
    assert new.key_id == "k2"
    assert Sealer([K2]).open(new, "account:7") == SECRET
    with pytest.raises(CannotUnseal, match="k1"):
        Sealer([K2]).open(old, "account:7")
