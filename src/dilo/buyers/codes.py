"""Codes that open something once: long, random, kept only as their hash."""

import hashlib
import secrets


def new_code() -> str:
    return secrets.token_urlsafe(24)


def code_hash(code: str) -> bytes:
    return hashlib.sha256(code[:200].encode()).digest()
