"""A short memory shared by processes (Valkey): whatever is in it may be lost, and nobody suffers.

``use_memory`` names the server; without one, or while it is away, there is nothing to remember and
``Away`` is what a script's caller hears, to do with what he has at hand.
"""

import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

log = logging.getLogger("dilo.memory")
PATIENCE_SECONDS = 0.5
AWAY_SECONDS = 5.0
CONNECTIONS = 16


class Away(Exception):
    """The memory does not answer just now."""


class Memory:
    def __init__(self, url: str) -> None:
        self.url = url
        self.away_until = 0.0
        self.redis = Redis.from_url(
            url,
            max_connections=CONNECTIONS,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
        )

    async def do(self, *command: Any) -> Any:
        """Raises Away, at once while it is known to be away."""
        if time.monotonic() < self.away_until:
            raise Away
        try:
            return await self.redis.execute_command(*command)
        except NoScriptError:
            raise
        except (TimeoutError, RedisError, OSError) as error:
            log.warning("memory is away: %s", type(error).__name__)
            self.away_until = time.monotonic() + AWAY_SECONDS
            raise Away from None


_memory: Memory | None = None
_digests: dict[str, str] = {}


def use_memory(url: str) -> None:
    """The composition root says where; an empty address means none."""
    global _memory
    if _memory is None or _memory.url != url:
        _memory = Memory(url) if url else None
        _digests.clear()


async def close() -> None:
    global _memory
    if _memory is not None:
        with contextlib.suppress(Exception):
            await _memory.redis.aclose()
    _memory = None


def _here() -> Memory:
    if _memory is None:
        raise Away
    return _memory


async def get(key: str) -> Any:
    """None where there is nothing, or nobody to ask."""
    with contextlib.suppress(Away, msgspec.MsgspecError):
        found = await _here().do("GET", key)
        return None if found is None else msgspec.msgpack.decode(found)
    return None


async def put(key: str, value: Any, seconds: int) -> None:
    with contextlib.suppress(Away):
        await _here().do("SET", key, msgspec.msgpack.encode(value), "EX", seconds)


async def drop(key: str) -> None:
    with contextlib.suppress(Away):
        await _here().do("DEL", key)


async def run(script: str, keys: Sequence[str], values: Sequence[Any]) -> Any:
    """A Lua script, atomically. Raises Away."""
    memory = _here()
    digest = _digests.get(script)
    if digest is not None:
        with contextlib.suppress(NoScriptError):
            return await memory.do("EVALSHA", digest, len(keys), *keys, *values)
    loaded = await memory.do("SCRIPT", "LOAD", script)
    _digests[script] = loaded.decode() if isinstance(loaded, bytes) else str(loaded)
    return await memory.do("EVALSHA", _digests[script], len(keys), *keys, *values)
