import pytest

from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.contract_rows import ContractRows


class TestBlueskyKeepsTheContract(ContractRows):
    @pytest.fixture
    def rig(self):
        with BlueskyRig() as rig:
            yield rig
