"""The bot of these tests: see ``peers.line``."""

from peers.line import line, peer

__all__ = ["line", "peer"]
