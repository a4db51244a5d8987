"""XML whose records are the elements at one path."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from connectors.decoders.chunk import CHUNK_ROWS, Chunk
from connectors.decoders.transpose import to_chunk
from connectors.decoders.xml_stream import Beside, local, pieces
from connectors.errors import DataError
from connectors.spec import XmlDecoder
from connectors.verdicts import require_no_refusal

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_CHUNK_FIELDS = 200_000
_SHOWN = 100
_COUNT = re.compile("total|count", re.IGNORECASE)


def decode_xml(decoder: XmlDecoder, content: bytes, where: str) -> Iterator[Chunk]:
    """Each element at the record path as a mapping of text.

    A child is a field by its tag, an attribute of the record `@name`, an attribute of a child `child@name`, text beside
    children `#text`. A child that repeats is a list; a child with children of its own is a mapping of the same kind, so
    it never passes for a plain value. An empty element is "", one marked `xsi:nil` is None.
    """
    records: list[dict[str, Any]] = []
    first, fields = 1, 0
    beside = Beside()
    for element in pieces(content, tuple(decoder.record.split("/")), where, optional=decoder.none, beside=beside):
        records.append(_fields(element))
        fields += len(records[-1])
        if len(records) == CHUNK_ROWS or fields > _CHUNK_FIELDS:
            yield to_chunk(records, first, where)
            first, records, fields = first + len(records), [], 0
    if not records and first == 1:
        _require_empty(decoder, beside, where)
    if records or first == 1:
        yield to_chunk(records, first, where)


def _require_empty(decoder: XmlDecoder, beside: Beside, where: str) -> None:
    """Raise a `DataError` where a document without records says no, or holds other elements in their place."""
    require_no_refusal({beside.root: beside.told}, (), where)
    counts = {text for name, text in beside.instead.items() if _COUNT.search(name)}
    if beside.instead and not decoder.none and counts != {"0"}:
        what = f"has no element at {decoder.record}, and others in its place: {', '.join(beside.instead)[:_SHOWN]}."
        raise DataError(what, where, "declare none: true under decoder if that means no record, or call the agency")


def _fields(element: Element) -> dict[str, Any]:
    found: dict[str, list[Any]] = {f"@{local(name)}": [value] for name, value in element.attrib.items()}
    loose = [element.text or ""]
    for child in element:
        tag = local(child.tag)
        is_nil = child.get(_NIL) in ("true", "1")
        found.setdefault(tag, []).append(None if is_nil else _fields(child) if len(child) else child.text or "")
        loose.append(child.tail or "")
        if child.attrib and not len(child):
            for name, value in child.attrib.items():
                if name != _NIL:
                    found.setdefault(f"{tag}@{local(name)}", []).append(value)
    if text := "".join(loose).strip():
        found["#text"] = [text]
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
