"""Several small pages read as one: working column by column pays from some thousand records on."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from connectors.decoders.chunk import Chunk

BATCH_ROWS = 8_192
"""From so many records on, pages are read together."""


@dataclass(frozen=True)
class RawPage:
    """One page of a batch, with its bytes, and the decoded JSON of them where that is at hand already."""

    sequence: int
    label: str
    sha256: str
    body: bytes
    answer: Any = None


Placed = tuple[RawPage, Chunk]


@dataclass(frozen=True)
class PageBatch:
    """Chunks of one or more pages, one behind the other; a place counts through all of them, from 0."""

    parts: tuple[Placed, ...]
    columns: dict[str, list[Any]]
    starts: tuple[int, ...]
    size: int

    def at(self, place: int) -> tuple[RawPage, int, Any]:
        """The page of a place, the record's position on it, and the record as it was sent."""
        part = bisect_right(self.starts, place) - 1
        page, chunk = self.parts[part]
        inside = place - self.starts[part]
        return page, chunk.positions[inside], chunk.raw(inside)

    def places(self) -> list[pa.Array]:
        """sha256 of the raw page, position on it and its number, for every place."""
        sizes = [len(chunk.positions) for _, chunk in self.parts]
        of_page = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        names = pa.array([page.sha256 for page, _ in self.parts], pa.string())
        numbers = np.array([page.sequence for page, _ in self.parts], np.int32)
        positions = np.concatenate([np.asarray(chunk.positions, np.int32) for _, chunk in self.parts])
        return [names.take(pa.array(of_page)), pa.array(positions), pa.array(numbers[of_page])]


def together(placed: Iterable[Placed]) -> Iterator[PageBatch]:
    """Put chunks together until there are enough of them."""
    held: list[Placed] = []
    rows = 0
    for page, chunk in placed:
        # The bytes and the decoded answer are done with: only the columns are still needed.
        held.append((RawPage(page.sequence, page.label, page.sha256, b""), chunk))
        rows += len(chunk.positions) + len(chunk.broken)
        if rows >= BATCH_ROWS:
            yield _batch(held)
            held, rows = [], 0
    if held:
        yield _batch(held)


def _batch(parts: list[Placed]) -> PageBatch:
    sizes = [len(chunk.positions) for _, chunk in parts]
    starts = [0]
    for size in sizes[:-1]:
        starts.append(starts[-1] + size)
    return PageBatch(tuple(parts), _columns([chunk for _, chunk in parts], sizes), tuple(starts), sum(sizes))


def _columns(chunks: list[Chunk], sizes: list[int]) -> dict[str, list[Any]]:
    if len(chunks) == 1:
        return chunks[0].columns
    names = dict.fromkeys(chain.from_iterable(chunk.columns for chunk in chunks))
    return {
        name: list(
            chain.from_iterable(
                chunk.columns[name] if name in chunk.columns else [None] * size
                for chunk, size in zip(chunks, sizes, strict=True)
            )
        )
        for name in names
    }
