"""Files by their address: one answer from where the policy allows, and no way beyond it."""

from __future__ import annotations

import pytest

from channels.errors import Rejected
from channels.fetching import fetch
from channels.wire import AddressPolicy, Wire
from tests.webapp.test_imports import picture, pictures

__all__ = ["pictures"]


def wire(port: int) -> Wire:
    return Wire(policy=AddressPolicy((f"127.0.0.1:{port}",)))


def test_a_file_is_fetched_with_the_name_that_its_address_gives_it(pictures: int) -> None:
    found = fetch(wire(pictures), f"http://127.0.0.1:{pictures}/sea.png?size=large")
    assert (found.data, found.name) == (picture(), "sea.png")


@pytest.mark.parametrize("path", ["elsewhere.png", "none.png"])
def test_a_redirect_is_not_followed_and_an_answer_without_a_file_is_no_file(pictures: int, path: str) -> None:
    with pytest.raises(Rejected) as refused:
        fetch(wire(pictures), f"http://127.0.0.1:{pictures}/{path}")
    assert refused.value.code == "no_file"
