"""The mailbox keeps the contract that every network keeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.contract_rows import ContractRows
from tests.channels.email_rig import EmailRig


class TestEmailKeepsTheContract(ContractRows):
    @pytest.fixture
    def rig(self) -> Iterator[EmailRig]:
        with EmailRig() as rig:
            yield rig
