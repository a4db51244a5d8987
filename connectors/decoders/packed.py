"""Unfolding an archive in memory: what it states (names, sizes, number of members) is never trusted."""

import gzip
import io
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import IO, Any

from connectors.decoders.form import GZIP, PUT_AGAIN, TEXTS, ZIP, FormError, form_of, require_form

MAX_UNPACKED_BYTES = 128 * 1024 * 1024
"""The most that one page may unfold to."""

MAX_MEMBERS = 10_000
"""The most members a zip may have: each one costs memory before any is opened."""

_BLOCK = 1024 * 1024
_MEMBER = b"PK\x03\x04"
_PLAIN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGE = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


def unpack(decoder: Any, body: bytes) -> bytes:
    """The content of a page, out of its archive where its decoder declares one. Damage of any kind is a `FormError`."""
    try:
        match decoder.archive:
            case None:
                return body
            case "gzip" if form_of(body) in TEXTS:
                # A server that calls the packing of its file the packing of its answer has it undone on the way.
                return body
            case "gzip":
                require_form(body, GZIP)
                with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
                    return _read_whole(stream, "it")
            case _:
                if not body.startswith(b"PK"):
                    require_form(body, ZIP)
                return _from_zip(body, decoder.member or "*")
    except (*_DAMAGE, RuntimeError, UnicodeError, IndexError, KeyError) as error:
        raise FormError(f"the archive is damaged or cut short ({type(error).__name__}).", PUT_AGAIN) from None


def open_zip(body: bytes) -> zipfile.ZipFile:
    """A zip whose list of members is known to be of a sane length."""
    if body.count(b"PK\x01\x02") > MAX_MEMBERS:
        raise FormError(f"the archive has more than {MAX_MEMBERS} members.", PUT_AGAIN)
    return zipfile.ZipFile(io.BytesIO(body))


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """One member, unfolded, its CRC checked. Nothing is written anywhere: its name is no path to us."""
    name = repr(member.filename[-80:])
    if member.flag_bits & 1:
        raise FormError(f"{name} is encrypted.", "ask the agency for a file without a password")
    if member.compress_type not in _PLAIN:
        raise FormError(f"{name} is packed with method {member.compress_type}.", "ask for a plain zip")
    with archive.open(member) as stream:
        return _read_whole(stream, name)


def _from_zip(body: bytes, pattern: str) -> bytes:
    with open_zip(body) as archive:
        # Before it may stand PK00: the archive was to be parted over several disks, and fits on one.
        if body.startswith(_MEMBER) and min((member.header_offset for member in archive.infolist()), default=0):
            raise FormError("holds something before its first member, such as another archive.", PUT_AGAIN)
        found = [member for member in archive.infolist() if _matches(member, pattern)]
        if len(found) != 1:
            names = ", ".join(repr(member.filename[-40:]) for member in found[:5])
            is_choice = len({member.filename for member in found}) > 1
            more = "declare `member` under decoder with a pattern that one name fits" if is_choice else PUT_AGAIN
            raise FormError(f"{len(found)} members match {pattern}, one is expected: {names or 'none'}.", more)
        return read_member(archive, found[0])


def _matches(member: zipfile.ZipInfo, pattern: str) -> bool:
    """Whether its name has the form, letter case and width aside, as of files of a folder."""
    # Files that a Mac adds (__MACOSX/, .DS_Store, ._name) do not count.
    if member.is_dir() or member.filename.startswith("__MACOSX/"):
        return False
    names = (unicodedata.normalize("NFKC", name).casefold() for name in _base_names(member))
    wanted = unicodedata.normalize("NFKC", pattern).casefold()
    return any(fnmatchcase(name, wanted) and not name.startswith(".") for name in names)


def _base_names(member: zipfile.ZipInfo) -> Iterator[str]:
    """The last part of its name, also as it reads where a Chinese Windows wrote it in GBK without saying so."""
    names = [member.filename]
    if not member.flag_bits & 0x800:
        with suppress(UnicodeError):
            names.append(member.filename.encode("cp437").decode("gb18030"))
    for name in names:
        yield name.replace("\\", "/").rpartition("/")[2]


def _read_whole(stream: IO[bytes] | gzip.GzipFile, name: str) -> bytes:
    """All of it, or a `FormError` as soon as there is more than allowed."""
    content = io.BytesIO()
    while block := stream.read(_BLOCK):
        if content.tell() + len(block) > MAX_UNPACKED_BYTES:
            raise FormError(f"{name} unfolds to more than {MAX_UNPACKED_BYTES} bytes.", PUT_AGAIN)
        content.write(block)
    return content.getvalue()
