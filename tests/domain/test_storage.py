"""Files lie under random names; no key leads out of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from guichet.storage import FileStore


def test_what_is_put_is_got_and_deleted(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "media")
    key = store.put(b"picture")
    assert store.get(key) == b"picture"
    assert store.put(b"picture") != key
    store.delete(key)
    with pytest.raises(FileNotFoundError):
        store.get(key)


@pytest.mark.parametrize(
    "key", ["../secret-keys", "/etc/passwd", "ab/../../secret-keys", "", "ab/%2e%2e", "ab/" + "g" * 38]
)
def test_a_key_that_never_came_from_here_opens_nothing(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret-keys").write_text("canary")
    store = FileStore(tmp_path / "media")
    with pytest.raises(FileNotFoundError):
        store.get(key)
    store.delete(key)
    assert (tmp_path / "secret-keys").exists()
