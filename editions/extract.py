"""What one bank may have of an edition on one day: the rows its enterprises consented to, and the fields it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from editions.relations import TABLE_NAME

DATA_CLASS = "score"

# Withdrawal comes first: whoever withdrew is told so, whatever else has run out. The last day of a consent is valid,
# the day of its withdrawal is not.
JUDGED = """
create temp table judged as
select
    *,
    case
        when consent_withdrawn_on <= $send_date then 'withdrawn'
        when consent_valid_from is null or consent_valid_from > $send_date then 'not_yet_valid'
        when consent_valid_to < $send_date then 'expired'
        when points_total is null then 'not_eligible'
        when not regexp_matches(coalesce(data_classes, ''), $data_class) then 'data_class'
        when not list_contains($purposes, purpose) then 'purpose'
    end as denied_reason
from consents
where recipient = $recipient
"""
ALLOWED = """
select {fields}
from judged
where denied_reason is null
qualify row_number() over (partition by uscc order by consent_valid_from desc, consent_id desc) = 1
order by uscc
"""
DENIED = """
select consent_id, uscc, denied_reason
from judged
where denied_reason is not null
order by uscc, consent_id
"""


class ExtractError(ValueError):
    """An extract, or a field of it, was asked for that the edition does not have."""


@dataclass(frozen=True)
class Extract:
    """One row per enterprise that may be sent, by code; and each consent that was denied, with the reason."""

    table: pa.Table
    denied: list[dict[str, str]]


def cut_extract(
    edition_path: Path,
    recipient: str,
    fields: Sequence[str],
    send_date: date,
    *,
    purposes: Sequence[str],
    extract: str = "ext_bank__scores",
) -> Extract:
    """Cut a recipient's rows and fields out of a sealed extract, as consent stands on `send_date`.

    A consent counts when `send_date` is within its days, it is not withdrawn by then, and `score` is among its data
    classes, and it was given for one of `purposes`, those for which the recipient loads the file; of several that
    count, the newest. Denial reasons: withdrawn, not_yet_valid, expired, not_eligible (the enterprise is not in the
    ranking, so there is nothing to send), data_class, purpose.
    Raises `ExtractError` for an extract or a field that is not there.
    """
    consents = pq.read_table(_path(edition_path, extract), partitioning=None)
    _require_fields(fields, consents.schema.names, extract)
    chosen = ", ".join(f'"{field}"' for field in fields)
    values = {
        "send_date": send_date,
        "recipient": recipient,
        "purposes": list(purposes),
        "data_class": rf"(^|,)\s*{DATA_CLASS}\s*(,|$)",
    }
    with duckdb.connect() as connection:
        connection.register("consents", consents)
        connection.execute(JUDGED, values)
        table = connection.execute(ALLOWED.format(fields=chosen)).to_arrow_table()
        refused = connection.execute(DENIED).fetchall()
    names = ("consent_id", "uscc", "reason")
    return Extract(table, [dict(zip(names, row, strict=True)) for row in refused])


def extract_columns(edition_path: Path, extract: str = "ext_bank__scores") -> list[str]:
    """The columns of a sealed extract, in order: what a recipient may be given, or must be told is left out."""
    return list(pq.read_schema(_path(edition_path, extract)).names)


def _path(edition_path: Path, extract: str) -> Path:
    path = edition_path / "extracts" / f"{extract}.parquet"
    if not TABLE_NAME.fullmatch(extract) or not path.is_file():
        there = sorted(file.stem for file in (edition_path / "extracts").glob("*.parquet"))
        raise ExtractError(
            f"there is no extract {extract!r} in edition {edition_path.name}; there are: {', '.join(there) or 'none'}. "
            "Whose: configuration (connectors/sinks). Mend the name, then `jifen run`."
        )
    return path


def _require_fields(fields: Sequence[str], there: list[str], extract: str) -> None:
    unknown = [field for field in fields if field not in there]
    if unknown or not fields or len(set(fields)) != len(fields):
        wrong = f"has no field {', '.join(unknown)}" if unknown else "was asked for no field, or for one twice"
        raise ExtractError(
            f"extract {extract} {wrong}; its fields are: {', '.join(there)}. "
            "Whose: configuration (connectors/sinks). Mend the list of fields, then `jifen run`."
        )
