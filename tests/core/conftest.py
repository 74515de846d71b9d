"""Assertions of the scenario tests explain themselves like those of a test module."""

import pytest

pytest.register_assert_rewrite("tests.core.told")
