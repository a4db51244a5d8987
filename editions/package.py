"""A delivery's package: tables, drops, manifest, sums, in one tar file; made the same from equal rows, and checked."""

import csv
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from editions.manifest import canonical_json
from ledger.csv_file import write_csv

FORMAT: Final = 1
MANIFEST, SUMS, DROPS, NOTICES = "manifest.json", "SHA256SUMS", "drops.csv", "notices.csv"
DROPS_COLUMNS: Final = ("table", "uscc", "consent_id", "reason")
SUFFIXES: Final = {"csv": "csv", "csv-gb18030": "csv", "parquet": "parquet", "xlsx": "xlsx"}
ENCODINGS: Final = {"csv": "utf-8-sig", "csv-gb18030": "gb18030"}
WORKBOOK_ROWS: Final = 10_000
"""A workbook is for small lists that people read."""
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
    """What the recipient may hand to each enterprise: score, range, at most four key factors, day and issuer."""
    factors = [None if text is None else "；".join(text.split("；")[:4]) for text in table[key_factors].to_pylist()]
    scores, count = table[score], table.num_rows
    # Without a score there is nothing that a notice could tell.
    columns: dict[str, Any] = {
        "uscc": table["uscc"],
        "score": scores,
        "score_range": pa.array([f"0-{maximum}"] * count, pa.string()),
        "key_factors": pa.array(factors, pa.string()),
        "scored_on": pa.array([scored_on] * count, pa.string()),
        "issuer": pa.array([issuer] * count, pa.string()),
    }
    return pa.table(columns).filter(pc.is_valid(scores))


def table_file(table: pa.Table, name: str, form: str) -> bytes:
    """The bytes of one table. Raises `PackageError` for a workbook of more than 10,000 rows."""
    if form == "parquet":
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd", version="2.6")
        return buffer.getvalue()
    if form == "xlsx":
        return _workbook(table, name)
    buffer = io.BytesIO()
    write_csv(table, buffer)
    content = buffer.getvalue()
    return content if form == "csv" else content.decode("utf-8-sig").encode("gb18030")


def _workbook(table: pa.Table, name: str) -> bytes:
    from editions.workbook import write_workbook

    if table.num_rows > WORKBOOK_ROWS:
        raise PackageError(
            f"{name} has {table.num_rows} rows, and a workbook is for {WORKBOOK_ROWS} at most. Whose: configuration. "
            "Next: another format in connectors/sinks"
        )
    rows = (row for batch in table.to_batches() for row in zip(*(c.to_pylist() for c in batch.columns), strict=True))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        write_workbook(path, name, table.column_names, rows, [])
        return path.read_bytes()


def described_file(table: pa.Table, name: str, path: str, content: bytes) -> dict[str, Any]:
    """The manifest's entry of one table: bytes, hash, rows, columns, sums of its numbers, hash of its codes."""
    summed = [
        field.name for field in table.schema if pa.types.is_decimal(field.type) or pa.types.is_integer(field.type)
    ]
    sums = {column: pc.sum(table[column]).as_py() for column in summed}
    return {
        **_hashed(path, content),
        "table": name,
        "rows": table.num_rows,
        "columns": table.column_names,
        "sums": {column: None if total is None else str(total) for column, total in sums.items()},
        "codes_sha256": codes_sha256(table["uscc"].to_pylist()),
    }


def codes_sha256(codes: Iterable[str]) -> str:
    """The hash over sorted codes, one a line."""
    return hashlib.sha256("".join(f"{code}\n" for code in sorted(codes)).encode()).hexdigest()


def drops_file(drops: Sequence[Mapping[str, Any]]) -> tuple[bytes, dict[str, Any]]:
    """The list of rows that the recipient has to drop, and its entry in the manifest."""
    text = {column: pa.array([drop[column] for drop in drops], pa.string()) for column in DROPS_COLUMNS}
    content = table_file(pa.table(text), "drops", "csv")
    return content, {**_hashed(DROPS, content), "rows": len(drops)}


def _hashed(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def pack(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The package with its manifest and sums, the same for equal files; answers it and the manifest's bytes."""
    told = canonical_json(manifest)
    held = {**files, MANIFEST: told}
    sums = "".join(f"{hashlib.sha256(held[name]).hexdigest()}  {name}\n" for name in sorted(held))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted({**held, SUMS: sums.encode()}.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue(), told


def unpack(package: bytes) -> dict[str, bytes]:
    """The files of a package, each of a plain name that stands once. Raises `PackageError`."""
    files: dict[str, bytes] = {}
    tar = io.BytesIO(package)
    try:
        while any(head := tar.read(tarfile.BLOCKSIZE)):
            entry = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
            if not entry.isreg() or not _NAME.fullmatch(entry.name) or entry.name in files:
                raise PackageError(f"the package holds {entry.name[:80]!r}, which belongs in no package")
            content, padding = tar.read(entry.size), tar.read(-entry.size % tarfile.BLOCKSIZE)
            # No sum is over these bytes, that of the header neither: nobody would see that one of them was changed.
            if len(content) != entry.size or any(padding) or head[148:156] != b"%06o\0 " % entry.chksum:
                raise PackageError(f"the package is not what tar leaves at {entry.name}")
            files[entry.name] = content
    except (tarfile.TarError, UnicodeDecodeError) as error:
        raise PackageError(f"it is no tar file ({error})") from None
    if any(tar.read()):
        raise PackageError("something stands behind the end of the package")
    return files


def checked(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest of a package whose files are all those it names, with their sums. Raises `PackageError`."""
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
    for column, told in entry["sums"].items():
        try:
            values = [Decimal(row[column] or "") for row in found if row[column] not in (None, "")]
        except InvalidOperation:
            raise PackageError(f"{entry['path']}: {column} holds what is no number") from None
        total = sum(values, Decimal(0)) if values else None
        if total != (None if told is None else Decimal(told)):
            raise PackageError(f"{entry['path']}: {column} sums to {total}, the manifest says {told}")
    if codes_sha256(row["uscc"] or "" for row in found) != entry["codes_sha256"]:
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
        # What ends in empty cells is read as a shorter row.
        return [name or "" for name in head], [[*row, *[None] * (len(head) - len(row))] for row in rest]
    encoding = ENCODINGS["csv-gb18030" if form == "csv-gb18030" and path not in (NOTICES, DROPS) else "csv"]
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
