"""What an edition says of itself, checked by tools that are not ours; each is shown to refuse a fault too."""

import copy
import json
import shutil
import subprocess
import warnings
from dataclasses import replace
from pathlib import Path

import jsonschema
import open_data_contract_standard
import pyarrow.parquet as pq
import pytest
import yaml

from editions.descriptors import TypeUnknownError, contract
from editions.signature import SIGNATURES, by_id, signer_of
from editions.verify import verify
from ledger.minisign import KeyFileError, SignatureError, new_key, read_secret_key
from tests.unit.small_edition import make_candidate, seal_small
from tests.unit.test_editions_seal import damaged

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import dplib
    import frictionless

# The official profile, as dplib-py carries it: dplib 1.1 itself does not find its own copy, and asks the network.
PACKAGE_V2 = json.loads((Path(dplib.__file__).parent / "profiles" / "2.0" / "datapackage.json").read_bytes())
ODCS = json.loads((Path(open_data_contract_standard.__file__).parent / "schema.json").read_bytes())


def faults(schema, document):
    return [error.message for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(document)]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "zone.key"
    new_key(path)
    return path


@pytest.fixture(scope="module")
def once(tmp_path_factory, key_file):
    candidate = make_candidate(tmp_path_factory.mktemp("candidate"))
    return seal_small(tmp_path_factory.mktemp("sealed"), candidate, key=read_secret_key(key_file))


@pytest.fixture
def sealed(once, tmp_path):
    """A copy of one signed edition, which a test may damage."""
    return replace(once, path=Path(shutil.copytree(once.path, tmp_path / "editions" / once.path.name)))


@pytest.fixture
def keys(key_file):
    return by_id([read_secret_key(key_file).public])


def tool(*words, cwd):
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} here (make test installs it where it is root)")
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False).returncode


