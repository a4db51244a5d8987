"""A delivery's package: tables, drops, manifest and sums in one tar file; equal rows give equal bytes."""

import csv
import hashlib
import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from editions.manifest import canonical_json
from ledger.csv_file import CsvFile, write_csv
from ledger.files import opened, size_of

FORMAT: Final = 1
MANIFEST, SUMS, DROPS = "manifest.json", "SHA256SUMS", "drops.csv"
NOTICES, OBJECTIONS = "notices.csv", "objections.csv"
BESIDE: Final = (NOTICES, OBJECTIONS)
"""Tables about the rows that are sent, always CSV in UTF-8; all others hold those rows."""
DROPS_COLUMNS: Final = ("table", "uscc", "consent_id", "reason")
SUFFIXES: Final = {"csv": "csv", "csv-gb18030": "csv", "parquet": "parquet", "xlsx": "xlsx"}
ENCODINGS: Final = {"csv": "utf-8-sig", "csv-gb18030": "gb18030"}
WORKBOOK_ROWS: Final = 10_000
"""The most rows of a workbook, which is for small lists that people read."""
EXACT: Final = Context(prec=100)
_NAME: Final = re.compile(r"[A-Za-z0-9_]+(\.[a-z0-9]+)?")


class PackageError(ValueError):
    """A package is not what its manifest says, or is no package."""


def banded(table: pa.Table, bands: Mapping[str, Sequence[Decimal]]) -> pa.Table:
    """The table with these columns of numbers as texts: `<60`, `60-70`, `>=90`; what is missing stays missing."""
    for name, edges in bands.items():
        texts = [None if value is None else band_of(Decimal(value), edges) for value in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), name, pa.array(texts, pa.string()))
    return table


def band_of(value: Decimal, edges: Sequence[Decimal]) -> str:
    """The band of rising edges in which a value lies; an edge belongs to the band above it."""
    above = sum(edge <= value for edge in edges)
    if above == 0:
        return f"<{edges[0]:f}"
    return f">={edges[-1]:f}" if above == len(edges) else f"{edges[above - 1]:f}-{edges[above]:f}"


def notice_rows(table: pa.Table, score: str, maximum: int, key_factors: str, issuer: str, scored_on: str) -> pa.Table:
    """The notices that the recipient may give to enterprises: score, range, at most four key factors, day, issuer."""
    factors = [None if text is None else "；".join(text.split("；")[:4]) for text in table[key_factors].to_pylist()]
    scores, count = table[score], table.num_rows
    # A notice without a score would be empty.
    columns: dict[str, Any] = {
        "uscc": table["uscc"],
        "score": scores,
        "score_range": pa.array([f"0-{maximum}"] * count, pa.string()),
        "key_factors": pa.array(factors, pa.string()),
        "scored_on": pa.array([scored_on] * count, pa.string()),
        "issuer": pa.array([issuer] * count, pa.string()),
    }
    return pa.table(columns).filter(pc.is_valid(scores))


