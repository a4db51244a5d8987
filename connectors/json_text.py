"""One way to read JSON from outside: exact numbers, repeated names reported, and a reason for what is no JSON."""

import codecs
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from connectors.decoders.form import JSON, TEXT, UTF16, form_of

MAX_WEIGHT_BYTES = 256 * 1024 * 1024
"""The most memory that the values of one text may take: a few bytes of `{}` become dozens of a Python object."""

_ALWAYS_LIGHT = 1024 * 1024
_MOST_LENIENT = 16 * 1024 * 1024
"""The longest text that is read again by the slow parser, only to say why the fast one refused it."""
_WEIGHTS = {b"{": 184, b"[": 72, b",": 68, b":": 40}
"""About what each sign of a JSON text costs in memory once it is read."""

_STRIDE = 4 * 1024 * 1024
_WIDE = re.compile(rb"[\xf0-\xf4]|\\u[dD][89abAB]")
_PLACE = re.compile(r" ?\(byte (\d+)\)")
_CALLBACK = re.compile(rb"(?:/\*.{0,20}\*/)?\s*[A-Za-z_$][\w.$]*\s*\(")
_ODDITIES = (
    (re.compile(rb"-?(?:NaN|Infinity)"), "holds {found}, which is no JSON number"),
    (re.compile(rb"None|True|False|nan|undefined|inf\b"), "holds {found}, which is no JSON word"),
    (re.compile(rb"'"), "holds a single quotation mark where JSON has a double one"),
    (re.compile(rb"/[/*]"), "holds a comment"),
    (re.compile(rb"\\x|\\'|\\0"), "holds {found}, which is no JSON escape"),
    (re.compile(rb"[\x00-\x1f]"), "holds a line end or another control character inside a text"),
)


EXACT_BELOW = 10**15
"""A binary number keeps 15 digits; further digits are made up."""

_SINGLE_DIGITS = 7


def is_too_long_for_single(text: str, scale: int | None) -> bool:
    """Whether a number, rounded to `scale` places, has more digits than single precision keeps."""
    number = Decimal(text)
    rounded = number if scale is None or not number.is_finite() else round(number, scale)
    return rounded.is_finite() and len(rounded.normalize().as_tuple().digits) > _SINGLE_DIGITS


class JsonNumber(str):
    """A number with a point or an exponent, as the text it was sent as: a column of text must know that it was none."""

    __slots__ = ()


class NotJsonError(ValueError):
    """A text that is no JSON, and why. `is_cut`: it ends too early, so the same question may bring the whole."""

    is_cut = False


class NameTwiceError(NotJsonError):
    """A name that holds more than a plain value stands twice in one object: which value counts is not known."""


def loads(body: bytes, most_bytes: int = MAX_WEIGHT_BYTES) -> Any:
    """The value of a JSON text in UTF-8. A number with a point or an exponent stays the text it was sent as.

    A name that stands twice in one object has the list of its values, so that it never passes for one of them; NaN and
    Infinity are decimals that are no number. Raises ValueError (or RecursionError, for a hostile nesting),
    also where its values take more than `most_bytes` of memory, or where a name that holds more than a plain value
    stands twice.
    """
    # 1A ends a file on old systems.
    body = body.rstrip(b"\x1a")
    while body.startswith(codecs.BOM_UTF8):
        # Two stand there where two programs put one each.
        body = body.removeprefix(codecs.BOM_UTF8)
    _refuse_heavy(body, most_bytes)
    try:
        # A decoder of its own for each call: it is cheap, and one shared between threads is not documented as safe.
        value = msgspec.json.Decoder(float_hook=JsonNumber).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if len(body) > _MOST_LENIENT:
            raise _why_not(body, str(error)) from None
        return _leniently(body, str(error))
    return _leniently(body) if may_repeat_names(body, value) else value


def loads_or_none(body: bytes) -> Any:
    """The value of a JSON text as `loads` reads it; None for what is none."""
    try:
        return loads(body)
    except (ValueError, RecursionError):
        return None