def test_sha256sum_checks_every_file_and_refuses_a_flipped_byte(sealed):
    assert tool("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=sealed.path) == 0
    listed = {line.partition("  ")[2] for line in (sealed.path / "SHA256SUMS").read_text().splitlines()}
    there = {str(path.relative_to(sealed.path)) for path in sealed.path.rglob("*") if path.is_file()}
    assert there - listed == {"SHA256SUMS", *SIGNATURES}
    content = bytearray((sealed.path / "tables/points.parquet").read_bytes())
    content[100] ^= 1
    damaged(sealed.path, "tables/points.parquet", bytes(content))
    assert tool("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=sealed.path) != 0


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS"])
def test_minisign_checks_both_signed_files_and_refuses_a_flipped_byte(sealed, key_file, name):
    words = ("minisign", "-V", "-p", f"{key_file}.pub", "-m", name)
    assert tool(*words, cwd=sealed.path) == 0
    damaged(sealed.path, name, (sealed.path / name).read_bytes().replace(b"a", b"b", 1))
    assert tool(*words, cwd=sealed.path) != 0


def test_verify_knows_who_signed_and_finds_every_forgery_of_a_signature(sealed, keys, tmp_path):
    assert verify(sealed.path, sealed.manifest_sha256, keys, is_signed=True) == []
    assert signer_of(sealed.path, "2025-06-30-abc", keys) == next(iter(keys.values())).name
    other = new_key(tmp_path / "other.key")
    assert [found.problem for found in verify(sealed.path, keys=by_id([other]))] == ["signature"]
    assert verify(sealed.path) == []  # without a key there is nothing to check a signature with
    first, second = (sealed.path / name for name in SIGNATURES)
    kept = first.read_bytes()
    damaged(sealed.path, first.name, second.read_bytes())
    assert [found.path for found in verify(sealed.path, keys=keys)] == [first.name]
    damaged(sealed.path, first.name, kept)
    with pytest.raises(SignatureError, match="is of another edition"):
        signer_of(sealed.path, "2025-06-30-abd", keys)
    first.unlink()
    assert [found.problem for found in verify(sealed.path, keys=keys)] == ["signature"]
    second.unlink()
    assert verify(sealed.path, keys=keys) == []
    assert [found.problem for found in verify(sealed.path, keys=keys, is_signed=True)] == ["missing"]


def test_sums_that_say_other_hashes_than_the_manifest_are_found(sealed):
    sums = (sealed.path / "SHA256SUMS").read_text()
    damaged(sealed.path, "SHA256SUMS", sums.replace("tables/points.csv", "tables/point.csv").encode())
    assert [found.path for found in verify(sealed.path)] == ["SHA256SUMS"]


def test_an_edition_of_the_same_key_has_the_same_signature_and_without_a_key_none(sealed, key_file, tmp_path):
    again = seal_small(tmp_path / "again", make_candidate(tmp_path / "again"), key=read_secret_key(key_file))
    for name in SIGNATURES:
        assert (again.path / name).read_bytes() == (sealed.path / name).read_bytes()
    unsigned = seal_small(tmp_path / "plain", make_candidate(tmp_path / "plain"))
    assert not any((unsigned.path / name).exists() for name in SIGNATURES)
    assert unsigned.manifest_sha256 == sealed.manifest_sha256


def test_an_open_key_file_signs_nothing(key_file):
    key_file.chmod(0o644)
    try:
        with pytest.raises(KeyFileError, match="chmod 600"):
            read_secret_key(key_file)
    finally:
        key_file.chmod(0o600)


def test_the_descriptor_is_a_data_package_of_version_2_and_a_wrong_one_is_refused(sealed):
    package = json.loads((sealed.path / "datapackage.json").read_bytes())
    assert faults(PACKAGE_V2, package) == []
    csv_files = {str(path.relative_to(sealed.path)) for path in sealed.path.rglob("*.csv")}
    assert {resource["path"] for resource in package["resources"]} == csv_files
    wrong = copy.deepcopy(package)
    del wrong["resources"][0]["schema"]["fields"][0]["name"]
    assert faults(PACKAGE_V2, wrong) != []


def test_frictionless_reads_every_csv_by_its_descriptor_and_refuses_a_fault(sealed):
    def errors():
        return {kind for (kind,) in frictionless.validate(str(sealed.path / "datapackage.json")).flatten(["type"])}

    assert errors() == set()
    text = (sealed.path / "tables/points.csv").read_bytes()
    damaged(sealed.path, "tables/points.csv", text.replace(b"301.500000", b"301.500001"))
    assert errors() == {"hash-count"}
    damaged(sealed.path, "tables/points.csv", text + text.splitlines()[1] + b"\n")
    assert "byte-count" in errors()
    damaged(sealed.path, "tables/points.csv", text.replace(b"301.500000", b"three hund"))
    assert "type-error" in errors()


def test_each_table_has_a_contract_of_the_open_standard_and_a_wrong_one_is_refused(sealed):
    manifest = json.loads((sealed.path / "manifest.json").read_bytes())
    contracts = {path.name.removesuffix(".odcs.yaml"): path for path in (sealed.path / "contracts").iterdir()}
    assert contracts.keys() == manifest["tables"].keys()
    for name, path in contracts.items():
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert faults(ODCS, document) == []
        server, (schema,) = document["servers"][0], document["schema"]
        assert [column["name"] for column in schema["properties"]] == pq.read_schema(sealed.path / server["path"]).names
        for column, said in zip(schema["properties"], manifest["tables"][name]["columns"], strict=True):
            assert column["description"] == f"{said['description_zh']} | {said['description']}"
            assert said["description_zh"]
            assert said["description"]
    wrong = copy.deepcopy(document)
    wrong["schema"][0]["properties"][0]["logicalType"] = "words"
    assert faults(ODCS, wrong) != []


def test_a_type_that_no_standard_has_a_word_for_is_refused():
    column = {"name": "x", "type": "STRUCT(a INTEGER)", "description": "x", "description_zh": "x"}
    with pytest.raises(TypeUnknownError, match="STRUCT"):
        contract("t", {"audience": "zone", "description": "", "key": [], "columns": [column]})


def test_the_control_totals_are_the_sums_of_the_sealed_rows(sealed):
    tables = json.loads((sealed.path / "manifest.json").read_bytes())["tables"]
    points = pq.read_table(sealed.path / "tables/points.parquet")["points"].to_pylist()
    assert tables["points"]["totals"]["points"] == f"{sum(one for one in points if one is not None):f}"
    assert tables["data_flags"]["totals"] == {}
