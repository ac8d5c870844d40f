"""The post office of these tests and a company's own gateways: see ``peers``."""

from peers.house import house
from peers.post import post

__all__ = ["house", "post"]
