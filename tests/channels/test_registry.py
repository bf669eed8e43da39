"""Which networks there are: a package that is installed adds its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels import registry

MODULE = """
from dataclasses import replace
from channels.mastodon import SPEC as MASTODON
SPEC = replace(MASTODON, name="{name}", title="Plugged")
"""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """The registry as a process finds it that has just begun; and afterwards, as all others know it."""
    registry.names.cache_clear()
    yield
    registry.names.cache_clear()
    registry.get_spec.cache_clear()


def install(folder: Path, name: str, calls_itself: str) -> Path:
    """A package on disk as an installer leaves it, with one network; its metadata's folder."""
    (folder / f"{name}_channel.py").write_text(MODULE.format(name=calls_itself))
    known = folder / f"{name}_channel-1.0.dist-info"
    known.mkdir()
    (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-channel\nVersion: 1.0\n")
    (known / "entry_points.txt").write_text(f"[guichet.channels]\n{name} = {name}_channel:SPEC\n")
    return known


def test_an_installed_package_adds_its_network_for_the_life_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = install(tmp_path, "plugged", "plugged")
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.names() == (*registry.BUILT_IN, "plugged", *registry.DRILLS)
    assert registry.get_spec("plugged").title == "Plugged"
    shutil.rmtree(known)
    assert "plugged" in registry.names()  # nothing is looked up again


def test_a_package_that_calls_its_network_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "false", "x")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TypeError, match="'false'"):
        registry.get_spec("false")


def test_what_nobody_registered_is_no_network() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        registry.get_spec("nowhere")
