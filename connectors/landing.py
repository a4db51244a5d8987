"""From a batch's pages to landed Parquet and quarantine: read as they come, settled, judged, and written once."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.change_limits import beyond, changed_in_words, shipped, warned_in_words
from connectors.changes import Changes, compare, examples
from connectors.columns import Fault, declared_schema
from connectors.decoders.decode import decode
from connectors.drivers.pages import Page
from connectors.errors import DataError, PagingFaultError
from connectors.file_order import ages, name_of, ranked
from connectors.first_batch import first_doubts, first_limits
from connectors.raw import page_of
from connectors.reading import PLACE, Part, Reading
from connectors.refusals import NO_IDENTITY, Refusal, RefusalLog, identity_of, quarantine_path
from connectors.settle import ROWS_AT_ONCE, Ascent, Settled, compare_wholes, settle, write_rows
from connectors.spec import Dataset, FileRequest, Unwatched
from connectors.watch import STAYS, age_and_gaps, newest_in, require_healthy
from connectors.zone import Zone
from ledger.batches import BatchKey, close_batch, landed_batches, pages_of, pages_of_dataset, promoted_batches
from ledger.files import file_sha256, publish_durably
from ledger.held import decision_about, held_file_of, newest_held, past_changes
from ledger.settings import Settings
from ledger.store import Row

LINEAGE = (pa.field("_batch", pa.string()), pa.field("_learned_on", pa.date32()), *PLACE)
"""Where a landed row came from and when we learnt it; beside the facts, and no part of their hash."""


def landed_path(data_dir: Path, source: str, dataset: str, batch: str) -> Path:
    """The Parquet file of one landed batch."""
    return data_dir / "landed" / source / dataset / f"batch={batch}" / "part-0.parquet"


def landed_schema(dataset: Dataset) -> pa.Schema:
    """The columns of a landed file: the facts, then where they came from."""
    return pa.schema([*declared_schema(dataset), *LINEAGE])


class Delivery:
    """One batch on its way from pages to a landed file, which is a function of raw and the source file.

    First `read`, which may be repeated with other pages; then `promote`; at the end, in every case, `clear`.
    """

    reading: Reading
    settled: Settled
    path: Path

    def __init__(
        self, dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine, key: BatchKey, as_of: date
    ) -> None:
        self.dataset, self.key, self.as_of = dataset, key, as_of
        self._zone, self._settings, self._ledger = zone, settings, ledger
        self.schema = landed_schema(dataset)
        self.held = landed_batches(ledger, key.source, key.dataset, as_of)
        """The batches that have landed before, oldest first."""
        self.log = RefusalLog(quarantine_path(settings.data_dir, key.source, key.dataset, key.batch))

    def read(self, pages: Iterable[Page]) -> None:
        """Write the rows of the pages into one file, refused records into another; then settle them.

        Memory stays flat. Rows in key order with nothing before them are settled already.
        """
        self.log.drop()
        self.reading = Reading(self.dataset, self._zone, self._settings.zone)
        self._newest: Any = None
        self._ahead, self._rows, ascent = 0, 0, Ascent(self.dataset.key)
        with self.log:
            self.stage(self._seen(self.reading.parts(pages), ascent))
        if self._ahead and self.dataset.since:
            self.reading.notes[f"ahead_of_time:{self.dataset.since.column}"] = self._ahead
        before = self.held[-1]["rows_landed"] if self.held else 0
        if ascent.holds and self.dataset.deletes is None and (self.dataset.load == "snapshot" or not self.held):
            self._settled_in(self.staged, Settled(self._rows, before))
            return
        request, age = self.dataset.request, None
        if isinstance(request, FileRequest):
            age = ages(request, pages_of_dataset(self._ledger, self.key.source, self.key.dataset))
        self.settle(self.reading.refused_keys, self.reading.unknown_keys, age)
        if self.dataset.load == "snapshot":
            self.settled = replace(self.settled, total_before=before)

    def _seen(self, parts: Iterator[Part], ascent: Ascent) -> Iterator[pa.Table]:
        """The rows of the parts, while it is learnt how many there are and which change is the newest."""
        since = self.dataset.since
        for part in parts:
            self.log.append(part.refusals)
            if part.rows.num_rows:
                self._rows += part.rows.num_rows
                ascent.see(part.rows)
                if since is not None:
                    self._newest, ahead = newest_in(part.rows[since.column], self._settings.zone, self._newest)
                    self._ahead += ahead
                yield self.with_lineage(part.rows)

    def with_lineage(self, rows: pa.Table) -> pa.Table:
        """The rows of a part, with the batch and the day we learnt of them between the facts and their place."""
        facts = rows.num_columns - len(PLACE)
        for place, value in enumerate((pa.scalar(self.key.batch), pa.scalar(self.as_of, pa.date32()))):
            rows = rows.add_column(facts + place, LINEAGE[place], pa.repeat(value, rows.num_rows))
        return rows

    def stage(self, tables: Iterable[pa.Table]) -> None:
        """Write rows in the order they come into a file of their own."""
        self.staged = self._work("staged")
        self.staged.parent.mkdir(parents=True, exist_ok=True)
        for left_behind in self.staged.parent.glob(".batch=*.parquet"):
            # Left by a process that died on another day: only one run at a time writes here.
            left_behind.unlink()
        write_rows(self.staged, self.schema, tables)

    def settle(self, refused_keys: Sequence[tuple[Any, ...]], unknown_keys: int, age: pa.Table | None = None) -> None:
        """Write what the staged rows add to the held ones into the file that is installed later."""
        known = self._landed_files() if self.dataset.load == "upsert" else []
        target = self._work("settled")
        settled = settle(self.dataset, self.staged, known, self.schema, refused_keys, unknown_keys, target, age)
        self._settled_in(target, settled)

    def _settled_in(self, path: Path, settled: Settled) -> None:
        self.path, self.settled = path, settled
        self.rows = pq.read_metadata(path).num_rows
        self.content_sha256 = content_sha256(path, self.dataset)

    def promote(self) -> dict[str, Any]:
        """Write the quarantine, judge the delivery, give its file a name, then its ledger row; answers its values.

        A batch with nothing new lands nothing and is marked `unchanged`. Raises `DataError` for a batch that may not be
        promoted; its quarantine is written all the same, for the return file.
        """
        reading, settled = self.reading, self.settled
        self.refuse_conflicts()
        self.log.seal()
        reading.refused += len(settled.conflicts)
        reading.rules.update([f"refused:{self._key_rule}"] * len(settled.conflicts))
        reading.notes.update(settled.notes)
        is_new = self.rows > 0 or not self.held
        if self.dataset.load == "snapshot":
            is_new = not self.held or self.content_sha256 != self.held[-1]["content_sha256"]
            self._refuse_two_dumps()
            if is_new and self.held:
                before = self._landed_file(self.held[-1]["batch"])
                losses, emptied, keys = compare_wholes(self.dataset, before, self.path)
                settled = replace(settled, losses=losses, emptied=emptied, keys=keys)
                reading.notes.update(self._as_before())
            reading.notes.update(self._parts_gone())
        elif isinstance(self.dataset.request, FileRequest):
            reading.notes.update(self._outdone_again())
        reading.notes.update(require_healthy(self.dataset, reading, settled))
        if is_new:
            self._refuse_older_dump()
        paths_of_feed = self._landed_files() if self.dataset.load == "upsert" else []
        reading.notes.update(age_and_gaps(self.dataset, [*paths_of_feed, self.path], self.as_of, self._settings.zone))
        # Never a stamp in the future: it would hide every change that comes before it.
        # Nor one below the last: the feed would be asked for again from there.
        newest = None if self._newest is None else str(self._newest.isoformat())
        values: dict[str, Any] = {
            "rows_received": reading.received,
            "rows_refused": reading.refused,
            "counts": reading.counts(),
            "high_water": max(filter(None, [newest, *(one["high_water"] for one in self.held[-1:])]), default=None),
        }
        if is_new and not isinstance(self.dataset.change, Unwatched):
            changes, is_held = self._changes() if self.held else self._first(values)
            values |= {"changes": changes} if changes else {}
            if is_held:
                return self.hold(values)
        if is_new:
            return self.install(values)
        values |= {**self._written(), "same_as": self.held[-1]["batch"]}
        close_batch(self._ledger, self.key, "unchanged", **values)
        return {**values, "state": "unchanged"}

    def refuse_conflicts(self) -> None:
        """Write the records that contradict each other behind those that fell one by one."""
        with self.log:
            self.log.append(self._conflicts())

    def install(self, values: dict[str, Any]) -> dict[str, Any]:
        """Give the settled file its name, durably, and then the batch its row in the ledger."""
        values = {**values, **self._written(), "landed_sha256": self._publish()}
        close_batch(self._ledger, self.key, "landed", **values)
        return {**values, "state": "landed"}

    def put_again(self, *, is_landed: bool) -> str | None:
        """Replace damaged files, the quarantine file and the landed file, by what was read again.

        Answers the hash of the landed file, where it was replaced.
        """
        if self.log.lines:
            self.log.seal()
        else:
            quarantine_path(self._settings.data_dir, *vars(self.key).values()).unlink(missing_ok=True)
        return self._publish() if is_landed else None

    def _written(self) -> Row:
        """What the ledger holds of the rows and of the quarantine file: none and 0 where nothing was refused."""
        of_rows = {"content_sha256": self.content_sha256, "rows_landed": self.rows}
        return {**of_rows, "quarantine_sha256": self.log.sha256, "quarantine_lines": self.log.lines}

    def _publish(self) -> str:
        """Give the file of rows its name, durably; answers its hash."""
        sha256 = file_sha256(self.path)
        publish_durably(self.path, self._landed_file(self.key.batch))
        return sha256

    def _changes(self) -> tuple[dict[str, Any], bool]:
        """What the batch changes of the last good one, and whether that is more than may be."""
        held = self._landed_files()[-1:] if self.dataset.load == "snapshot" else self._landed_files()
        total = self.held[-1]["rows_landed"] if self.dataset.load == "snapshot" else self.settled.total_before
        found = compare(self.dataset, held, self.path, total, self.as_of)
        past = past_changes(self._ledger, self.key, self.as_of, shipped().learn.batches)
        over = beyond(self.dataset, found, past)
        changes: dict[str, Any] = {
            "against": self.held[-1]["batch"],
            "told": changed_in_words(self.dataset, found),
            "warned": warned_in_words(found),
            **asdict(found),
        }
        if not over:
            return changes, False
        changes["beyond"] = [str(one) for one in over]
        if accepted := self._accepted():
            return {**changes, **accepted}, False
        return {**changes, "examples": examples(self.dataset, held, self.path, [one.what for one in over])}, True

    def _first(self, values: Row) -> tuple[dict[str, Any] | None, bool]:
        """Why the first batch of a dataset is doubted, and whether that holds it; None where it is not doubted."""
        source, _, name = first_limits().known_by.dataset.partition(".")
        known = landed_batches(self._ledger, source, name, self.as_of)
        register = landed_path(self._settings.data_dir, source, name, known[-1]["batch"]) if known else None
        found = first_doubts(
            self.dataset, self.path, register, values["rows_received"], values["rows_refused"], values["counts"]
        )
        if not found[0]:
            return None, False
        changes = {"against": None, "told": None, **asdict(Changes(0)), "beyond": found[0]}
        if accepted := self._accepted():
            return {**changes, **accepted}, False
        return {**changes, "examples": found[1]}, True

    def _accepted(self) -> dict[str, Any]:
        """Which person accepted this batch, and why; empty where none did."""
        decision = decision_about(self._ledger, self.key.source, self.key.dataset)
        if decision is None or decision["action"] != "accepted" or not self._is_as_accepted(decision):
            return {}
        return {"accepted_by": decision["decided_by"], "why": decision["why"]}

    def _is_as_accepted(self, decision: Row) -> bool:
        """Whether this batch is the one that a person accepted, or differs from it within the change budget."""
        if decision["content_sha256"] == self.content_sha256:
            return True
        # A batch that repeats an earlier one has no file of its own: the accepted rows are in the file of the first.
        held = held_file_of(self._ledger, decision)
        accepted = self._landed_file((held or decision)["batch"])
        if held is None or not accepted.exists() or file_sha256(accepted) != held["landed_sha256"]:
            return False
        whole = self.dataset.model_copy(update={"load": "snapshot"})
        found = compare(whole, [accepted], self.path, pq.read_metadata(accepted).num_rows, self.as_of)
        return not beyond(self.dataset, found, [])

    def hold(self, values: dict[str, Any]) -> dict[str, Any]:
        """Keep the file until a person decides, and promote nothing; a repeat of the last held batch has no file."""
        before = newest_held(self._ledger, self.key.source, self.key.dataset, self.as_of)
        # Not promoted, so the next pull asks from the bound of before.
        values = {**values, **self._written(), "high_water": None}
        error = _held_in_words(values["changes"])
        if before is not None and before["content_sha256"] == self.content_sha256:
            values["same_as"] = before["batch"]
        else:
            values["landed_sha256"] = self._publish()
        close_batch(self._ledger, self.key, "held", error=error, **values)
        return {**values, "state": "held", "message": error}

    def clear(self) -> None:
        """Remove the working files of the batch."""
        self.log.drop()
        for step in ("staged", "settled"):
            with suppress(FileNotFoundError):
                self._work(step).unlink()

    def quarantine_window(self, error: PagingFaultError) -> None:
        """Quarantine a window (or a whole listing) whose pages changed while they were read; promote nothing of it."""
        pages = pages_of(self._ledger, self.key)
        where = json.dumps(error.restart_at, ensure_ascii=False, sort_keys=True)
        last = pages[-1] if pages else {"label": "before the first page", "raw_sha256": ""}
        page = Page(last["label"], b"", sha256=last["raw_sha256"])
        fault, record = Fault("window_unstable", "", error.what, True), {"restart_at": where, "pages": len(pages)}
        with self.log:
            self.log.append([replace(Refusal.of(fault, page, 0, record, NO_IDENTITY), action="window_quarantined")])
        self.log.seal()

    def _work(self, step: str) -> Path:
        folder = self._settings.data_dir / "landed" / self.key.source / self.key.dataset
        return folder / f".batch={self.key.batch}.{step}.parquet"

    def _landed_file(self, batch: str) -> Path:
        return landed_path(self._settings.data_dir, self.key.source, self.key.dataset, batch)

    def _landed_files(self) -> list[Path]:
        return [self._landed_file(row["batch"]) for row in self.held]

    @property
    def _key_rule(self) -> str:
        return "key:" + "+".join(self.dataset.key)

    def _conflicts(self) -> Iterator[Refusal]:
        """The records that contradict each other, read again from their raw pages."""
        wanted: dict[int, set[int]] = {}
        for sequence, position in self.settled.conflicts:
            wanted.setdefault(sequence, set()).add(position)
        for row in pages_of(self._ledger, self.key) if wanted else ():
            if row["sequence"] not in wanted:
                continue
            page = page_of(self._settings.data_dir, row)
            for chunk in decode(self.dataset, page.label, page.body):
                for place, position in enumerate(chunk.positions):
                    if position in wanted[row["sequence"]]:
                        who = identity_of(self.dataset, chunk.fields(place))
                        value = who.key[0] if who.key else None
                        fault = Fault("conflicting_key", self.dataset.key[0], value, True, self._key_rule)
                        yield Refusal.of(fault, page, position, chunk.raw(place), who)

    def _parts_gone(self) -> Iterator[str]:
        """The files of the last snapshot without a counterpart tonight, by their names without figures."""
        request, ledger, key = self.dataset.request, self._ledger, self.key
        before = [
            one for one in promoted_batches(ledger, key.source, key.dataset, self.as_of) if one["origin"] == "pull"
        ]
        if not isinstance(request, FileRequest) or request.takes == "newest" or not before:
            return

        def form(label: str) -> str:
            return re.sub(r"\d+", "0", name_of(label))

        there = Counter(form(page["label"]) for page in pages_of(ledger, key))
        for page in pages_of(ledger, replace(key, batch=before[-1]["batch"])):
            there[form(page["label"])] -= 1
            if there[form(page["label"])] < 0:
                yield f"file_gone:{name_of(page['label'])}"

    def _as_before(self) -> Iterator[str]:
        """The earlier batch that a snapshot repeats word for word, though others have come since."""
        same = [one["batch"] for one in self.held if one["content_sha256"] == self.content_sha256]
        if same and self.rows:
            yield f"as_before:{same[-1]}"

    def _outdone_again(self) -> Iterator[str]:
        """The files of a feed whose bytes came before: under a name that has had other bytes since, or under another.

        Bytes that the last batch had too are not reported: a whole list that did not change comes under a new name.
        """
        last: dict[str, str] = {}
        names: dict[str, set[str]] = {}
        newest: tuple[str, set[str]] = ("", set())
        for page in pages_of_dataset(self._ledger, self.key.source, self.key.dataset):
            name, sha256 = name_of(page["label"]), page["raw_sha256"]
            known = names.setdefault(sha256, set())
            if page["batch"] != self.key.batch:
                last[name] = sha256
                known.add(name)
                newest = newest if newest[0] == page["batch"] else (page["batch"], set())
                newest[1].add(sha256)
            elif f"no_records:{name}" not in self.reading.notes and (
                any(last[one] != sha256 for one in known) or (known and name not in known and sha256 not in newest[1])
            ):
                yield f"outdone_again:{name}"

    def _refuse_two_dumps(self) -> None:
        """Raise a `DataError` where two files of a snapshot share records: they are two dumps, not two parts."""
        if isinstance(self.dataset.request, FileRequest) and self.settled.repeats_across_pages:
            names = ", ".join(page["label"] for page in pages_of(self._ledger, self.key)[:5])
            count = self.settled.repeats_across_pages
            what = f"{count} records stand in more than one of the files of a snapshot: {names}."
            ask = "declare `takes: newest` where each file is whole, or have the old ones taken away"
            raise DataError(what, self.dataset.address, f"{ask}; {STAYS}")

    def _refuse_older_dump(self) -> None:
        """Raise a `DataError` for an older snapshot that was put back; a subset of the held files is none."""
        request = self.dataset.request
        if not (self.held and self.dataset.load == "snapshot" and isinstance(request, FileRequest)):
            return
        pages = pages_of_dataset(self._ledger, self.key.source, self.key.dataset)
        ours, held = self.key.batch, self.held[-1]["batch"]
        names = {batch: {name_of(page["label"]) for page in pages if page["batch"] == batch} for batch in (ours, held)}
        rank = [(batch, rank) for (batch, _), (rank, _) in ranked(request, pages).items()]
        newest = {batch: max((one for of, one in rank if of == batch), default=0) for batch in names}
        if not names[ours] <= names[held] and newest[ours] < newest[held]:
            what = f"its files are older than the accepted batch {held} and differ from it."
            ask = "ask the agency: if it is the later one, have it put under a new name, or declare `order`"
            raise DataError(what, self.dataset.address, f"{ask}; {STAYS}")


SHOWN = 3


def _held_in_words(changes: dict[str, Any]) -> str:
    """The figures beyond the change budget in one sentence: the first ones, and how many more there are."""
    over = changes["beyond"]
    more = f"; and {len(over) - SHOWN} more figures" if len(over) > SHOWN else ""
    if changes["against"] is None:
        return f"is a first delivery that does not look like one: {'; '.join(over[:SHOWN])}{more}"
    return f"changed more than may be against the last good batch {changes['against']}: {'; '.join(over[:SHOWN])}{more}"


def content_sha256(path: Path, dataset: Dataset) -> str:
    """The hash of the facts of a landed file, in their order and without lineage: equal facts, equal hash."""
    digest = hashlib.sha256()
    names = [*(column.name for column in dataset.columns), "_deleted", "_extra"]
    digest.update("\n".join(names).encode())
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=names):
            for name in names:
                _add_column(digest, batch.column(name))
    return digest.hexdigest()


def _add_column(digest: Any, column: pa.Array) -> None:
    # Memory under a null, and behind the last bit, is not defined: neither goes into the hash.
    is_valid = column.is_valid().cast(pa.int8())
    digest.update(np.asarray(is_valid).tobytes())
    there = column.drop_null()
    plain = there.cast(pa.int8()) if pa.types.is_boolean(there.type) else there
    digest.update(pa.record_batch([plain], names=["values"]).serialize())
