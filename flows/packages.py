"""Composing what a recipient gets: once for each number, kept under the data folder, sent again as the same bytes."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors import age, gm, openpgp
from connectors.errors import ConfigError, DataError
from connectors.sink_files import ExtractSink, Sealing
from connectors.strict import Variable
from editions.causes import DECISIONS
from editions.descriptors import datapackage
from editions.extract import Cells, Extract, cut_extract, extract_columns, whole_table
from editions.manifest import SealedFile, read_manifest
from editions.package import (
    BESIDE,
    DROPS,
    ENCODINGS,
    FORMAT,
    MANIFEST,
    NOTICES,
    OBJECTIONS,
    SUFFIXES,
    TableFile,
    banded,
    drops_file,
    notice_rows,
    pack,
)
from editions.places import edition_path
from editions.verify import verify
from editions.working_days import add_working_days
from flows.night import Night
from ledger.deliveries import DAILY, RECALL, UNKNOWN, before, record_composed
from ledger.files import PART, file_sha256, making_of, publish_durably, write_durably
from ledger.held import held_batches
from ledger.journal import head
from ledger.minisign import SUFFIX
from ledger.objections import REJECTED, objection_rows
from ledger.publications import edition_row
from ledger.settings import read_variable
from ledger.store import Row

log = logging.getLogger("jifen")

CONSENTS = "science.consents"
ROWS = "rows.json"
"""Beside a kept package: of each table the columns that may hold something, with the enterprises in whose rows."""
# The first of these that applies to an enterprise is the reason given: a withdrawal comes before all others.
REASONS = ("withdrawn", "expired", "superseded", "data_class", "purpose", "not_eligible", "not_yet_valid")


class DeliveryError(RuntimeError):
    """What is pending must not be sent as it is."""


@dataclass(frozen=True)
class Earlier:
    """What the recipient may hold: the last number that arrived, and those after it that were given up.

    `codes` are the enterprises of each table in the last that arrived with rows and in whatever may have come after it.
    """

    follows: Row | None
    with_rows: Row | None
    gaps: tuple[Row, ...]
    codes: Mapping[str, set[str]]


def kept_folder(data_dir: Path, row: Row) -> Path:
    """Where the package of one delivery is kept."""
    recipient: str = row["recipient"]
    return data_dir / "deliveries" / recipient / f"{row['number']:06d}"


def kept_package(data_dir: Path, row: Row) -> Path:
    """The package as it was composed. Raises `DataError` where it is no longer that."""
    path: Path = kept_folder(data_dir, row) / row["file_name"]
    if not path.is_file() or file_sha256(path) != row["sha256"]:
        raise DataError("is not what was composed, and is not sent.", str(path), "restore it from the backup")
    return path


def kept_manifest(data_dir: Path, row: Row) -> dict[str, Any]:
    """The manifest inside a kept package; it names no enterprise."""
    return dict(json.loads((kept_folder(data_dir, row) / MANIFEST).read_bytes()))


def kept_cells(data_dir: Path, row: Row) -> dict[str, list[Cells]]:
    """What a kept package holds: of each table the columns, with the enterprises in whose rows they may hold something.

    Of an older package, whose codes alone were kept, each row may hold something in every column.
    """
    path = kept_folder(data_dir, row) / ROWS
    if not path.is_file():
        raise DataError("what was sent before is not there.", str(path), "restore it from the backup")
    found: dict[str, list[Any]] = json.loads(path.read_bytes())
    old = [table for table, held in found.items() if held and isinstance(held[0], str)]
    if old:
        columns = {entry["table"]: entry["columns"] for entry in kept_manifest(data_dir, row)["files"]}
        found |= {table: [(columns[table], found[table])] for table in old}
    return found


def codes_of(cells: Sequence[Cells]) -> set[str]:
    """The enterprises of a table."""
    return {code for _, codes in cells for code in codes}


def composed(night: Night, sink: ExtractSink, owed: Row) -> Row:
    """The row of this delivery, its package composed and recorded before any byte of it is sent."""
    if owed["manifest_sha256"] is not None:
        discarded = f"jifen deliveries discard {owed['delivery_id']} --why TEXT, then jifen run, which makes another"
        require_allowed_today(night, sink, owed, owed["edition_id"], discarded)
        return owed
    # The day it really leaves, not the day the run began: a night may end after midnight.
    send_date = night.settings.today
    earlier = _earlier(night, sink.name, owed["number"])
    folder = kept_folder(night.settings.data_dir, owed)
    for one in (folder.parent.parent, folder.parent, folder):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
    extracts = {} if owed["kind"] == RECALL else cut_tables(night, sink, owed["edition_id"], send_date)
    cells = {table: cut.cells() for table, cut in extracts.items()}
    denied = {one["consent_id"]: one for cut in extracts.values() for one in cut.denied}
    drops = _recalled(sink, owed, earlier) if owed["kind"] == RECALL else _dropped(extracts, cells, earlier)
    with making_of(folder) as making:
        files, entries = _table_files(night, sink, owed, extracts, making)
        if extracts:
            entries.append(_objections_file(night, cells, making / OBJECTIONS))
            files[OBJECTIONS] = making / OBJECTIONS
        files[DROPS], dropped = drops_file(drops)
        manifest = {
            **_head(night, sink, owed, earlier, send_date),
            "files": entries,
            "drops": dropped,
            "held_back": _held_back(extracts),
            "is_unchanged": owed["kind"] == DAILY and _same_as(night, earlier.with_rows, entries),
        }
        package = making / f"jifen_{sink.name}_{send_date:%Y%m%d}_{owed['number']:06d}.tar"
        with package.open("wb") as target:
            packed = pack(files, manifest, target)
        beside: dict[str, bytes] = {}
        if sink.sealed:
            package, beside = sealed(sink.sealed, package, sink.name)
        values: Row = {
            "send_date": send_date.isoformat(),
            "file_name": package.name,
            "sha256": file_sha256(package),
            "manifest_sha256": hashlib.sha256(packed).hexdigest(),
            "rows": sum(entry["rows"] for entry in entries if entry["path"] not in BESIDE),
            "denied": len(denied),
            "ack_due_on": _ack_due_on(sink, send_date),
        }
        publish_durably(package, folder / package.name, mode=0o600)
        for name, content in {**beside, MANIFEST: packed, ROWS: json.dumps(cells).encode()}.items():
            write_durably(folder / name, content, mode=0o600)
    record_composed(night.ledger, owed["delivery_id"], values, list(denied.values()))
    return {**owed, **values}


def sealed(sealing: Sealing, package: Path, where: str) -> tuple[Path, dict[str, bytes]]:
    """The package signed and encrypted, in a file beside it, and what lies beside that: a signature of its own.

    Raises `ConfigError` for a key file that may not be used.
    """
    signing, recipients = key_file(sealing.signing_key, where), key_file(sealing.recipient_keys, where)
    if sealing.kind == "openpgp":
        target = package.with_name(f"{package.name}.gpg")
        openpgp.seal(package, target, signing, recipients, where)
        return target, {}
    target = package.with_name(f"{package.name}.{sealing.kind}")
    module, suffix = (age, SUFFIX) if sealing.kind == "age" else (gm, gm.SUFFIX)
    return target, {f"{target.name}{suffix}": module.seal(package, target, signing, recipients, where)}


def signature_beside(data_dir: Path, row: Row) -> list[tuple[str, bytes]]:
    """The signature that is left beside a package, where its seal has one."""
    paths = [kept_folder(data_dir, row) / f"{row['file_name']}{suffix}" for suffix in (SUFFIX, gm.SUFFIX)]
    return [(path.name, path.read_bytes()) for path in paths if path.is_file()]


def key_file(variable: Variable, where: str) -> Path:
    """The key file that a variable names."""
    return Path(read_variable(variable.env, where)).expanduser()


def cut_tables(night: Night, sink: ExtractSink, edition_id: str, send_date: date) -> dict[str, Extract]:
    """What consent allows of each table that the recipient gets, on this day; by a mandate the whole table."""
    if sink.grant == "consent":
        _require_consents_stand(night)
    path = edition_path(night.settings.data_dir, edition_id)
    require_sealed(night, path, edition_id)
    sink.require_decided()
    found = {}
    for name, granted in sink.tables.items():
        spill = night.settings.data_dir / "deliveries" / f".{name}{PART}"
        by_mandate = sink.grant == "mandate"
        sink.check_columns(name, extract_columns(path, name, "tables" if by_mandate else "extracts"))
        found[name] = (
            whole_table(path, name, granted.fields, spill)
            if by_mandate
            else cut_extract(
                path, sink.name, granted.fields, send_date, purposes=sink.purposes, extract=name, spill=spill
            )
        )
    return found


def _require_consents_stand(night: Night) -> None:
    """Raise `DeliveryError` while consents are held and no person rejected them: withdrawals may be among them."""
    for row in held_batches(night.ledger):
        decision = row["decision"] or {}
        is_rejected = (decision.get("action"), decision.get("content_sha256")) == ("rejected", row["content_sha256"])
        if f"{row['source']}.{row['dataset']}" == CONSENTS and not is_rejected:
            raise DeliveryError(
                f"{CONSENTS} of {row['as_of']} is held: which consents were withdrawn is not decided, and nothing is "
                f"sent by them. Whose: data. Next: jifen source held {CONSENTS}, then accept or reject it, jifen run"
            )


def require_sealed(night: Night, path: Path, edition_id: str) -> None:
    """Nothing leaves an edition that is no longer what was sealed."""
    row = edition_row(night.ledger, edition_id)
    if findings := verify(path, row["manifest_sha256"] if row else None):
        raise DeliveryError(
            f"edition {edition_id} is not whole ({findings[0].path}: {findings[0].message}), nothing of it is sent. "
            f"Whose: data. Next: jifen edition verify {edition_id}, then restore the folder from a backup."
        )


def held_codes(night: Night, recipient: str) -> set[str]:
    """The enterprises of which a recipient may hold rows. Raises `DataError` where what it was sent is not kept."""
    return set().union(*_earlier(night, recipient).codes.values())


def _arrived(rows: Sequence[Row]) -> set[int]:
    """The numbers that a recipient has, of rows with the newest first.

    It has no package that it rejected, and none after that until it accepts one.
    """
    found, is_broken = set(), False
    for row in reversed(rows):
        if row["ack_state"] in ("accepted", "rejected"):
            is_broken = row["ack_state"] == "rejected"
        if row["state"] == "sent" and not is_broken:
            found.add(row["number"])
    return found


def _earlier(night: Night, recipient: str, number: int | None = None) -> Earlier:
    follows: Row | None = None
    gaps: list[Row] = []
    maybe: list[Row] = []
    with_rows: Row | None = None
    rows = before(night.ledger, recipient, number)
    arrived = _arrived(rows)
    for row in rows:
        if row["number"] in arrived:
            follows = follows or row
            if row["kind"] != RECALL:
                with_rows = row
                break
        else:
            if follows is None:
                gaps.append(row)
            if row["manifest_sha256"]:
                maybe.append(row)
    codes: dict[str, set[str]] = {}
    for row in (*([with_rows] if with_rows else []), *maybe):
        for table, held in kept_cells(night.settings.data_dir, row).items():
            codes.setdefault(table, set()).update(codes_of(held))
    return Earlier(follows, with_rows, tuple(reversed(gaps)), codes)


def _head(night: Night, sink: ExtractSink, owed: Row, earlier: Earlier, send_date: date) -> dict[str, Any]:
    edition = edition_row(night.ledger, owed["edition_id"]) or {}
    at = head(night.ledger)
    follows, gaps, with_rows = earlier.follows, earlier.gaps, earlier.with_rows
    return {
        "format": FORMAT,
        "delivery_id": owed["delivery_id"],
        "recipient": sink.name,
        "number": owed["number"],
        "kind": owed["kind"],
        "send_date": send_date.isoformat(),
        "table_format": sink.format,
        "edition": {name: edition.get(name) for name in ("edition_id", "as_of", "ruleset_id", "manifest_sha256")},
        "inputs": _inputs(night, sink, owed["edition_id"]),
        "journal_head": {"sequence": at.sequence, "sha256": at.sha256},
        "follows": follows and {"number": follows["number"], "manifest_sha256": follows["manifest_sha256"]},
        "gaps": _gaps(gaps, follows["number"] if follows else 0),
        "supersedes": with_rows["number"] if with_rows and owed["kind"] != RECALL else None,
        "grant": sink.grant,
        "data_classes": list(sink.data_classes),
        "purposes": list(sink.purposes),
        "legal_basis": sink.legal_basis,
        "issuer": {"zh": sink.issuer.zh, "en": sink.issuer.en},
        "why": (owed["note"] or {}).get("why"),
    }


def _inputs(night: Night, sink: ExtractSink, edition_id: str) -> list[dict[str, Any]]:
    """How fresh each dataset of the edition is: the day on which its agency last answered, and whether it is stale.

    Which other institutions report loans is not this recipient's concern: their datasets are left out.
    """
    sealed_as = read_manifest(edition_path(night.settings.data_dir, edition_id))
    others = {one["source"] for one in sealed_as["inputs"] if one["dataset"] == "loans"} - {sink.name}
    # People's decisions about identities are an input of the edition, and come from no agency.
    others.add(DECISIONS[0])
    # An edition of format 1 does not list datasets in which nothing new came.
    too_old = sealed_as.get("stale", {})
    found = []
    for one in sealed_as["inputs"]:
        name = f"{one['source']}.{one['dataset']}"
        if one["source"] not in others:
            is_stale = one["is_stale"] or name in too_old
            found.append({"dataset": name, "learned_on": one["learned_on"], "is_stale": is_stale})
    return found


def _gaps(gaps: Sequence[Row], follows: int) -> list[dict[str, Any]]:
    """The numbers behind the one that is followed, of which a restored ledger may know nothing.

    A number that was given up after it had been composed may have arrived all the same: its hash is given.
    """
    found = {gap["number"]: {"number": gap["number"], "manifest_sha256": gap["manifest_sha256"]} for gap in gaps}
    for gap in (gap for gap in gaps if gap["kind"] == UNKNOWN):
        for number in range(max(gap["note"]["unknown_since"], follows + 1), gap["number"] + 1):
            if found.get(number, {}).get("manifest_sha256") is None:
                found[number] = {"number": number, "manifest_sha256": None, "is_unknown": True}
    return [found[number] for number in sorted(found)]


def _table_files(
    night: Night, sink: ExtractSink, owed: Row, extracts: Mapping[str, Extract], folder: Path
) -> tuple[dict[str, bytes | Path], list[dict[str, Any]]]:
    files: dict[str, bytes | Path] = {}
    entries: list[dict[str, Any]] = []
    notices: list[dict[str, Any]] = []
    as_of = (edition_row(night.ledger, owed["edition_id"]) or {}).get("as_of", "")
    for name, cut in extracts.items():
        granted = sink.tables[name]
        file = TableFile(folder / f"{name}.{SUFFIXES[sink.format]}", name, sink.format)
        notice = sink.notice if sink.notice and sink.notice.table == name else None
        notices_file = TableFile(folder / NOTICES, "notices", "csv")
        for piece in cut.pieces():
            rows = banded(piece, granted.bands)
            file.write(rows)
            if notice:
                issuer = f"{sink.issuer.zh} {sink.issuer.en}"
                notices_file.write(notice_rows(rows, notice.score, notice.maximum, notice.key_factors, issuer, as_of))
        files[file.path.name] = file.path
        if notice:
            notices.append(notices_file.close())
            files[NOTICES] = notices_file.path
        entries.append(
            {
                **file.close(),
                "withheld": cut.withheld,
                "left_out": dict(granted.omitted),
                "bands": bands_as_text(granted.bands),
            }
        )
    entries += notices
    files["datapackage.json"] = _datapackage(night, sink, owed, entries)
    return files, entries


def _objections_file(night: Night, sent: Mapping[str, Sequence[Cells]], path: Path) -> dict[str, Any]:
    """Write which enterprises of this package object to their results, undecided or not yet corrected.

    Credit information that its subject objects to is marked where it is given out (征信业管理条例, article 25).
    """
    codes: set[str] = set().union(*map(codes_of, sent.values()))
    open_ones = objection_rows(night.ledger, night.settings.today, is_open=True)
    of_these = [row for row in open_ones if row["uscc"] in codes and row["state"] != REJECTED]
    columns = ("uscc", "edition_id", "opened_on", "due_on")
    file = TableFile(path, "objections", "csv")
    file.write(pa.table({name: pa.array([row[name] for row in of_these], pa.string()) for name in columns}))
    return file.close()


def _datapackage(night: Night, sink: ExtractSink, owed: Row, entries: Sequence[Mapping[str, Any]]) -> bytes:
    """The file description: each column in Chinese and English, of the tables alone."""
    path = edition_path(night.settings.data_dir, owed["edition_id"])
    sealed_as = read_manifest(path)
    tables: dict[str, Any] = {}
    listed = [entry for entry in entries if entry["path"] not in BESIDE]
    for entry in listed:
        known = sealed_as["tables"][entry["table"]]
        columns = {column["name"]: column for column in known["columns"]}
        bands = entry["bands"]
        shown = [{**columns[name], **({"type": "VARCHAR"} if name in bands else {})} for name in entry["columns"]]
        # By consents there is one row for each enterprise; a whole table has the key of the edition, if all of it goes.
        key = known["key"] if sink.grant == "mandate" else ["uscc"]
        tables[entry["table"]] = {**known, "columns": shown, "key": key if set(key) <= set(entry["columns"]) else []}
    files = [SealedFile(one["path"], one["sha256"], one["bytes"], one["rows"], sink.name) for one in listed]
    encoding = ENCODINGS.get(sink.format, "utf-8-sig")
    return datapackage(sealed_as, tables, files, delivery_id=owed["delivery_id"], encoding=encoding)


def _dropped(
    extracts: Mapping[str, Extract], sent: Mapping[str, Sequence[Cells]], earlier: Earlier
) -> list[dict[str, Any]]:
    """The rows that the recipient may hold of an earlier delivery and that this one has not, each with the reason."""
    drops = []
    for table, codes in sorted(earlier.codes.items()):
        cut = extracts.get(table)
        now = codes_of(sent.get(table, ()))
        denied = sorted(cut.denied if cut else [], key=lambda one: -REASONS.index(one["reason"]))
        why = {one["uscc"]: one for one in denied}
        for uscc in sorted(codes - now):
            known = why.get(uscc, {"consent_id": None, "reason": "no_longer_sent"})
            drops.append({"table": table, "uscc": uscc, "consent_id": known["consent_id"], "reason": known["reason"]})
    return drops


def _recalled(sink: ExtractSink, owed: Row, earlier: Earlier) -> list[dict[str, Any]]:
    held_only = owed["note"].get("held_only")
    return [
        {"table": table, "uscc": uscc, "consent_id": None, "reason": "recalled"}
        for table in sink.tables
        for uscc in owed["note"]["codes"]
        if not held_only or uscc in earlier.codes.get(table, ())
    ]


def _held_back(extracts: Mapping[str, Extract]) -> dict[str, dict[str, int]]:
    """How many consents were denied, by table and reason."""
    counts = {table: Counter(one["reason"] for one in cut.denied) for table, cut in extracts.items()}
    return {table: dict(of_table) for table, of_table in counts.items() if of_table}


def _same_as(night: Night, row: Row | None, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the files are those that arrived last, byte for byte."""
    if row is None:
        return False
    known = kept_manifest(night.settings.data_dir, row)["files"]
    return {one["path"]: one["sha256"] for one in known} == {one["path"]: one["sha256"] for one in entries}


