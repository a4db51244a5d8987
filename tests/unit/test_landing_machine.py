"""The landing store under whatever comes: what stands in the end is what a plain dictionary says."""

import json
import shutil
import tempfile
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connectors.drivers.pages import Page
from connectors.landing import Delivery, landed_path
from connectors.raw import keep_raw
from connectors.zone import Zone
from ledger.batches import landed_batches, open_batch, pages_of, record_page
from ledger.settings import Settings
from ledger.store import open_ledger
from tests.declared import column, dataset_of

FIRST = date(2025, 6, 1)
KEYS = [f"k{number}" for number in range(6)]
records = st.fixed_dictionaries(
    {
        "id": st.sampled_from([*KEYS, None]),
        "part": st.sampled_from(["a", "b"]),
        "amount": st.sampled_from(["1", "2.5", "x"]),
    }
)  # fmt: skip
deliveries = st.lists(st.lists(records, min_size=1, max_size=6), min_size=1, max_size=3)


def records_of(load, deletes):
    return dataset_of(
        source="agency",
        name="records",
        load=load,
        key=("id", "part"),
        request={"table": "records", "size": 6},
        decoder={"kind": "json"},
        continuity={"shrink_pct": 100},
        deletes=deletes,
        columns=(column("id", required=True), column("part", required=True), column("amount", "decimal(10, 2)")),
    )


def told_by(pages, load):
    """What one delivery says by the rules: key -> amount, and how many of its records were refused."""
    by_key = defaultdict(list)
    refused = 0
    for sequence, page in enumerate(pages):
        for one in page:
            if one["id"] is None or one["amount"] == "x":
                refused += 1
            else:
                by_key[one["id"], one["part"]].append((sequence, one["amount"]))
    said = {}
    for key, versions in by_key.items():
        newest = max(sequence for sequence, _ in versions) if load == "upsert" else None
        rivals = {amount for sequence, amount in versions if newest in (None, sequence)}
        if load == "upsert":
            # The same record again on a later page is a copy of the first, and says nothing new.
            first_seen = {}
            for sequence, amount in versions:
                first_seen.setdefault(amount, sequence)
            newest = max(first_seen.values())
            rivals = {amount for amount, sequence in first_seen.items() if sequence == newest}
        if len(rivals) == 1:
            said[key] = rivals.pop()
        else:
            refused += len(rivals if load == "upsert" else {amount for _, amount in versions})
            if load == "upsert":
                refused += len(first_seen) - len(rivals)
    return said, refused


class Landing(RuleBasedStateMachine):
    """Deliveries come, some broken off before they are promoted; after each, the store is read back whole."""

    @initialize(load=st.sampled_from(["snapshot", "upsert"]), replaces=st.booleans())
    def begin(self, load, replaces):
        self.folder = Path(tempfile.mkdtemp())
        self.settings = Settings(data_dir=self.folder, _env_file=None)
        self.ledger = open_ledger(self.settings)
        deletes = {"kind": "replace_by", "column": "part", "shrink_pct": 100} if replaces and load == "upsert" else None
        self.dataset = records_of(load, deletes)
        self.day, self.model = FIRST, {}

    def _read(self, pages):
        key, _ = open_batch(self.ledger, "agency", "records", self.day, "spec", None)
        done = {page["sequence"] for page in pages_of(self.ledger, key)}
        raw = []
        for sequence, page in enumerate(pages, start=1):
            body = json.dumps(page).encode()
            sha256 = keep_raw(self.folder, body)
            if sequence not in done:
                record_page(self.ledger, key, sequence, f"page {sequence}", sha256, len(body), None)
            raw.append(Page(f"page {sequence}", body, sequence=sequence, sha256=sha256))
        delivery = Delivery(self.dataset, Zone(), self.settings, self.ledger, key, self.day)
        delivery.read(raw)
        return delivery

    @rule(pages=deliveries, days=st.integers(0, 2), is_broken_off=st.booleans())
    def deliver(self, pages, days, is_broken_off):
        self.day += timedelta(days=days)
        if is_broken_off:
            # A process that dies here leaves its work behind; the next one begins it again from the raw pages.
            self._read(pages)
        delivery = self._read(pages)
        values = delivery.promote()
        delivery.clear()
        said, refused = told_by(pages, self.dataset.load)
        assert values["rows_refused"] == refused
        self._update(pages, said)
        if values["state"] == "unchanged":
            assert not landed_path(self.folder, "agency", "records", delivery.key.batch).exists()

    def _update(self, pages, said):
        if self.dataset.load == "snapshot":
            self.model = said
            return
        if self.dataset.deletes is not None:
            items = [one for page in pages for one in page]
            covered = {part for _, part in said}
            came = {(one["id"], one["part"]) for one in items}
            if not any(one["id"] is None for one in items):
                self.model = {key: value for key, value in self.model.items() if key[1] not in covered or key in came}
        self.model |= said

    @invariant()
    def what_stands_is_what_the_dictionary_says(self):
        if not hasattr(self, "dataset"):
            return
        batches = landed_batches(self.ledger, "agency", "records", self.day)
        stands = {}
        for batch in batches[-1:] if self.dataset.load == "snapshot" else batches:
            table = pq.read_table(landed_path(self.folder, "agency", "records", batch["batch"]), partitioning=None)
            rows = table.to_pylist()
            keys = [(row["id"], row["part"]) for row in rows]
            assert keys == sorted(set(keys))
            stands |= {key: None if row["_deleted"] else row["amount"] for key, row in zip(keys, rows, strict=True)}
        found = {key: amount for key, amount in stands.items() if amount is not None}
        assert {key: str(amount.normalize()) for key, amount in found.items()} == self.model

    def teardown(self):
        if hasattr(self, "ledger"):
            self.ledger.dispose()
            shutil.rmtree(self.folder)


Landing.TestCase.settings = settings(
    max_examples=12, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTheLandingStore = Landing.TestCase
