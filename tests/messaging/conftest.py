"""The post office of these tests: see ``peers.post``."""

from peers.post import post

__all__ = ["post"]
