"""One normal form for what is typed in several ways, and the words that people write where there is no value.

The patterns are read by `re` and by RE2 alike, so that a whole column can be searched at once.
"""

import re
import unicodedata
from contextlib import suppress

from ledger.hand_made import CELL_ERROR, DITTO_WORDS, LIKE_LATIN, LOST_DIGITS, SCIENTIFIC

_INVISIBLE_RANGE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e01ef"
)
_HIDDEN_RANGE = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\u202a-\u202e\u2066-\u2069"
HIDDEN = re.compile(f"[{_HIDDEN_RANGE}]")
"""Control characters, and those that turn the direction of writing: the text is then not what is shown."""

_INVISIBLE = re.compile(f"[{_INVISIBLE_RANGE}]")
_HYPHENS = "\u2010-\u2015\u2212\ufe58\ufe63"
# The three before the letters are other code points for K, ; and `.
_FORMS_RANGE = f"{_HYPHENS}\uff01-\uff5e\u212a\u037e\u1fef{''.join(map(chr, LIKE_LATIN))}"
OTHER_FORM = f"[{_FORMS_RANGE}]"
"""A sign that `as_code` writes in another form."""
_RADICALS = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
_FORMS = {0xFF01 + place: 0x21 + place for place in range(94)}
_FORMS |= {code: ord("-") for code in (*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63)}
_FORMS |= {code: ord(" ") for code in (0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)}
_CODE_FORMS = {code: chr(other) for code, other in (_FORMS | LIKE_LATIN).items()} | _RADICALS
_SINGLE = "'`\u2018\u2019\u00b4"
_GUARDED = re.compile(
    rf"""=?["\u201c\u201d]([^"=\u201c\u201d]+)["\u201c\u201d]|=([0-9]+)|[{_SINGLE}]+([^{_SINGLE}]+)[{_SINGLE}]?"""
    "|[\u300c\u300e]([^\u300c-\u300f]+)[\u300d\u300f]"
)
"""A code within the signs by which a sheet or a person marks it as text."""
_ENCLOSED = re.compile(r"""(['"])((?:(?!\1).)+)\1""")
_BLANKS = re.compile("  +")
_CODE_LIKE = re.compile("(?=[^0-9]*[0-9])[!-~]+")

_LOST_IN_TEXT = re.compile(rf"{SCIENTIFIC}|^[0-9]{{5,}}\.0$")
_LOST_IN_CODE = re.compile(LOST_DIGITS)
ERROR = re.compile(CELL_ERROR)

BROKEN = "锟斤拷"
"""What two characters of replacement in UTF-8 are in GBK."""
_CONTINUED = "[\u00a0-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
LOST = re.compile(f"\ufffd|{BROKEN}|^[?\uff1f]{{2,}}$|[\u00e0-\u00ef]{_CONTINUED}{{1,2}}[\u00e0-\u00ef]{_CONTINUED}")
"""Characters that the agency's own programs lost: the sign of replacement, nothing but question marks, or UTF-8
that was read as Latin letters.
"""


def _pairs(first: range, second: range) -> str:
    """The characters of GBK whose two bytes lie in these ranges, as a class of a pattern."""
    texts = (bytes((one, other)).decode("gbk", "ignore") for one in first for other in second)
    return f"[{''.join(sorted({text for text in texts if len(text) == 1}))}]"


_LEADS, _TRAILS = range(0xE4, 0xEA), range(0x80, 0xC0)
LIKE_GBK = _pairs(_LEADS, _TRAILS) + _pairs(_TRAILS, _LEADS) + _pairs(_TRAILS, _TRAILS)
"""What two Chinese characters in UTF-8 are in GBK; few other texts hold such a run; `is_read_as_gbk` decides."""

_AS_LATIN = {text: byte for byte in range(0x80, 0xA0) if (text := bytes((byte,)).decode("cp1252", "ignore"))}
LIKE_BYTES = f"[\u00c2-\u00f4]{_CONTINUED}|[\u00a1-\u00fe]{{4}}"
"""What Chinese in UTF-8, and two characters in GBK, are where each byte was read as a letter; so are few other texts;
`is_read_as_latin` decides."""

_HAN = "[\u3400-\u9fff]"
DOUBTFUL = re.compile(f"{_HAN}[?\u25a1]|[?\u25a1]{_HAN}|[\ue000-\uf8ff\U000f0000-\U0010fffd]")
"""A sign in place of a character, or one that only some fonts have. In a sentence it may be meant."""
ESCAPED = re.compile(
    r"&(#[0-9]{2,7}|#x[0-9a-fA-F]{2,6}|amp|lt|gt|quot|apos|nbsp);|<(?i:br) ?/?>|\\u[0-9a-fA-F]{4}|(%[89A-F][0-9A-F]){2}"
    r"|^b(['\"]).*['\"]$|\\x[0-9a-fA-F]{2}|^\[object Object\]$|_x00[0-9A-Fa-f]{2}_"
    r"|</(?i:[abipu]|em|font|span|strong|div|td|su[bp]|h[1-6])>"
)
"""Escapes of a web page, a program or an address that were not undone; in an address they are right."""
IN_NAME = re.compile(r"""[\r\n\t\x85]|\\[rnt\\]|^\[["'].*["']\]$|^\{["'].*\}$""")
"""A line end, a tab or the escape of one inside a text, or a list: in a name or code two values stand in one cell, or
a dump."""
CUT = re.compile("[^.\u2026]([.]{3}|\u2026+)$")
"""What a page or a program puts in place of the rest of a text: no name or code ends so."""
_CHINESE_SIGNS = "\u3001\u3002\u3400-\u9fff\uff08\uff09\uff0c"
_CHINESE_TEXT = re.compile(f"[0-9A-Za-z ().,-]*[{_CHINESE_SIGNS}][0-9A-Za-z ().,{_CHINESE_SIGNS}-]*")
DITTO = re.compile(f'^(["〃″〞]|{"|".join(DITTO_WORDS)})$')
"""The ditto mark: the same value as in the row above."""
GROUPED = re.compile("^[0-9]{1,3}(,[0-9]{3})+$")
"""A number that a sheet wrote with separators; and two codes with a comma between them look the same."""
SPACED = re.compile("^[0-9]{4}( [0-9]{4})+ [0-9]{1,4}$")
"""A long number written in fours."""

