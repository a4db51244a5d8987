import csv
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from editions.durable import make_read_only, remove_tree
from editions.export import ExportError
from editions.manifest import sums_of
from editions.places import point_current
from editions.relations import RelationError, ruleset_in_force
from editions.seal import EditionDamagedError, SealError, drop_drafts
from editions.verify import verify
from tests.flip_bytes import every_byte
from tests.poll_current import publish_on
from tests.unit.small_edition import TAGGED, make_candidate, seal_small, write_target


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    return seal_small(tmp_path_factory.mktemp("sealed"), make_candidate(tmp_path_factory.mktemp("candidate")))


@pytest.fixture
def sealed(once, tmp_path):
    """A copy of one sealed edition, which a test may damage."""
    return replace(once, path=Path(shutil.copytree(once.path, tmp_path / "editions" / once.path.name)))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_candidate_sealed_twice_gives_the_same_bytes(tmp_path):
    first = seal_small(tmp_path / "a", make_candidate(tmp_path / "a", "run-1"))
    # The second candidate holds the same rows, written in another order.
    shuffled = "create or replace table points as select * from points order by points, uscc desc;"
    second = seal_small(tmp_path / "b", make_candidate(tmp_path / "b", "run-2", shuffled))
    assert bytes_of(first.path) == bytes_of(second.path)
    assert first.manifest_sha256 == second.manifest_sha256


def test_a_sealed_edition_verifies_and_is_read_only(sealed):
    assert verify(sealed.path, sealed.manifest_sha256) == []
    assert {oct(path.stat().st_mode & 0o777) for path in sealed.path.rglob("*") if path.is_file()} == {"0o400"}
    assert oct(sealed.path.stat().st_mode & 0o777) == oct((sealed.path / "tables").stat().st_mode & 0o777) == "0o500"


def test_extracts_are_restricted_and_never_written_as_csv(sealed):
    manifest = json.loads((sealed.path / "manifest.json").read_bytes())
    restricted = [file["path"] for file in manifest["files"] if file["audience"] == "restricted"]
    assert restricted == ["extracts/ext_bank__scores.parquet"]
    assert not list((sealed.path / "tables").glob("ext_*"))


def test_the_manifest_holds_hash_bytes_rows_schema_and_inputs(sealed):
    manifest = json.loads((sealed.path / "manifest.json").read_bytes())
    listed = {file["path"]: file for file in manifest["files"]}
    content = (sealed.path / "tables/points.csv").read_bytes()
    assert listed["tables/points.csv"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (listed["tables/points.csv"]["rows"], listed["tables/points.csv"]["bytes"]) == (12, len(content))
    columns = {column["name"]: column["type"] for column in manifest["tables"]["points"]["columns"]}
    assert columns["value"] == "DECIMAL(20,6)"
    raw = ["12" * 32, "34" * 32]
    assert manifest["inputs"][0]["batches"] == [{"batch": "2025-06-30-001", "content_sha256": "ab" * 32, "raw": raw}]


def test_a_csv_has_a_bom_exact_decimals_and_empty_cells_for_null(sealed):
    path = sealed.path / "tables/points.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfuscc,")
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = {(row["uscc"][-1], row["indicator_code"]): row for row in csv.DictReader(handle)}
    assert rows["3", "C09"]["value"] == "301.500000"
    assert (rows["6", "C01"]["value"], rows["6", "C01"]["points"]) == ("", "")


# Marks that turn the direction of writing, by their code points: in a source file they would turn it too.
TURNING = [chr(i) for i in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
RUN = ["=1+1", "+86", "-x", "@SUM(A1)", "\tx", "\rx", "＝1+1"]
CELLS = {
    **{cell: f"'{cell}" for cell in RUN},
    "\x01=1+1": "'=1+1",
    "\u202e=1+1": "'=1+1",
    "甲\x00\x07乙": "甲乙",
    **{f"甲{mark}乙": "甲乙" for mark in TURNING},
    "a=b": "a=b",
    'say "x", y': 'say "x", y',
}
"""What stands in a cell, and what is written of it in CSV."""


def test_a_cell_that_a_spreadsheet_would_run_is_guarded_in_csv_alone(tmp_path):
    candidate = make_candidate(tmp_path)
    with duckdb.connect(str(candidate.warehouse)) as connection:
        connection.execute(
            "create or replace table indicators as select unnest($cells) as name_zh", {"cells": list(CELLS)}
        )
    tables = seal_small(tmp_path, candidate).path / "tables"
    kept = pq.read_table(tables / "indicators.parquet")["name_zh"].to_pylist()
    assert sorted(kept) == sorted(CELLS)
    with (tables / "indicators.csv").open(encoding="utf-8-sig", newline="") as handle:
        written = [row["name_zh"] for row in csv.DictReader(handle)]
    assert dict(zip(kept, written, strict=True)) == CELLS


def test_row_groups_are_cut_the_same_whatever_the_engine_hands_over(tmp_path):
    many = "create or replace table indicators as select 'C' || i as indicator_code from range(40000) t(i);"
    sealed = seal_small(tmp_path, make_candidate(tmp_path, changes=many))
    metadata = pq.read_metadata(sealed.path / "tables/indicators.parquet")
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [16384, 16384, 7232]


def test_a_candidate_that_was_blocked_is_not_sealed(tmp_path):
    candidate = make_candidate(tmp_path)
    with pytest.raises(SealError, match="did not pass the gate"):
        seal_small(tmp_path, candidate, state="blocked")
    assert not (tmp_path / "editions").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ("insert into supply select * from supply limit 1;", "not unique"),
        ("alter table points alter share type double;", "share is a binary float"),
        ("drop table reasons;", "reasons is tagged"),
    ],
)
def test_a_table_that_is_not_what_an_edition_holds_is_not_sealed(tmp_path, changes, told):
    with pytest.raises(ExportError, match=told):
        seal_small(tmp_path, make_candidate(tmp_path, changes=changes))


