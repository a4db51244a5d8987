"""`jifen source new`: whatever kinds are asked for, the file reads as it stands."""

import itertools

import pytest
from typer.testing import CliRunner

from cli.app import app
from connectors.drivers.auth import Auth
from connectors.drivers.paging import Paginator
from connectors.errors import ConfigError
from connectors.scaffold import KINDS, new_source, source_text
from connectors.source_files import read_source
from connectors.spec import DatabaseRequest, Decoder, FileRequest


def read_back(folder, **kinds):
    path = folder / "land.yml"
    path.unlink(missing_ok=True)
    return read_source(new_source("land", folder, **kinds))


@pytest.mark.parametrize("paginator", KINDS["paginator"])
def test_every_paginator_with_every_auth_and_decoder_reads(tmp_path, paginator):
    path = tmp_path / "land.yml"
    for auth, decoder in itertools.product(KINDS["auth"], KINDS["decoder"]):
        if decoder != "json" and paginator not in ("single", "cursor_header", "link_header"):
            with pytest.raises(ConfigError, match=f"paginator {paginator} reads from JSON"):
                source_text("land", paginator=paginator, auth=auth, decoder=decoder)
            continue
        path.write_text(source_text("land", paginator=paginator, auth=auth, decoder=decoder), encoding="utf-8")
        source = read_source(path)
        (dataset,) = source.datasets
        kinds = (dataset.paginator.kind, source.connection.auth.kind, dataset.decoder.kind)
        assert kinds == (paginator, auth, decoder)


@pytest.mark.parametrize("driver", ["sftp", "folder"])
def test_every_decoder_reads_from_files(tmp_path, driver):
    for decoder in KINDS["decoder"]:
        (dataset,) = read_back(tmp_path, driver=driver, decoder=decoder).datasets
        assert isinstance(dataset.request, FileRequest)
        assert dataset.decoder.kind == decoder


def test_without_a_paginator_one_that_goes_with_the_decoder_is_taken(tmp_path):
    for decoder in KINDS["decoder"]:
        (dataset,) = read_back(tmp_path, decoder=decoder).datasets
        assert dataset.paginator.kind == ("page_number" if decoder == "json" else "single")


def test_a_database_reads(tmp_path):
    (dataset,) = read_back(tmp_path, driver="database").datasets
    assert isinstance(dataset.request, DatabaseRequest)


@pytest.mark.parametrize(("part", "union"), [("paginator", Paginator), ("auth", Auth), ("decoder", Decoder)])
def test_the_kinds_offered_are_all_there_are(part, union):
    declared = {member.model_fields["kind"].annotation.__args__[0] for member in union.__args__[0].__args__}
    assert set(KINDS[part]) == declared


@pytest.mark.parametrize("driver", KINDS["driver"])
def test_variables_are_named_after_the_source(tmp_path, driver):
    variables = read_back(tmp_path, driver=driver).variables()
    assert variables
    assert all(name.startswith("LAND_") for name in variables)


@pytest.mark.parametrize(
    ("kinds", "why"),
    [
        ({"driver": "sftp", "paginator": "offset"}, "driver rest"),
        ({"driver": "folder", "auth": "bearer"}, "driver rest"),
        ({"driver": "database", "decoder": "csv"}, "gives JSON"),
        ({"paginator": "keyset", "decoder": "csv"}, "keyset"),
        ({"paginator": "offset", "decoder": "csv"}, "offset reads from JSON; single"),
        ({"driver": "ftp"}, "sftp"),
        ({"paginator": "pages"}, "page_number"),
        ({"auth": "ntlm"}, "bearer"),
        ({"decoder": "pdf"}, "parquet"),
    ],
)
def test_kinds_that_do_not_go_together_are_refused_with_the_reason(tmp_path, kinds, why):
    with pytest.raises(ConfigError, match=why):
        new_source("land", tmp_path, **kinds)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "Land", "1land", "la nd", "../land", "land.yml", "land;rm", "l" * 41, "税务"])
def test_a_name_that_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="a name begins"):
        new_source(name, tmp_path)


def test_a_file_that_is_there_is_never_overwritten(tmp_path):
    path = tmp_path / "land.yml"
    path.write_text("somebody's work", encoding="utf-8")
    with pytest.raises(ConfigError, match="is there already"):
        new_source("land", tmp_path)
    assert path.read_text(encoding="utf-8") == "somebody's work"


def test_a_link_that_leads_nowhere_is_never_written_through(tmp_path):
    (tmp_path / "land.yml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is there already"):
        new_source("land", tmp_path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture
def run():
    return lambda *words: CliRunner().invoke(app, ["source", "new", *(str(word) for word in words)])


def test_the_command_names_the_file_the_variables_and_what_comes_next(run, tmp_path):
    answer = run("land", "--auth", "basic", "--out", tmp_path / "draft")
    assert answer.exit_code == 0
    assert read_source(tmp_path / "draft" / "land.yml").name == "land"
    assert "LAND_BASE_URL, LAND_PASSWORD, LAND_USER" in answer.output
    for step in ("jifen source check land", "jifen source test land", "landed('land', '<dataset>')"):
        assert step in answer.output
    assert run("Land", "--out", tmp_path).exit_code == 1
