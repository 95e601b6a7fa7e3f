"""Fixtures shared with the tests of visitors."""

from tests.visitors.conftest import clock, shared_settings

__all__ = ["clock", "shared_settings"]
