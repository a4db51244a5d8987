"""XML from outside, its records at one path: no document type, no entities, and bounds on what is held at once."""

import io
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from connectors.decoders.chunk import CHUNK_ROWS, Chunk, to_chunk
from connectors.decoders.form import FormError
from connectors.decoders.text import open_text
from connectors.spec import XmlDecoder
from connectors.verdicts import require_no_refusal, require_whole

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_CHUNK_FIELDS = 200_000
_SHOWN = 100
_COUNT = re.compile("total|count", re.IGNORECASE)
_SOAP_FAULT = "Fault"
"""What it says stands deeper than the parts that are kept."""
MAX_PIECE_BYTES = 4 * 1024 * 1024
"""The most that one record, or one element outside of any, may hold."""
MAX_PIECE_ELEMENTS = 50_000
MAX_DEPTH = 64
_KEPT_LEVELS, _MOST_KEPT, _LONGEST_KEPT = 2, 50, 80
"""How deep, how many and how long the parts beside the records are in which a document reports an error or a count."""

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_GB = {"gb2312", "gbk", "gb18030"}
_OWN = {"utf-8", "utf8", "utf-16", "us-ascii", "ascii"}


class _Metered:
    """The bytes of a document, and how many were handed out since the last piece ended."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self.since_piece = read, 0

    def read(self, size: int = -1, /) -> bytes:
        block = self._read(size)
        self.since_piece += len(block)
        if self.since_piece > MAX_PIECE_BYTES:
            raise FormError(f"one record holds more than {MAX_PIECE_BYTES} bytes.")
        return block


@dataclass
class Beside:
    """What a document holds beside the records: `plain` parts, and the elements that stand in place of records."""

    root: str = ""
    plain: dict[str, str] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)

    def note(self, element: Element, level: int, list_level: int | None) -> None:
        """Take an element outside of the records, at its end. `list_level` is that of the list it stands in or is."""
        name, text = local(element.tag), (element.text or "").strip()[:_LONGEST_KEPT]
        if name == _SOAP_FAULT:
            text = text or "a fault of SOAP"
        self.root = name
        if level <= _KEPT_LEVELS and len(self.plain) < _MOST_KEPT:
            attributes = element.attrib.items() if level == 0 else ()
            self.plain = {local(key): value[:_LONGEST_KEPT] for key, value in attributes} | {name: text} | self.plain
        is_instead = level - 1 == list_level or (level == list_level and text)
        if list_level is not None and is_instead and len(self.instead) < _MOST_KEPT:
            self.instead[name] = text


def pieces(
    body: bytes, path: tuple[str, ...], *, optional: bool = False, beside: Beside | None = None
) -> Iterator[Element]:
    """Each element at a path of tags below the root, whole; its content is dropped once the next one is requested.

    Everything else is read and dropped, so memory stays flat. A namespace is no part of a tag here. Raises a
    `FormError` for what is not well-formed, for a document type, an entity or a hostile depth, and, unless it
    is optional, where there is no element that the path goes through: a list that is gone is not an empty list.
    """
    # A blank line above the declaration is no XML, and common.
    source, encoding = _source(body.lstrip(b" \t\r\n") if body[:1].isspace() else body)
    parser = DefusedXMLParser(target=TreeBuilder(), encoding=encoding, forbid_dtd=True)
    try:
        deepest = yield from _walk(source, parser, path, beside or Beside())
    except ParseError as error:
        line, column = error.position
        raise FormError(f"is not well-formed XML (line {line}, column {column}).") from None
    except DefusedXmlException as error:
        raise FormError(f"holds what XML from outside may not ({type(error).__name__}).") from None
    if deepest < len(path) - 1 and not optional:
        raise FormError(f"has no element at {'/'.join(path[:-1])}.")


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def _source(body: bytes) -> tuple[_Metered, str | None]:
    """The bytes as the parser can read them, and their encoding where it is not what the document declares."""
    found = _DECLARED.search(body[:400])
    declared = found[1].decode().lower() if found else "utf-8"
    if declared in _GB:
        text = open_text(body, ("gb18030",)).stream
        return _Metered(lambda size: text.read(size).encode()), "utf-8"
    if declared not in _OWN:
        raise FormError(f"is in {declared}, which we do not read.", "ask the agency for UTF-8")
    return _Metered(io.BytesIO(body).read), None


def _walk(source: _Metered, parser: Any, path: tuple[str, ...], beside: Beside) -> Generator[Element, None, int]:
    """As `pieces`; returns how many steps of the path were found at all."""
    above: list[Element] = []
    matched, deepest, held = 0, 0, 0
    for event, element in iterparse(source, ("start", "end"), parser):
        if event == "start":
            level = len(above)
            above.append(element)
            if matched == level - 1 < len(path) and local(element.tag) == path[level - 1]:
                matched = level
                deepest, held = max(deepest, matched), 0
            held += 1
            if level > MAX_DEPTH or held > MAX_PIECE_ELEMENTS:
                raise FormError("has elements too deep, or too many in one record.")
            continue
        above.pop()
        level = len(above)
        if matched == len(path) < level:
            continue
        if matched == level == len(path):
            matched -= 1
            yield element
        else:
            beside.note(element, level, matched if matched == len(path) - 1 else None)
            if matched == level > 0:
                matched -= 1
        held, source.since_piece = 0, 0
        if above:
            del above[-1][:]
    return deepest


def decode_xml(decoder: XmlDecoder, content: bytes, *, is_whole: bool = False) -> Iterator[Chunk]:
    """Each element at the record path as a mapping of text.

    A child is a field by its tag, an attribute of the record `@name`, an attribute of a child `child@name`, text beside
    children `#text`. A child that repeats is a list; a child with children of its own is a mapping of the same kind, so
    it never passes for a plain value. An empty element is "", one marked `xsi:nil` is None; one that is so marked and
    holds something is a list too.
    """
    records: list[dict[str, Any]] = []
    first, fields = 1, 0
    beside = Beside()
    for element in pieces(content, tuple(decoder.record.split("/")), optional=decoder.none, beside=beside):
        records.append(_fields(element))
        fields += len(records[-1])
        if len(records) == CHUNK_ROWS or fields > _CHUNK_FIELDS:
            yield to_chunk(records, first)
            first, records, fields = first + len(records), [], 0
    if not records and first == 1:
        _require_empty(decoder, beside)
    else:
        _refuse_respelled(decoder, beside)
    if is_whole:
        require_whole(beside.plain, range(first - 1 + len(records)))
    if records or first == 1:
        yield to_chunk(records, first)


def _require_empty(decoder: XmlDecoder, beside: Beside) -> None:
    """Raise a `FormError` where a document without records reports an error, or holds other elements in their place."""
    require_no_refusal({beside.root: beside.plain}, ())
    counts = {text for name, text in beside.instead.items() if _COUNT.search(name)}
    if beside.instead and not decoder.none and counts != {"0"}:
        what = f"has no element at {decoder.record}, and others in its place: {', '.join(beside.instead)[:_SHOWN]}."
        raise FormError(what, "declare none: true under decoder if that means no record, or call the agency")


def _refuse_respelled(decoder: XmlDecoder, beside: Beside) -> None:
    """Raise a `FormError` where elements beside the records have their tag but for letter case."""
    tag = decoder.record.rpartition("/")[2]
    if odd := [name for name in beside.instead if name.casefold() == tag.casefold()]:
        raise FormError(f"has elements {odd[0]} beside the records at {decoder.record}: they are records too.")


def _fields(element: Element) -> dict[str, Any]:
    found: dict[str, list[Any]] = {f"@{local(name)}": [value] for name, value in element.attrib.items()}
    loose = [element.text or ""]
    for child in element:
        tag = local(child.tag)
        value: Any = _fields(child) if len(child) else child.text or ""
        if child.get(_NIL) in ("true", "1"):
            value = [None, value] if len(child) or value.strip() else None
        found.setdefault(tag, []).append(value)
        loose.append(child.tail or "")
        if child.attrib and not len(child):
            for name, value in child.attrib.items():
                if name != _NIL:
                    found.setdefault(f"{tag}@{local(name)}", []).append(value)
    if text := "".join(loose).strip():
        found["#text"] = [text]
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
