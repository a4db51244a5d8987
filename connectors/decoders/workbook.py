"""The parts of an XLSX file that its values need: one sheet, the shared texts, formats of numbers, merged cells.

Read here and not by a library, because what is read must be bounded, and because the date formats of Chinese Excel
(27 to 36 and 50 to 58, which no workbook spells out) must count as dates.
"""

import datetime as dt
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from openpyxl.utils.cell import column_index_from_string
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from connectors.decoders.form import PUT_AGAIN, FormError
from connectors.decoders.packed import MAX_UNPACKED_BYTES, open_zip, read_member
from connectors.decoders.sheet_formats import Format, Misfit, formats_of
from connectors.decoders.xml_records import local, pieces

MAX_PART_BYTES = 32 * 1024 * 1024
"""The most that any part but the sheet may hold: the shared texts stay in memory while the rows are read."""

MAX_COVERED = 500_000
"""The most cells that merged cells may cover: each one is held in memory."""

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]{0,200}?ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_HEAD_BYTES = 256 * 1024

Place = tuple[int, int]
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Workbook:
    """One sheet and what its cells refer to."""

    sheet: bytes
    texts: list[str | Misfit]
    formats: tuple[Format, ...]
    epoch: dt.datetime
    others: tuple[tuple[str, bytes], ...] = ()
    """The other visible sheets in which something stands: name and beginning."""
    struck: frozenset[int] = frozenset()
    """The numbers of the styles whose text is struck out."""


def open_workbook(body: bytes, sheet: str | None) -> Workbook:
    """The sheet of this name, or the only visible one. Damage of any kind is a `FormError`."""
    try:
        with open_zip(body) as archive:
            return _read(archive, sheet)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, EOFError, LookupError, ValueError) as error:
        raise FormError(f"is a workbook cut short or damaged ({type(error).__name__}).", PUT_AGAIN) from None
    except (zlib.error, NotImplementedError, RuntimeError) as error:
        raise FormError(f"is damaged ({type(error).__name__}).", PUT_AGAIN) from None


def cell_text(element: Element) -> str | Misfit:
    """The text of a shared or an inline string: all its runs, without the reading aids beside them.

    A text of which a part is struck out is no value: the rest may be what holds, or a note on it.
    """
    parts, struck = [], set()
    for child in element:
        tag = local(child.tag)
        if tag == "t":
            parts.append(child.text or "")
        elif tag == "r":
            texts = [part.text or "" for part in child if local(part.tag) == "t"]
            parts += texts
            looks = [look for part in child if local(part.tag) == "rPr" for look in part]
            struck |= {_is_strike(looks)} if "".join(texts).strip() else set()
    text = unescaped("".join(parts))
    return Misfit("struck_text", text) if len(struck) > 1 else text


def _is_strike(looks: Iterable[Element]) -> bool:
    """Whether a font, or what a run says of it, strikes its text out."""
    return any(local(one.tag) == "strike" and one.get("val") not in ("0", "false") for one in looks)


def unescaped(text: str) -> str:
    """The text with `_x000D_` as the character it stands for."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _read(archive: zipfile.ZipFile, sheet: str | None) -> Workbook:
    # Some writers name a part in one case and call it in another, or part folders as Windows does.
    members = {_folded(member.filename): member for member in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise FormError("holds two parts of the same name.", PUT_AGAIN)
    if sum(member.file_size for member in members.values()) > MAX_UNPACKED_BYTES:
        raise FormError(f"unfolds to more than {MAX_UNPACKED_BYTES} bytes.", PUT_AGAIN)

    def member(path: str) -> zipfile.ZipInfo:
        if (found := members.get(_folded(path))) is None:
            raise FormError(f"is no whole workbook: its part {path[:80]!r} is missing.", PUT_AGAIN)
        return found

    def part(path: str) -> bytes:
        if member(path).file_size > MAX_PART_BYTES:
            what = f"{posixpath.basename(path)[:40]!r} in it unfolds to more than {MAX_PART_BYTES} bytes."
            raise FormError(what, "ask the agency for smaller files")
        return read_member(archive, member(path))

    (start,) = [to for kind, to in _links(part("_rels/.rels"), "").values() if kind == "officeDocument"]
    folder, name = posixpath.split(start)
    book, links = part(start), _links(part(f"{folder}/_rels/{name}.rels"), folder)
    texts: list[str | Misfit] = []
    formats: tuple[Format, ...] = ()
    struck: frozenset[int] = frozenset()
    for kind, target in links.values():
        if kind == "sharedStrings":
            texts = [cell_text(item) for item in pieces(part(target), ("si",))]
        elif kind == "styles":
            formats, struck = _formats(part(target)), _struck(part(target))
    shown = {name: member(links[link][1]) for name, link in _sheet_links(book, sheet).items()}
    heads = {name: _head(archive, one) for name, one in shown.items() if name != sheet and len(shown) > 1}
    filled = [name for name in shown if name not in heads or _CELL.search(heads[name])]
    name = _one_sheet(sheet, filled or shown)
    is_mac = any(part.get("date1904") in ("1", "true") for part in pieces(book, ("workbookPr",)))
    others = tuple((other, heads[other]) for other in filled if other != name)
    epoch = MAC_EPOCH if is_mac else WINDOWS_EPOCH
    return Workbook(read_member(archive, shown[name]), texts, formats, epoch, others, struck)


def _head(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The beginning of a sheet: the rest of one that may not be read at all is not unfolded."""
    with archive.open(member) as stream:
        return stream.read(_HEAD_BYTES)


