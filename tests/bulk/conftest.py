"""The desk of the posts' tests, for tables of them."""

from tests.publishing.conftest import desk

__all__ = ["desk"]
