"""X keeps the contract, signed in either way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.contract_rows import ContractRows
from tests.channels.rig import Rig
from tests.channels.x_rig import XRig, XRigOAuth1


class TestXKeepsTheContract(ContractRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with XRig() as rig:
            yield rig


class TestXKeepsTheContractWithOAuth1(ContractRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with XRigOAuth1() as rig:
            yield rig