def test_a_model_cannot_be_public_and_restricted(tmp_path):
    candidate = make_candidate(tmp_path)
    write_target(candidate, TAGGED)
    manifest = json.loads((candidate.target / "manifest.json").read_text())
    manifest["nodes"]["model.jifen.rankings"]["tags"] = ["edition", "extract"]
    (candidate.target / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RelationError, match="tagged both"):
        seal_small(tmp_path, candidate)


def test_exactly_one_rule_set_is_in_force(tmp_path):
    candidate = make_candidate(tmp_path)
    assert ruleset_in_force(candidate.warehouse) == "national-2024"
    with duckdb.connect(str(candidate.warehouse)) as connection:
        connection.execute("insert into ruleset_in_force by name select 'national-2025' as ruleset_id")
    with pytest.raises(RelationError, match="2 rule sets"):
        ruleset_in_force(candidate.warehouse)


def test_a_folder_left_by_a_crash_is_replaced(tmp_path):
    candidate = make_candidate(tmp_path)
    left = tmp_path / "editions" / "2025-06-30-abc"
    left.mkdir(parents=True)
    (left / "half.parquet").write_text("cut short")
    (tmp_path / "editions" / ".sealing-2025-06-30-abc").mkdir()
    sealed = seal_small(tmp_path, candidate)
    assert verify(sealed.path, sealed.manifest_sha256) == []
    assert sorted(path.name for path in (tmp_path / "editions").iterdir()) == ["2025-06-30-abc"]


def test_drafts_that_a_crash_left_are_dropped_and_nothing_else(tmp_path):
    assert drop_drafts(tmp_path) == []
    seal_small(tmp_path, make_candidate(tmp_path))
    point_current(tmp_path, "2025-06-30-abc")
    half = tmp_path / "editions" / ".sealing-2025-06-29-old" / "extracts"
    half.mkdir(parents=True)
    (half / "ext_bank__scores.parquet").write_text("consents")
    make_read_only(half.parent)
    assert drop_drafts(tmp_path) == [".sealing-2025-06-29-old"]
    assert sorted(path.name for path in (tmp_path / "editions").iterdir()) == ["2025-06-30-abc", "current"]
    assert verify(tmp_path / "editions/current") == []


def test_a_published_edition_is_left_as_it_is(tmp_path):
    candidate = make_candidate(tmp_path)
    first = seal_small(tmp_path, candidate)
    before = (first.path / "manifest.json").stat().st_mtime_ns
    again = seal_small(tmp_path, candidate, published_manifest_sha256=first.manifest_sha256)
    assert (again.is_new, again.manifest_sha256) == (False, first.manifest_sha256)
    assert (first.path / "manifest.json").stat().st_mtime_ns == before


def test_a_published_edition_that_is_damaged_is_not_replaced_silently(tmp_path):
    candidate = make_candidate(tmp_path)
    first = seal_small(tmp_path, candidate)
    (first.path / "tables").chmod(0o755)
    (first.path / "tables/points.csv").unlink()
    with pytest.raises(EditionDamagedError, match=r"points\.csv"):
        seal_small(tmp_path, candidate, published_manifest_sha256=first.manifest_sha256)


def test_an_edition_that_readers_follow_is_never_replaced(tmp_path):
    candidate = make_candidate(tmp_path)
    seal_small(tmp_path, candidate)
    point_current(tmp_path, "2025-06-30-abc")
    with pytest.raises(SealError, match="readers follow"):
        seal_small(tmp_path, candidate)


