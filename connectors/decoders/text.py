"""The encoding of a file: decided from its bytes and what its source file allows, never guessed silently."""

import codecs
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.decoders.form import UTF16, FormError, form_of

_LF = b"\n"
_BLOCK = 1024 * 1024
_HEAD = 64 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "utf-8"),
    (b"\x84\x31\x95\x33", "gb18030", "gb18030"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
_CHINESE_IN_UTF8 = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}")
_END_MARK = re.compile(rb"\x1a[\x1a\r\n\x00]*\Z")
_WIDE_END_MARK = re.compile(rb"(?:(?:\x1a\x00)+(?:[\r\n]\x00)*|(?:\x00\x1a)+(?:\x00[\r\n])*)\Z")
_TAIL = 4096
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True)
class OpenText:
    """A file as text: the declared name of its encoding, and a stream that reads it a piece at a time."""

    encoding: str
    stream: io.TextIOWrapper


def open_text(body: bytes, encodings: Sequence[str]) -> OpenText:
    """The file in the first declared encoding that it fits from end to end; a byte order mark decides by itself.

    UTF-8 is tried before the Chinese encodings, whatever their order: most of it reads as (wrong) GB18030 too.

    Raises a `FormError` where it fits none, where its mark is that of another encoding, and where it fits a declared
    encoding only by chance: Chinese in UTF-8 reads as (wrong) GBK without a fault.
    """
    for mark, name, codec in _MARKS:
        if body.startswith(mark) and (name != "gb18030" or name in encodings):
            if name not in encodings:
                raise _refused(f"begins with the mark of {name}, declared is {' or '.join(encodings)}.")
            if (place := _misfit(body, codec, len(mark))) is not None:
                raise _refused(f"is not {name}, in spite of its mark ({place}).")
            return OpenText(name, _stream(body, codec, len(mark)))
    if "utf-16" not in encodings and (form := form_of(body)) == UTF16:
        raise _refused(f"is {form}, declared is {' or '.join(encodings)}.")
    places = []
    is_both = "utf-8" in encodings and "utf-16" not in encodings
    for name in sorted(encodings, key="utf-8".__ne__) if is_both else encodings:
        codec = _utf16_order(body) if name == "utf-16" else name
        if (place := _misfit(body, codec, 0)) is None:
            _refuse_lie(body, name, encodings)
            return OpenText(name, _stream(body, codec, 0))
        places.append(f"{name} ({place})")
    raise _refused(f"is not {', not '.join(places)}.")


def _refused(what: str) -> FormError:
    return FormError(what, "ask the agency which encoding it is")


def _refuse_lie(body: bytes, chosen: str, encodings: Sequence[str]) -> None:
    if not _NOT_ASCII.search(body) or chosen == "utf-16":
        return
    if chosen == "utf-8":
        others = [name for name in encodings if name.startswith("gb")]
        if others and not _CHINESE_IN_UTF8.search(body) and _misfit(body, others[0], 0) is None:
            raise _refused(f"reads as utf-8 and as {others[0]} alike.")
        return
    if _is_big5(body[:_HEAD].rpartition(_LF)[0]):
        raise _refused(f"reads as Big5, declared is {' or '.join(encodings)}.")
    if "utf-8" not in encodings and _CHINESE_IN_UTF8.search(body) and _misfit(body, "utf-8", 0) is None:
        raise _refused(f"reads as UTF-8, declared is {chosen}.")


def _is_big5(lines: bytes) -> bool:
    """Whether text that reads as GBK is Big5: then few of its characters are common in GBK, and most are in Big5."""
    try:
        signs = [sign for sign in lines.decode("big5") if sign > "\x7f"]
    except UnicodeDecodeError:
        return False
    # A4 to C6 begin the 5,401 characters in common use.
    frequent = sum(0xA4 <= sign.encode("big5")[0] <= 0xC6 for sign in signs)
    as_gbk = "".join(sign for sign in lines.decode("gb18030", "ignore") if sign > "\x7f")
    return frequent * 4 >= len(signs) * 3 > 0 and len(as_gbk.encode("gb2312", "ignore")) < len(as_gbk)


def _misfit(body: bytes, codec: str, start: int) -> str | None:
    """Where the bytes stop being text of this encoding; None where they are to the end."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    for place in range(start, len(body), _BLOCK):
        block = body[place : place + _BLOCK]
        is_last = place + _BLOCK >= len(body)
        try:
            decoder.decode(block, final=is_last)
        except UnicodeDecodeError as error:
            # The decoder sees what was left of the block before, too.
            at = place + len(block) - len(error.object) + error.start
            if is_last and error.end >= len(error.object):
                return f"the file ends within a character, at byte {at}"
            return f"byte {at}" + ("" if codec.startswith("utf-16") else f", line {body.count(_LF, 0, at) + 1}")
    return None


def without_end_mark(body: bytes) -> bytes:
    """The bytes without the sign 1A that ends a file on old systems, however often it stands there."""
    is_wide = b"\x00" in body[:_TAIL] or body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    # Units of two bytes are counted from the end of the file, which is the end of one.
    tail = (_WIDE_END_MARK if is_wide else _END_MARK).search(body, max(0, len(body) - _TAIL))
    return body[: tail.start()] if tail else body


def _utf16_order(body: bytes) -> str:
    """Without a mark: the blanks, digits and line ends of a table have their zero byte first or second."""
    head = body[:4096]
    return "utf-16-be" if head[::2].count(0) > head[1::2].count(0) else "utf-16-le"


def _stream(body: bytes, codec: str, start: int) -> io.TextIOWrapper:
    raw = io.BytesIO(body)
    raw.seek(start)
    # newline="": line ends stay as they are, for the code that splits the text.
    return io.TextIOWrapper(raw, encoding=codec, errors="strict", newline="")
