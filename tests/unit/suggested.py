"""An edition of two tables for the tests of `jifen identity`, and its commands."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

from cli import identity as cli_identity
from connectors.uscc import check_character
from editions.manifest import write_manifest
from flows.recipe import _decided

DAY = date(2020, 1, 1)
BY = ("--by", "王工", "--why", "电话核实")
EDITION_DAY = "2025-06-30"


def code_of(number):
    body = f"91441300MA{number:07d}"
    return body + check_character(body)


def write_edition(folder, names, items=(), claims=None):
    """An edition of two tables. `names`: (code, name, from, to); `items`: (dataset, identifier, reason, count).

    `claims` are the codes that share an identifier, as the table has them; without, the table is of before it had any.
    """
    tables = folder / "tables"
    tables.mkdir(parents=True)
    columns = list(zip(*names, strict=True))
    borne = {
        "uscc": columns[0],
        "borne_by": columns[0],
        "enterprise_name": columns[1],
        "valid_from": pa.array(columns[2], pa.date32()),
        "valid_to": pa.array(columns[3], pa.date32()),
    }
    pq.write_table(pa.table(borne), tables / "identity_names.parquet")
    kinds = {"source": pa.string(), "dataset": pa.string(), "identifier": pa.string(), "record_ref": pa.string()}
    kinds |= {"first_mentioned_on": pa.date32(), "last_mentioned_on": pa.date32(), "reason": pa.string()}
    rows = [
        {
            "source": "science",
            "dataset": dataset,
            "identifier": name,
            "record_ref": "1",
            "reason": reason,
            "count": count,
        }
        | {"first_mentioned_on": DAY, "last_mentioned_on": DAY}
        for dataset, name, reason, count in items
    ]
    if claims is not None:
        kinds |= {"claimed_by": pa.string()}
        rows = [{**row, "claimed_by": claims.get(row["identifier"])} for row in rows]
    schema = pa.schema([*kinds.items(), ("count", pa.int64())])
    pq.write_table(pa.Table.from_pylist(rows, schema), tables / "unmatched_records.parquet")
    return folder


def sealed(folder, made=()):
    """The edition with its manifest, built with these decisions."""
    inputs = [batch.as_dict() for batch in _decided(made)]
    write_manifest(folder, {"inputs": inputs}, [])
    return folder


def small_edition(tmp_path):
    """Three enterprises, one of two names, and three open names."""
    names = [
        (code_of(1), "惠州珂诺电子科技有限公司", date(2010, 1, 1), date(2019, 6, 30)),
        (code_of(1), "惠州翎砾电子科技有限公司", date(2019, 7, 1), None),
        (code_of(2), "惠州珂诺电子科技有限公司", date(2021, 1, 1), None),
        (code_of(3), "惠州帕奇环保实业有限公司", date(2012, 1, 1), None),
    ]
    items = [
        ("awards", "惠州翎烁电子科技有限公司", "unknown", 2),
        ("contest_results", "珂诺电子", "no_longer_borne", 7),
        ("headcounts", "HZ-000123", "unknown", 1),
    ]
    return sealed(write_edition(tmp_path / "editions" / "2025-06-30-abcdef0123", names, items))


def commands(edition, settings, monkeypatch):
    """The commands, over the edition above as the current one."""
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(cli_identity, "current_id", lambda _: edition.name)
    monkeypatch.setattr(cli_identity, "edition_asked", lambda *_: {"edition_id": edition.name})
    monkeypatch.setattr(cli_identity, "require_edition", lambda *_: edition)
    return lambda *words: CliRunner().invoke(cli_identity.app, [str(word) for word in words])
