"""The form of a body by its bytes, whatever its name or header says: a page of HTML is not a table."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from connectors.errors import DataError

NOTHING: Final = "empty"
HTML: Final = "a page of HTML"
XML: Final = "XML"
JSON: Final = "JSON"
TEXT: Final = "plain or delimited text"
GZIP: Final = "packed with gzip"
ZIP: Final = "a zip archive"
TAR: Final = "a tar archive"
XLSX: Final = "a workbook (XLSX)"
PARQUET: Final = "Parquet"
UTF16: Final = "text in UTF-16"
BLANK: Final = "nothing but blanks or zero bytes"
UNKNOWN: Final = "of no known form"

CALL: Final = "call the agency with this file"
PUT_AGAIN: Final = "ask the agency to put the file again; it is fetched at the next run"
"""The next steps of most errors of a file."""

TEXTS: Final = frozenset({TEXT, JSON, XML, HTML, UTF16})
"""The forms of what a person can read."""

AS_TEXT: Final = {"csv": (TEXT, UTF16), "jsonl": (JSON, TEXT, UTF16), "xml": (XML, TEXT, UTF16)}
"""The forms that the decoder of a text reads, by its kind; what is empty or of no known form it judges itself."""

_HEAD, _NAMES = 4096, 65_536
_BEGINNINGS: Final = (
    (b"\x1f\x8b", GZIP),
    (b"%PDF", "a PDF"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"BZh91AY&SY", "packed with bzip2"),
    (b"\xfd7zXZ\x00", "packed with xz"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\x89PNG\r\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x09\x08", "an old workbook (XLS)"),
    (b"\xff\xfe\x00\x00", "text in UTF-32"),
)
GRANT_ACCESS: Final = (
    "open the address in a browser: a login, a gateway or an error page; ask the agency to grant access"
)
_TWICE = "where that is declared, it is packed twice: ask the agency for the file packed once"
_NEXT: Final = {
    HTML: "a login, a gateway or an error page, or a table saved as a web page: ask the agency for the file itself",
    GZIP: f"declare archive: gzip under decoder; {_TWICE}",
    ZIP: f"declare archive: zip under decoder; {_TWICE}",
    TAR: "ask the agency for the file itself, packed with gzip or zip or not at all",
    "a workbook with a password": "ask the agency for a plain .xlsx, without a password",
    "an old workbook (XLS)": "ask the agency to save it as .xlsx",
}
_COMPOUND = b"\xd0\xcf\x11\xe0"
# The streams of a compound file and the parts of a zip, by a name that only this form has.
_IN_COMPOUND: Final = (
    ("EncryptedPackage", "a workbook with a password"),
    ("WordDocument", "an old text document (DOC)"),
    ("Workbook", "an old workbook (XLS)"),
    ("Book", "an old workbook (XLS)"),
)
_IN_ZIP: Final = (
    (rb"xl[/\\]workbook\.bin", "a binary workbook (XLSB)"),
    (rb"opendocument\.spreadsheet", "an OpenDocument sheet (ODS)"),
    (rb"(?i)xl[/\\]workbook", XLSX),
    (rb"(?i)word[/\\]document", "a text document (DOCX)"),
    (rb"(?i)\[content_types\]\.xml|_rels[/\\]\.rels", XLSX),
)
_MARKUP = re.compile(r"<(?:!doctype\s+html|html|head|body|script|table|div|meta|style|title|p|h\d|center|form)\b", re.I)
_XML_SHEET = re.compile(r"urn:schemas-microsoft-com:office:spreadsheet|progid=\"Excel\.Sheet\"")
_BEGINS_JSON = re.compile(r"\{\s*[\"}]|\[\s*(?:[\[{\"]|\]\s*\Z|-?[\d.eE+-]+\s*(?:,|\]\s*\Z))")


class FormError(Exception):
    """A body that cannot be read as its source file declares, and the next step; `of_page` says which body it is."""

    def __init__(self, what: str, next_step: str = CALL) -> None:
        super().__init__(what)
        self.what, self.next_step = what, next_step


@contextmanager
def of_page(where: str) -> Iterator[None]:
    """Raise the `FormError` of a page as a `DataError` that names the page."""
    try:
        yield
    except FormError as error:
        raise DataError(error.what, where, error.next_step) from None


def form_of(body: bytes) -> str:
    """The form of these bytes, as the rest of a sentence that begins "it is"; `UNKNOWN` where unsure."""
    if not body[:_HEAD].strip(b"\x00\t\r\n \x1a"):
        return BLANK if body else NOTHING
    for magic, name in _BEGINNINGS:
        if body.startswith(magic):
            return name
    if body.startswith(b"PAR1") and body.endswith(b"PAR1"):
        return PARQUET
    if body.startswith(_COMPOUND):
        found = (name for stream, name in _IN_COMPOUND if stream.encode("utf-16-le") in body)
        return next(found, "an old .xls or has a password")
    if body.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        # The names of its parts stand at the head of each and, all of them, at the end.
        names = body[:_HEAD] + body[-_NAMES:]
        return next((name for part, name in _IN_ZIP if re.search(part, names)), ZIP)
    return _text(body[:_HEAD])


def require_form(body: bytes, *forms: str, declared: str | None = None) -> None:
    """Raise a `FormError` that says what the bytes are, where they are none of the forms."""
    if (form := form_of(body)) not in forms:
        raise FormError(f"is {form}, not {declared or forms[0]}.", _NEXT.get(form, CALL))


def _text(head: bytes) -> str:
    if head[257:262] == b"ustar":
        return TAR
    is_utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_half_zero(head)
    text = head.decode("utf-16" if is_utf16 else "latin-1", "ignore") if is_utf16 else head.decode("utf-8", "replace")
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return _markup(text)
    if text.startswith(("MIME-Version:", "From: <Saved by")):
        return "a saved web page (MHTML)"
    if _BEGINS_JSON.match(text):
        return JSON
    if is_utf16:
        return UTF16
    # Text of old programs has a control character here and there.
    controls = sum(byte < 32 and byte not in b"\t\r\n\x0b\x0c\x1a\x1b" for byte in head)
    return TEXT if controls * 50 <= len(head) else UNKNOWN


def _markup(text: str) -> str:
    if _XML_SHEET.search(text):
        return "an XML spreadsheet of Excel 2003"
    if _MARKUP.match(text) or (text.startswith(("<!--", "<?xml", "<!")) and re.search(r"<html\b", text, re.I)):
        return HTML
    return XML if re.match(r"<[?!]|<[^\W\d]", text) else TEXT


def _is_half_zero(head: bytes) -> bool:
    """Text in UTF-16 without a mark: digits, commas and line ends have their zero byte always on the same side."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    # Chinese text has few zeros, so an eighth of one side is enough; the other side has next to none.
    return max(even, odd) >= max(3, len(head) // 8) and min(even, odd) * 8 <= max(even, odd)