def damaged(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.chmod(0o755)
    if path.exists():
        path.chmod(0o644)
    path.write_bytes(content)


def test_verify_finds_one_flipped_byte(sealed):
    content = bytearray((sealed.path / "tables/points.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    damaged(sealed.path, "tables/points.parquet", bytes(content))
    assert [(found.path, found.problem) for found in verify(sealed.path)] == [("tables/points.parquet", "sha256")]


def forged(edition, manifest):
    """Put this manifest in the place of the sealed one, and the sums that it gives."""
    damaged(edition, "manifest.json", manifest)
    damaged(edition, "SHA256SUMS", sums_of(manifest).encode())


def test_verify_finds_a_missing_and_an_extra_file(sealed):
    damaged(sealed.path, "tables/stranger.csv", b"x")
    (sealed.path / "tables/points.csv").unlink()
    assert {(found.path, found.problem) for found in verify(sealed.path)} == {
        ("tables/points.csv", "missing"),
        ("tables/stranger.csv", "extra"),
    }


def test_verify_finds_a_manifest_that_was_forged_with_its_files(sealed):
    text = (sealed.path / "manifest.json").read_text(encoding="utf-8").replace("national-2024", "national-2025")
    forged(sealed.path, text.encode())
    assert verify(sealed.path) == []
    assert [found.path for found in verify(sealed.path, sealed.manifest_sha256)] == ["manifest.json"]


def test_verify_finds_rows_that_do_not_match(sealed):
    manifest = json.loads((sealed.path / "manifest.json").read_bytes())
    for file in manifest["files"]:
        if file["rows"] is not None:
            file["rows"] += 1
    forged(sealed.path, json.dumps(manifest).encode())
    assert {found.problem for found in verify(sealed.path)} == {"rows"}
    assert {found.path for found in verify(sealed.path)} == {
        file["path"] for file in manifest["files"] if file["path"].endswith(".parquet")
    }


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/hostname", "tables/../../outside.csv", "tables\\..\\x"])
def test_verify_opens_nothing_outside_the_edition(sealed, name):
    manifest = json.loads((sealed.path / "manifest.json").read_bytes())
    manifest["files"].append({"path": name, "sha256": "0", "bytes": 0, "rows": None, "audience": "zone"})
    forged(sealed.path, json.dumps(manifest).encode())
    assert [(found.path, found.problem) for found in verify(sealed.path)] == [(name, "outside")]


def test_verify_follows_no_link(sealed, tmp_path):
    elsewhere = tmp_path / "points.csv"
    (sealed.path / "tables").chmod(0o755)
    (sealed.path / "tables/points.csv").rename(elsewhere)
    (sealed.path / "tables/points.csv").symlink_to(elsewhere)
    assert [(found.path, found.problem) for found in verify(sealed.path)] == [("tables/points.csv", "link")]


@pytest.mark.parametrize(
    ("field", "value"),
    [("path", 5), ("path", None), ("path", "\ud800"), ("path", "x" * 999), ("bytes", "x"), ("rows", "x")],
)
def test_a_manifest_that_describes_no_file_is_not_read(sealed, field, value):
    path = sealed.path / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"][0][field] = value
    path.chmod(0o600)
    for content in (json.dumps(manifest), "[" * 100_000):
        path.write_text(content)
        assert [finding.problem for finding in verify(sealed.path)] == ["unreadable"]


def test_verify_says_what_it_cannot_read(sealed, tmp_path):
    damaged(sealed.path, "manifest.json", b"{")
    assert [found.problem for found in verify(sealed.path)] == ["unreadable"]
    assert [found.problem for found in verify(tmp_path / "nowhere")] == ["missing"]


def test_a_sealed_folder_can_be_removed(sealed):
    remove_tree(sealed.path)
    assert not sealed.path.exists()


def test_a_candidate_whose_tables_are_all_equal_is_not_sealed_again(tmp_path):
    first = seal_small(tmp_path, make_candidate(tmp_path))
    again = seal_small(tmp_path, make_candidate(tmp_path, "run-2"), "2025-06-30-def", unless_as=first.path)
    assert again is None
    assert [path.name for path in (tmp_path / "editions").iterdir()] == [first.path.name]


@pytest.mark.parametrize(
    "change",
    [
        "update rankings set as_of = as_of + 1;",
        "update supply set is_stale = true where source = 'tax';",
        "update ext_bank__scores set consent_withdrawn_on = date '2025-07-01' where consent_id = 'S-3';",
        "alter table rankings add column data_classes varchar;",
        "delete from evidence;",
    ],
)
def test_one_cell_that_differs_is_sealed(tmp_path, change):
    first = seal_small(tmp_path, make_candidate(tmp_path))
    changed = make_candidate(tmp_path, "run-2", change)
    assert seal_small(tmp_path, changed, "2025-06-30-def", unless_as=first.path) is not None


def test_any_byte_of_the_manifest_that_is_another_shows(sealed):
    # Every 23rd here; every one by `python -m tests.flip_bytes`.
    manifest = sealed.path / "manifest.json"
    manifest.chmod(0o600)
    told = every_byte(manifest, lambda: bool(verify(sealed.path, sealed.manifest_sha256)), step=23)
    assert told["refused"] > 100
    assert told["unseen"] == 0


def test_a_reader_who_polls_sees_only_whole_editions(sealed, tmp_path):
    seen = publish_on(sealed.path, tmp_path / "published", 12, reads=6)
    assert seen["whole"] > 5
    assert "not whole" not in seen
