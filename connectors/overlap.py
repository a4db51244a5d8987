"""Records that a night received more than once because our reading overlapped: the same page or window, read again."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.decoders.decode import decode
from connectors.errors import DataError
from connectors.raw import read_raw
from connectors.refusals import Key, identity_of, quarantine_path, read_lines
from connectors.spec import Dataset
from ledger.store import Row

Received = tuple[Row, Sequence[Row]]
"""A batch and its pages in order."""
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class Recount:
    """What a batch brought that the night did not have before.

    `records` holds how many for each of its pages, by sequence, nothing for a page without any; `again` the places, as
    raw file and position, of records that were received before. `totals` has received = accepted + refused +
    duplicates, and values discarded and codes repaired.
    """

    records: dict[int, int]
    again: frozenset[tuple[str, int]]
    totals: dict[str, int]


@dataclass(frozen=True)
class _Record:
    """One record: the number of its page, its place, the digest of its content, and the key that it states."""

    sequence: int
    place: tuple[str, int]
    digest: bytes
    key: Key


def recounts(dataset: Dataset, data_dir: Path, received: Sequence[Received]) -> list[Recount | None]:
    """For each batch of a night its counts without what came before; None where the counts in the ledger hold.

    A record comes again where an earlier batch of the night brought one that says the same, or where the bytes of its
    page came before. Twice in one batch, on pages of different bytes, the agency itself sent it twice: a duplicate.
    """
    pages = [page["raw_sha256"] for _, some in received for page in some]
    if dataset.load == "snapshot" or (len(received) < 2 and len(set(pages)) == len(pages)):
        return [None] * len(received)
    seen: set[bytes] = set()
    seen_pages: set[str] = set()
    found: list[Recount | None] = []
    for batch, some in received:
        try:
            found.append(_recount(dataset, data_dir, batch, some, seen, seen_pages))
        except DataError:
            # How much of a delivery came before is unknown where it cannot be read whole.
            found.append(None)
    return found


def _recount(
    dataset: Dataset, data_dir: Path, batch: Row, pages: Sequence[Row], seen: set[bytes], seen_pages: set[str]
) -> Recount | None:
    """Count a batch, and add what it brought to what was `seen`."""
    hashes = [page["raw_sha256"] for page in pages]
    new = [page for place, page in enumerate(pages) if hashes[place] not in seen_pages | set(hashes[:place])]
    records = (one for page in new for one in _records(dataset, data_dir, page))
    seen_pages.update(hashes)
    if not seen and len(new) == len(pages):
        seen.update(one.digest for one in records)
        return None
    brought = list(records)
    again = frozenset(one.place for one in brought if one.digest in seen)
    fresh = [one for one in brought if one.digest not in seen]
    seen.update(one.digest for one in fresh)
    if not again and len(new) == len(pages):
        return None
    in_page = Counter(one.sequence for one in fresh)
    return Recount(dict(in_page), again, _totals(dataset, data_dir, batch, fresh))


def _records(dataset: Dataset, data_dir: Path, page: Row) -> Iterator[_Record]:
    sequence, sha256 = page["sequence"], page["raw_sha256"]
    for chunk in decode(dataset, page["label"], read_raw(data_dir, sha256)):
        for place, position in enumerate(chunk.positions):
            key = identity_of(dataset, chunk.fields(place)).key
            yield _Record(sequence, (sha256, position), _digest(chunk.raw(place)), key)
        for broken in chunk.broken:
            yield _Record(sequence, (sha256, broken.position), _digest(broken.raw), ())


def _digest(record: Any) -> bytes:
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, default=str).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()


def _totals(dataset: Dataset, data_dir: Path, batch: Row, fresh: Sequence[_Record]) -> dict[str, int]:
    """One row stands for each key of those not refused; what is left of them came twice, or gave way to a later one."""
    places = {one.place for one in fresh}
    path = quarantine_path(data_dir, dataset.source, dataset.name, batch["batch"])
    lines = {
        (line["raw_sha256"], line["position"], line["action"], line["rule"], line["column"])
        for line in read_lines(path)
        if (line["raw_sha256"], line["position"]) in places
    }
    refused = {(sha256, position) for sha256, position, action, _, _ in lines if action == "record_refused"}
    accepted = len({one.key for one in fresh if one.place not in refused})
    return {
        "received": len(fresh),
        "accepted": accepted,
        "refused": len(refused),
        "duplicates": len(fresh) - len(refused) - accepted,
        "discarded": sum(action == "value_discarded" for *_, action, _, _ in lines),
        "repaired": sum(action == "value_repaired" for *_, action, _, _ in lines),
    }
