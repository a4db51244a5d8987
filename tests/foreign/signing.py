"""The credit office's signature, for clients that have it from its documentation: six lines under an HMAC."""

import hashlib
import hmac
import secrets
import time
from urllib.parse import parse_qsl, urlencode, urlsplit


def signed_headers(method, url, body, app_key, app_secret):
    """The headers that prove who asks for an address."""
    parts, stamp, nonce = urlsplit(url), str(int(time.time())), secrets.token_hex(16)
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    lines = [method, parts.path, query, stamp, nonce, hashlib.sha256(body or b"").hexdigest()]
    seal = hmac.new(app_secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    return {"X-App-Key": app_key, "X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": seal}