class TableFile:
    """A table's file, written piece by piece, and its entry in the manifest."""

    def __init__(self, path: Path, name: str, form: str) -> None:
        self.path, self._name, self._form = path, name, form
        self._writer: Any = None
        self._rows: list[pa.Table] = []
        self._codes: list[pa.Array] = []
        self._columns: list[str] = []
        self._sums: dict[str, Any] = {}

    def write(self, piece: pa.Table) -> None:
        """Append rows; the first piece gives the columns."""
        if not self._columns:
            self._begin(piece.schema)
        for column in self._sums:
            total = pc.sum(piece[column]).as_py()
            if total is not None:
                self._sums[column] = _added(self._sums[column], total)
        self._codes.extend(piece["uscc"].cast(pa.string()).chunks)
        if self._form == "xlsx":
            self._rows.append(piece)
        elif piece.num_rows:
            self._writer.write(piece)

    def _begin(self, schema: pa.Schema) -> None:
        self._columns = schema.names
        for field in schema:
            if pa.types.is_decimal(field.type) or pa.types.is_integer(field.type):
                self._sums[field.name] = None
        if self._form == "parquet":
            self._writer = pq.ParquetWriter(self.path, schema, compression="zstd", version="2.6")
        elif self._form != "xlsx":
            self._writer = CsvFile(self.path, schema)

    def close(self) -> dict[str, Any]:
        """Finish the file; returns its entry: bytes, hash, rows, columns, sums of its numbers, hash of its codes.

        Raises `PackageError` for a workbook of too many rows.
        """
        if self._writer is not None:
            self._writer.close()
        else:
            self._write_workbook()
        if self._form == "csv-gb18030":
            _encode_anew(self.path, ENCODINGS[self._form])
        codes = pa.chunked_array(self._codes, pa.string())
        return {
            **_hashed(self.path.name, self.path),
            "table": self._name,
            "rows": len(codes),
            "columns": self._columns,
            "sums": {column: None if total is None else str(total) for column, total in self._sums.items()},
            "codes_sha256": codes_sha256(code for part in codes.sort().chunks for code in part.to_pylist()),
        }

    def _write_workbook(self) -> None:
        from editions.workbook import write_workbook

        table = pa.concat_tables(self._rows)
        if table.num_rows > WORKBOOK_ROWS:
            raise PackageError(
                f"{self._name} has {table.num_rows} rows, and a workbook is for {WORKBOOK_ROWS} at most. Whose: "
                "config. Next: another format in connectors/sinks"
            )
        rows = (row for one in table.to_batches() for row in zip(*(c.to_pylist() for c in one.columns), strict=True))
        write_workbook(self.path, self._name, table.column_names, rows, [])


def _added(one: Any, other: Any) -> Any:
    # Exact: a sum of many pieces may have more digits than the default context of decimals.
    return other if one is None else EXACT.add(one, other) if isinstance(one, Decimal) else one + other


def _encode_anew(path: Path, encoding: str) -> None:
    plain = path.replace(path.with_name(f"{path.name}.utf8"))
    with plain.open(encoding="utf-8-sig", newline="") as source, path.open("w", encoding=encoding, newline="") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    plain.unlink()


def codes_sha256(codes: Iterable[str]) -> str:
    """The hash over sorted codes, one per line."""
    found = hashlib.sha256()
    for code in codes:
        found.update(f"{code}\n".encode())
    return found.hexdigest()


def drops_file(drops: Sequence[Mapping[str, Any]]) -> tuple[bytes, dict[str, Any]]:
    """The list of rows that the recipient has to drop, and its entry in the manifest."""
    buffer = io.BytesIO()
    write_csv(pa.table({name: pa.array([drop[name] for drop in drops], pa.string()) for name in DROPS_COLUMNS}), buffer)
    return buffer.getvalue(), {**_hashed(DROPS, buffer.getvalue()), "rows": len(drops)}


