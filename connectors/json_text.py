"""One way to read JSON from outside: exact numbers, and a `ValueError` for whatever is not JSON."""

import json
import re
from typing import Any

import msgspec

MAX_WEIGHT_BYTES = 256 * 1024 * 1024
"""The most memory that the values of one text may take: a few bytes of `{}` become dozens of a Python object."""

_ALWAYS_LIGHT = 4 * 1024 * 1024
_WEIGHTS = {b"{": 184, b"[": 72, b",": 68, b":": 40}
"""About what each sign of a JSON text costs in memory once it is read."""

_STRIDE = 4 * 1024 * 1024
_WIDE = re.compile(rb"[\xf0-\xf4]|\\u[dD][89abAB]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def loads(body: bytes) -> Any:
    """The value of a JSON text in UTF-8. A number with a point or an exponent stays the text it was sent as.

    Raises ValueError (or RecursionError, for a nesting made to break us), also where its values would fill memory.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    _refuse_heavy(body)
    try:
        # A decoder of its own for each call: it is cheap, and one shared between threads is not documented as safe.
        return msgspec.json.Decoder(float_hook=str).decode(body)
    except msgspec.DecodeError as error:
        if len(body) > _ALWAYS_LIGHT * 4:
            raise ValueError(str(error)) from None
        try:
            # Slower and more lenient: a lone surrogate spoils one record, not the page it stands on.
            return json.loads(body, parse_float=str, parse_constant=_refuse_constant)
        except ValueError:
            raise ValueError(str(error)) from None


def _refuse_heavy(body: bytes) -> None:
    if len(body) <= _ALWAYS_LIGHT:
        return
    weight = len(body) + sum(body.count(sign) * cost for sign, cost in _WEIGHTS.items())
    if weight > MAX_WEIGHT_BYTES:
        raise ValueError(f"it would take about {weight >> 20} MB of memory, ask for smaller pages")
    # One character beyond the common ones makes each character of its text four bytes wide.
    if _WIDE.search(body) and any(body.find(b'"', at, at + _STRIDE) < 0 for at in range(0, len(body), _STRIDE)):
        raise ValueError(f"it holds a text of more than {_STRIDE >> 20} MB")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
