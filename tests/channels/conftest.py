"""The shared rows are not called test_*.py, so pytest must be told to explain their asserts."""

import pytest

pytest.register_assert_rewrite("tests.channels.contract_rows", "tests.channels.rig", "tests.channels.mastodon_rig")