def _ack_due_on(sink: ExtractSink, send_date: date) -> str | None:
    if sink.acknowledged is None:
        return None
    due_on = add_working_days(send_date, sink.acknowledged.working_days)
    if due_on is None:
        log.warning(
            "%s: no day is known by which it must answer: the calendar of working days ends. Whose: config. "
            "Next: add the year to dbt_project/seeds/programme/working_years.csv and working_day_exceptions.csv",
            sink.name,
        )
    # Its answer is awaited all the same, and is never late.
    return (due_on or date.max).isoformat()


def require_allowed_today(night: Night, sink: ExtractSink, row: Row, edition_id: str, next_step: str) -> None:
    """Raise `ConfigError` where a kept package holds what its recipient may not get today: it is not sent.

    What it may get is what a package of today would hold, by consents and sink file as they stand: each row, each
    column that may hold something in it, no number where a band is sent now, and no purpose beside those of now.
    """
    if row["kind"] == RECALL:
        return
    today = night.settings.today
    kept, manifest = kept_cells(night.settings.data_dir, row), kept_manifest(night.settings.data_dir, row)
    extracts = cut_tables(night, sink, edition_id, today)
    bands = {entry["table"]: entry["bands"] for entry in manifest["files"] if entry["path"] not in BESIDE}
    rows: set[str] = set()
    columns: set[str] = set()
    for table, held in kept.items():
        allowed = extracts[table].cells() if table in extracts else []
        rows |= codes_of(held) - codes_of(allowed)
        columns |= _beyond(held, allowed)
        now = bands_as_text(sink.tables[table].bands) if table in extracts else {}
        finer = {name for name, edges in now.items() if bands[table].get(name) != edges}
        columns |= {name for names, _ in held for name in names if name in finer}
    others = {*manifest["purposes"], *manifest.get("data_classes", ())} - {*sink.purposes, *sink.data_classes}
    excess = {
        f"rows of {len(rows)} enterprises": rows,
        f"columns ({', '.join(sorted(columns))})": columns,
        f"purposes ({', '.join(sorted(others))})": others,
        "an unsealed file": sink.sealed and row["file_name"].endswith(".tar"),
    }
    if too_much := [what for what, found in excess.items() if found]:
        what = f"{row['delivery_id']} holds {', '.join(too_much)} that may not go there on {today}: not sent."
        raise ConfigError(what, row["recipient"], next_step)


def _beyond(held: Sequence[Cells], allowed: Sequence[Cells]) -> set[str]:
    """The columns that hold something in a row in which they may not."""
    found: set[str] = set()
    for columns, codes in held:
        of_these = set(codes)
        for allowed_columns, allowed_codes in allowed:
            if not of_these.isdisjoint(allowed_codes):
                found |= set(columns) - set(allowed_columns)
    return found


def bands_as_text(bands: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Bands as they stand in a manifest."""
    return {column: [f"{edge:f}" for edge in edges] for column, edges in bands.items()}