def _hashed(path: str, content: bytes | Path) -> dict[str, Any]:
    with opened(content) as file:
        return {"path": path, "bytes": size_of(content), "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def pack(files: Mapping[str, bytes | Path], manifest: Mapping[str, Any], target: BinaryIO) -> bytes:
    """Write the package with its manifest and sums, equal bytes for equal files; returns the manifest's bytes."""
    manifest_bytes = canonical_json(manifest)
    held = {**files, MANIFEST: manifest_bytes}
    sums = "".join(f"{_hashed(name, held[name])['sha256']}  {name}\n" for name in sorted(held))
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted({**held, SUMS: sums.encode()}.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = size_of(content), 0o600
            with opened(content) as file:
                tar.addfile(entry, file)
    return manifest_bytes


def unpack(package: bytes) -> dict[str, bytes]:
    """The files of a package, by name; names are plain and differ. Raises `PackageError`."""
    files: dict[str, bytes] = {}
    tar = io.BytesIO(package)
    try:
        while any(head := tar.read(tarfile.BLOCKSIZE)):
            entry = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
            if not entry.isreg() or not _NAME.fullmatch(entry.name) or entry.name in files:
                raise PackageError(f"the package holds {entry.name[:80]!r}, which belongs in no package")
            content, padding = tar.read(entry.size), tar.read(-entry.size % tarfile.BLOCKSIZE)
            # No hash covers padding and header: a change of them would go unnoticed without this check.
            if len(content) != entry.size or any(padding) or head[148:156] != b"%06o\0 " % entry.chksum:
                raise PackageError(f"the package is not what tar leaves at {entry.name}")
            files[entry.name] = content
    except (tarfile.TarError, UnicodeDecodeError) as error:
        raise PackageError(f"it is no tar file ({error})") from None
    if any(tar.read()):
        raise PackageError("something stands behind the end of the package")
    return files


def checked(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest of a package whose files are exactly those that it names, with their sums. Raises `PackageError`."""
    if missing := {MANIFEST, SUMS} - set(files):
        raise PackageError(f"{', '.join(sorted(missing))} is not in the package")
    try:
        lines = [line.split("  ", 1) for line in files[SUMS].decode().splitlines()]
        manifest: dict[str, Any] = json.loads(files[MANIFEST])
        sums = {name: sha256 for sha256, name in lines}
        named = {entry["path"]: entry for entry in (*manifest["files"], manifest["drops"])}
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(f"its manifest or sums cannot be read ({type(error).__name__})") from None
    if manifest.get("format") != FORMAT:
        raise PackageError(f"its manifest is of format {manifest.get('format')}, this jifen reads {FORMAT}")
    for name in sorted(set(files) - {SUMS}):
        if sums.get(name) != hashlib.sha256(files[name]).hexdigest():
            raise PackageError(f"{name} is not what {SUMS} says")
    if extra := {*files, *sums, *named} ^ {*named, "datapackage.json", MANIFEST, SUMS}:
        raise PackageError(f"{', '.join(sorted(extra))} is not in the package, or not in its manifest")
    if lost := (set(sums) | set(named)) - set(files):
        raise PackageError(f"{', '.join(sorted(lost))} is not in the package")
    for path, entry in named.items():
        if (entry["bytes"], entry["sha256"]) != (len(files[path]), hashlib.sha256(files[path]).hexdigest()):
            raise PackageError(f"{path} is not what the manifest says")
    return manifest


def read_table(entry: Mapping[str, Any], content: bytes, form: str) -> list[dict[str, str | None]]:
    """The rows of one table as texts, its control totals checked. Raises `PackageError`."""
    columns, rows = _read(entry["path"], content, form)
    if columns != list(entry["columns"]):
        raise PackageError(f"{entry['path']} has the columns {', '.join(columns)}")
    if len(rows) != entry["rows"]:
        raise PackageError(f"{entry['path']} has {len(rows)} rows, the manifest says {entry['rows']}")
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    for column, listed in entry["sums"].items():
        try:
            values = [Decimal(row[column] or "") for row in found if row[column] not in (None, "")]
        except InvalidOperation:
            raise PackageError(f"{entry['path']}: {column} holds what is no number") from None
        total = sum(values, Decimal(0)) if values else None
        if total != (None if listed is None else Decimal(listed)):
            raise PackageError(f"{entry['path']}: {column} sums to {total}, the manifest says {listed}")
    if codes_sha256(sorted(row["uscc"] or "" for row in found)) != entry["codes_sha256"]:
        raise PackageError(f"{entry['path']}: the codes are not those of the manifest")
    return found


def _read(path: str, content: bytes, form: str) -> tuple[list[str], list[list[str | None]]]:
    if path.endswith(".parquet"):
        table = pq.read_table(io.BytesIO(content))
        return table.column_names, [[_text(value) for value in row.values()] for row in table.to_pylist()]
    if path.endswith(".xlsx"):
        from openpyxl import load_workbook

        sheet = load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
        head, *rest = ([_text(value) for value in row] for row in sheet.iter_rows(values_only=True))
        # A row that ends in empty cells is read as a shorter one.
        return [name or "" for name in head], [[*row, *[None] * (len(head) - len(row))] for row in rest]
    encoding = ENCODINGS["csv-gb18030" if form == "csv-gb18030" and path not in (*BESIDE, DROPS) else "csv"]
    lines = list(csv.reader(io.StringIO(content.decode(encoding), newline="")))
    return lines[0] if lines else [], [[cell or None for cell in line] for line in lines[1:]]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def read_drops(content: bytes) -> Iterator[dict[str, str | None]]:
    """The rows that the recipient has to drop."""
    columns, rows = _read(DROPS, content, "csv")
    for row in rows:
        yield dict(zip(columns, row, strict=True))