ODD_TEXT = (
    f"[{_HIDDEN_RANGE}{_INVISIBLE_RANGE}\u2f00-\u2fd5]|^[='\"\u2019]|^[!-~{_FORMS_RANGE}]*[{_FORMS_RANGE}][!-~{_FORMS_RANGE}]*$"
    f"|{_LOST_IN_TEXT.pattern}|{CELL_ERROR}|{LOST.pattern}|{DOUBTFUL.pattern}|{ESCAPED.pattern}|{IN_NAME.pattern}"
    f"|{DITTO.pattern}|{LIKE_BYTES}|{CUT.pattern}"
)
"""Whatever `as_text` changes, or a text column refuses, matches this; what does not is plain."""
ODD_CODE = (
    f"[^ -~\u4e00-\u9fff]|^['=\"`]|  |{_LOST_IN_CODE.pattern}|{CELL_ERROR}|{LOST.pattern}|{DOUBTFUL.pattern}"
    f"|{ESCAPED.pattern}|{IN_NAME.pattern}|{DITTO.pattern}|{GROUPED.pattern}|{SPACED.pattern}|{CUT.pattern}"
)
"""The same for `as_code`."""

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1", "是", "有", "真", "√", "✓", "✔"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0", "否", "无", "没有", "假", "×", "✗", "✘"})


def as_code(text: str) -> str:
    """The one spelling of a code or key: no guard, no invisible character, half-width, Latin letters, single blanks.

    `="0012"`, `'0012`, `“0012”`, `００１２` and `0012` with a blank of no width are `0012`. Letters keep their case.
    """
    kept = text.strip()
    if not kept.isascii():
        kept = unicodedata.normalize("NFC", _INVISIBLE.sub("", kept).translate(_CODE_FORMS)).strip()
    kept = _BLANKS.sub(" ", kept)
    guarded = _GUARDED.fullmatch(kept)
    return next(part for part in guarded.groups() if part).strip() if guarded else kept


def as_text(text: str) -> str:
    """A text without invisible characters, or straight quotation marks around all of it.

    What is a number or a code by its signs is spelled as one.
    """
    kept = _INVISIBLE.sub("", text).translate(_RADICALS).strip()
    if enclosed := _ENCLOSED.fullmatch(kept):
        kept = enclosed[2].strip()
    code = as_code(kept)
    return code if _CODE_LIKE.fullmatch(code) else kept


def has_lost_digits(text: str, *, is_code: bool) -> bool:
    """Whether a text is what a number or a code became on its way: `6.2226E+18`, `10086.0`, `3月1日` of `3-1`."""
    return (_LOST_IN_CODE if is_code else _LOST_IN_TEXT).search(text) is not None


def is_read_as_gbk(text: str) -> bool:
    """Whether a text is UTF-8 that was read as GBK: 浼佷笟 of 企业. Its bytes then are a common text in UTF-8."""
    if re.search(LIKE_GBK, text) is None:
        return False
    try:
        return bool(b"\x80".join(part.encode("gbk") for part in text.split("€")).decode().encode("gb2312"))
    except UnicodeError:
        return False


def is_read_as_latin(text: str) -> bool:
    """Whether a text is Chinese of which each byte was read as a letter: »ªÐÇ of 华星 in GBK, æ˜Ÿ of 星 in UTF-8.

    So is text that was turned into UTF-8 twice: Ã© of é.
    """
    if re.search(LIKE_BYTES, text) is None:
        return False
    codes = [_AS_LATIN.get(sign, ord(sign)) for sign in text]
    if max(codes) > 0xFF:
        return False
    with suppress(UnicodeDecodeError):
        found = [sign for sign in bytes(codes).decode() if sign > "\x7f"]
        return all(sign < "\u0100" or "\u3000" <= sign <= "\u9fff" or sign >= "\uff00" for sign in found)
    runs = re.findall("[\u0080-\u00ff]+", text)
    if re.search("[\u00a1-\u00fe]{4}", text) is None:
        # é® and è® of a product's name are two pairs of bytes as well.
        return False
    try:
        # One or two signs that are repeated (××××) mask or fill something.
        return bool(b" ".join(run.encode("latin-1") for run in runs).decode("gb2312")) and len(set("".join(runs))) > 2
    except UnicodeDecodeError:
        return False


def bytes_as_text(value: bytes) -> str:
    """The text that bytes are in UTF-8, or `0x...`: a key of bytes stays one.

    Bytes that are Chinese text in GBK keep the sign of replacement in theirs, so that their column refuses them.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        pass
    try:
        text = value.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    # Of random bytes that decode at all, few are common characters alone.
    common = len(text.encode("gb2312", "ignore").decode("gb2312"))
    is_text = _CHINESE_TEXT.fullmatch(text) and common * 4 >= len(text) * 3
    return value.decode(errors="replace") if is_text else "0x" + value.hex()