def _folded(path: str) -> str:
    return path.replace("\\", "/").lstrip("/").casefold()


def _links(body: bytes, folder: str) -> dict[str, tuple[str, str]]:
    """Id -> (kind, name of the part) for every link that stays inside the file; others are passed over."""
    found = {}
    for link in pieces(body, ("Relationship",)):
        if link.get("TargetMode", "Internal") != "External":
            # The address before the last word differs between the two variants of the standard.
            kind = link.attrib["Type"].rpartition("/")[2]
            target = posixpath.normpath(posixpath.join("/", folder, link.attrib["Target"]))
            found[link.attrib["Id"]] = (kind, target.lstrip("/"))
    return found


def _sheet_links(book: bytes, wanted: str | None) -> dict[str, str]:
    """The link of each sheet that is visible, or the one that is wanted."""
    sheets: dict[str, str] = {}
    for sheet in pieces(book, ("sheets", "sheet")):
        if sheet.attrib["name"] != wanted and sheet.get("state", "visible") != "visible":
            continue
        # The namespace of this attribute differs between the two variants of the standard.
        (link,) = [value for name, value in sheet.attrib.items() if name.endswith("}id")]
        sheets[sheet.attrib["name"]] = link
    return sheets


def _one_sheet(wanted: str | None, sheets: Iterable[str]) -> str:
    """The wanted sheet of these, or the only one."""
    shown = list(sheets)
    names = ", ".join(repr(name[:31]) for name in shown[:20])
    if wanted is None and len(shown) != 1:
        raise FormError(f"has {len(shown)} visible sheets ({names}), one is expected.", "name it under decoder")
    if wanted is not None and wanted not in shown:
        raise FormError(f"has no sheet {wanted}; there are {names}.", "ask the agency what it renamed")
    return shown[0] if wanted is None else wanted


def _formats(styles: bytes) -> tuple[Format, ...]:
    codes = {
        int(item.attrib["numFmtId"]): item.attrib["formatCode"]
        for item in pieces(styles, ("numFmts", "numFmt"), optional=True)
    }
    cells = [int(item.get("numFmtId", "0")) for item in pieces(styles, ("cellXfs", "xf"), optional=True)]
    return formats_of(codes, cells)


def _struck(styles: bytes) -> frozenset[int]:
    fonts = [_is_strike(font) for font in pieces(styles, ("fonts", "font"), optional=True)]
    cells = [int(item.get("fontId", "0")) for item in pieces(styles, ("cellXfs", "xf"), optional=True)]
    return frozenset(number for number, font in enumerate(cells) if font < len(fonts) and fonts[font])


@dataclass(frozen=True)
class Merges:
    """Covered cells of the header with the cell that counts for them, and covered cells below it."""

    header: dict[Place, Place] = field(default_factory=dict)
    below: set[Place] = field(default_factory=set)


def read_merges(sheet: bytes, first: int, last: int) -> Merges:
    """All merged cells of a sheet whose header stands in rows `first` to `last`.

    They stand behind the rows, so they are looked for in the bytes, whose encoding must be known for that: a sheet in
    UTF-16, as no program writes it, is refused.
    """
    if sheet[:2] in (b"\xff\xfe", b"\xfe\xff") or sheet[:2].count(0):
        raise FormError("has a sheet that is not in UTF-8.")
    found = Merges()
    covered = 0
    for match in _MERGED.finditer(sheet):
        left, right = (column_index_from_string(letters.decode()) for letters in match.group(1, 3))
        top, bottom = int(match[2]), int(match[4])
        covered += max(0, bottom - top + 1) * max(0, right - left + 1)
        if covered > MAX_COVERED:
            what = f"has merged cells over more than {MAX_COVERED} cells."
            raise FormError(what, "ask the agency for a sheet without merged cells below the header")
        for row in range(max(top, first), bottom + 1):
            for column in range(left, right + 1):
                if row <= last:
                    found.header[row, column] = (top, left)
                elif (row, column) != (top, left):
                    found.below.add((row, column))
    return found
