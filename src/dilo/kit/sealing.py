"""Secrets that must be used again (a provider's key, a bot's token), unreadable in the database.

Each text is encrypted with a key of its own, and that key with one derived from the process's
secret (an envelope), which no dump of the database holds. ``about`` says whose text it is and what
for: moved into another row it opens for nobody.
"""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dilo.kit.errors import Refusal

VERSION = "s1"
NONCE, TAGGED_KEY = 12, 48
_keys: list[AESGCM] = []


def use_secrets(*given: str) -> None:
    """The composition root hands over the secret in use, then former ones that may still open."""
    _keys[:] = [AESGCM(_derived(one)) for one in given if one]


def _derived(secret: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"dilo sealing").derive(secret.encode())


def seal(text: str, about: str = "") -> str:
    """Printable; another sealed text each time, whatever the text."""
    assert _keys, "sealing.use_secrets() was not called in this process"
    own, bound = secrets.token_bytes(32), about.encode()
    outer, inner = secrets.token_bytes(NONCE), secrets.token_bytes(NONCE)
    packed = outer + _keys[0].encrypt(outer, own, bound)
    packed += inner + AESGCM(own).encrypt(inner, text.encode(), bound)
    return f"{VERSION}.{base64.urlsafe_b64encode(packed).decode()}"


def unseal(sealed: str, about: str = "") -> str:
    """Raises SEAL_BROKEN where the secret has changed, the text was altered or is another's."""
    version, _, body = sealed.partition(".")
    try:
        if version != VERSION:
            raise ValueError
        packed = base64.urlsafe_b64decode(body)
    except ValueError:
        raise Refusal("SEAL_BROKEN") from None
    for key in _keys:
        try:
            return _opened(key, packed, about.encode())
        except (InvalidTag, ValueError):
            continue
    raise Refusal("SEAL_BROKEN")


def _opened(key: AESGCM, packed: bytes, bound: bytes) -> str:
    outer, rest = packed[:NONCE], packed[NONCE:]
    own = key.decrypt(outer, rest[:TAGGED_KEY], bound)
    rest = rest[TAGGED_KEY:]
    return AESGCM(own).decrypt(rest[:NONCE], rest[NONCE:], bound).decode()


def shown(text: str) -> str:
    """What people may see of a secret: enough to tell two apart."""
    return f"{text[:8]}…{text[-4:]}" if len(text) >= 24 else "…"
