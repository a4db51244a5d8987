"""Recalls that an edition brings about: recipients drop the rows of an enterprise whose credit was repaired."""

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb

from connectors.errors import DataError
from connectors.sink_files import ExtractSink
from editions.places import edition_path
from editions.sql_text import literal, parquet
from flows.faults import sentence
from flows.night import Night
from flows.packages import held_codes
from ledger.publications import Recall, edition_row

log = logging.getLogger("jifen")

WHY = "信用修复：曾报告的处罚或失信记录不再有效 credit repaired: a reported penalty or list entry no longer stands"
REPORTED = ("published_penalties", "dishonesty_entries")
"""The columns by which a recipient learns of an entry: one that gets none of them has nothing to drop."""

# The day of the repair decides, not the number of entries: that may be unknown, or have grown by another entry. For a
# repair on the day of the edition before, only the numbers show whether that edition had it; so they do for an entry
# that was removed, whose record may be sent again with another stamp.
_REPAIRED_SINCE = """
select repaired.uscc
from int_enterprises__repaired as repaired
left join {then} as then_rows on repaired.uscc = then_rows.uscc
left join {now} as now_rows on repaired.uscc = now_rows.uscc
where
    (
        repaired.is_decided
        and repaired.known_on > $then_as_of
        and (coalesce(then_rows.published_penalties, 1) > 0 or coalesce(then_rows.dishonesty_entries, 1) > 0)
    )
    or (
        repaired.known_on >= $then_as_of
        and (
            then_rows.published_penalties > now_rows.published_penalties
            or then_rows.dishonesty_entries > now_rows.dishonesty_entries
        )
    )
"""


def recalls(night: Night, edition_id: str, warehouse: Path) -> Iterator[Recall]:
    """What each recipient is to drop because of a new edition; only enterprises whose rows it holds are named."""
    sinks = [sink for sink in night.sinks if isinstance(sink, ExtractSink) and _learns_of_entries(sink)]
    codes = _repaired_since(night, edition_id, warehouse) if sinks else set()
    for sink in sinks if codes else ():
        try:
            held = codes & held_codes(night, sink.name)
        except DataError as error:
            # Until the file is restored neither the recall nor a package to it can be composed; `held_only` then leaves
            # out what the recipient does not hold.
            log.warning("%s: what it holds is not known: %s", sink.name, sentence(error))
            held = codes
        if held:
            yield Recall(sink.name, tuple(sorted(held)), WHY, held_only=True)


def _learns_of_entries(sink: ExtractSink) -> bool:
    return any(column in granted.fields for granted in sink.tables.values() for column in REPORTED)


def _repaired_since(night: Night, edition_id: str, warehouse: Path) -> set[str]:
    if night.follows is None:
        return set()
    data_dir = night.settings.data_dir
    then, now = (
        edition_path(data_dir, one) / "tables" / "credit_reports.parquet" for one in (night.follows, edition_id)
    )
    if not then.is_file():
        return set()
    then_as_of = (edition_row(night.ledger, night.follows) or {})["as_of"]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        # Its views read the inputs beside it, by paths that are relative to its own folder.
        connection.execute(f"set file_search_path = {literal(warehouse.parent)}")
        query = _REPAIRED_SINCE.format(now=parquet(now), then=parquet(then))
        found = connection.execute(query, {"then_as_of": date.fromisoformat(then_as_of)}).fetchall()
    return {str(uscc) for (uscc,) in found}
