"""Tests of the channels, and the contract they share."""

import pytest

pytest.register_assert_rewrite("tests.channels.contract", "tests.channels.house")
