"""Signatures by Standard Webhooks: v1 (HMAC-SHA256, `whsec_`) and v1a (Ed25519, `whsk_` with `whpk_` to check it)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.errors import ConfigError

SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
SHORTEST_PLAIN = 12
_KEY_BYTES = {SHARED: range(24, 65), PRIVATE: (32, 64)}
"""By kind how long a secret may be; the first 32 bytes of a private key are its seed."""


def new_secret(*, is_private: bool = False) -> tuple[str, str]:
    """A new secret for our side, and what the channel checks with: the same secret, or the public key."""
    key = secrets.token_bytes(32)
    if not is_private:
        return (_text(SHARED, key),) * 2
    return _text(PRIVATE, key), _text(PUBLIC, _ed25519(key).public_key().public_bytes_raw())


def signed_headers(message_id: str, at: int, body: bytes, held: str, variable: str, where: str) -> dict[str, str]:
    """The three headers, with a signature by each secret that the variable holds.

    There are several, with blanks between them, while a key rotates: the channel takes any that it knows. A text
    without a prefix is the key as it stands: one that was agreed on before Standard Webhooks. A secret that is none is
    a `ConfigError`, which does not repeat it.
    """
    content = b"%b.%d.%b" % (message_id.encode(), at, body)
    signatures = [_signature(*_secret(one, variable, where), content) for one in held.split()]
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)}


def _signature(kind: str, key: bytes, content: bytes) -> str:
    if kind == SHARED:
        return _text("v1,", hmac.new(key, content, hashlib.sha256).digest())
    return _text("v1a,", _ed25519(key).sign(content))


def _secret(text: str, variable: str, where: str) -> tuple[str, bytes]:
    kind = next((one for one in _KEY_BYTES if text.startswith(one)), None)
    if kind is None and len(text) >= SHORTEST_PLAIN:
        return SHARED, text.encode()
    with suppress(binascii.Error):
        if kind and len(key := base64.b64decode(text.removeprefix(kind), validate=True)) in _KEY_BYTES[kind]:
            return kind, key
    raise ConfigError(
        f"{variable} holds a secret that is none: {SHARED} and 24 to 64 bytes in base64, {PRIVATE} and 32, "
        f"or a plain one of {SHORTEST_PLAIN} characters or more.",
        where,
        f"jifen sink secret makes one; agree on it with the channel and set {variable}",
    )


def _ed25519(key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key[:32])


def _text(prefix: str, content: bytes) -> str:
    return prefix + base64.b64encode(content).decode()