def may_repeat_names(text: bytes, value: Any) -> bool:
    """Whether a name may stand twice in some object of a text: written anew, its value has fewer colons then.

    A colon written as an escape is counted on one side only, so where one is, this answers True.
    """
    if b"\\" in text and b"\\u003" in text:
        return True
    try:
        return text.count(b":") != msgspec.json.encode(value, enc_hook=str).count(b":")
    except (ValueError, OverflowError, msgspec.MsgspecError):
        return True


def _leniently(body: bytes, message: str = "") -> Any:
    """Slower, and what spoils one value spoils its record and not the page: half a character, NaN, a name twice."""
    try:
        text = body.decode()
        return json.loads(text, parse_float=JsonNumber, parse_constant=Decimal, object_pairs_hook=_members)
    except UnicodeDecodeError as error:
        raise _why_not(body, str(error)) from None
    except json.JSONDecodeError as error:
        place = len(text[: error.pos].encode("utf-8", "surrogatepass"))
        raise _why_not(body, message if "truncated" in message else f"{error.msg} (byte {place})") from None


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    for name, several in values.items():
        if len(several) > 1 and any(isinstance(one, (dict, list)) for one in several):
            raise NameTwiceError(f"{name[:60]!r} stands twice in one object")
    return {name: several if len(several) > 1 else several[0] for name, several in values.items()}


def _why_not(body: bytes, message: str) -> NotJsonError:
    """The error for a text that is no JSON; it repeats no content but a word or a sign."""
    try:
        body.decode()
        is_cut = "truncated" in message
    except UnicodeDecodeError as error:
        is_cut = error.end == len(body) and "unexpected end" in error.reason
    if other := _other_form(body):
        return NotJsonError(f"it is {other}")
    fault = NotJsonError(f"it is cut short after {len(body)} bytes" if is_cut else _odd_sign(body, message))
    fault.is_cut = is_cut
    return fault


def _other_form(body: bytes) -> str | None:
    form = form_of(body)
    is_half_zero = body.count(0) * 3 > len(body) or body.startswith((b"\xff\xfe", b"\xfe\xff"))
    if is_half_zero and form != "text in UTF-32":
        return f"{UTF16}: declare encoding: utf-16 under decoder"
    if form not in (JSON, TEXT, UTF16, "of no known form"):
        return form
    return "a script that calls a function (JSONP)" if _CALLBACK.match(body) else None


def _odd_sign(body: bytes, message: str) -> str:
    """At which byte a text stops being JSON, and why."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        gbk = ", and reads as GB18030: declare encoding: gb18030 under decoder" if _reads_as_gbk(body) else ""
        return f"it is not UTF-8 (byte {error.start}){gbk}"
    found = _PLACE.search(message)
    place = int(found[1]) if found else 0
    if "Extra data" in message or "trailing" in message:
        return f"more stands behind its end, from byte {place} on: one value on each line is kind: jsonl"
    if body[:place].rstrip().endswith(b",") and body[place : place + 1] in (b"]", b"}", b","):
        return f"it holds a comma too many, before byte {place}"
    for pattern, words in _ODDITIES:
        if odd := pattern.match(body, place):
            return f"it {words.format(found=odd[0].decode())}, at byte {place}"
    if not place:
        return f"it is {form_of(body)}"
    return f"{_PLACE.sub('', message).removeprefix('JSON is malformed: ')}, at byte {place}"


def _reads_as_gbk(body: bytes) -> bool:
    try:
        return bool(body.decode("gb18030"))
    except UnicodeDecodeError:
        return False


def _refuse_heavy(body: bytes, most_bytes: int) -> None:
    if len(body) <= _ALWAYS_LIGHT:
        return
    weight = len(body) + sum(body.count(sign) * cost for sign, cost in _WEIGHTS.items())
    if weight > most_bytes:
        raise ValueError(f"it holds more values than fit into memory (about {weight >> 20} MB), ask for smaller pages")
    # One character beyond the common ones makes each character of its text four bytes wide.
    if _WIDE.search(body) and any(body.find(b'"', at, at + _STRIDE) < 0 for at in range(0, len(body), _STRIDE)):
        raise ValueError(f"it holds a text of more than {_STRIDE >> 20} MB")
