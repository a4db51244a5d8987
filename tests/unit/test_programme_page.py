"""The programme's page: the figures as they stand in the edition, no script, and no name becomes markup."""

import re

import duckdb
import pytest
from typer.testing import CliRunner

from cli.app import app
from editions.programme_page import programme_page
from editions.sealed_tables import EditionUnreadableError

HOSTILE = "<script>alert(1)</script>\"&'"
TABLES = """
create table programme_figures as
select
    q.quarter, q.starts_on, q.starts_on + interval 2 month as ends_on, f.*,
    'at_end' as counted, '图' as chart_zh, 'Chart' as chart_en, $hostile as name_en, '定义' as definition_zh,
    $hostile as definition_en, 'a_table' as source_table
from (values ('2025Q1', date '2025-01-01'), ('2025Q2', date '2025-04-01')) q(quarter, starts_on)
cross join (values
    (2, 'owed_fen', 'fen', '欠款', 123456789012345::bigint, 3::bigint),
    (1, 'banks', 'count', '银行', 12, 0),
    (3, 'rate_ppm', 'ppm', '利率', 34893, 0),
    (4, 'times_ppm', 'times_ppm', '倍数', 17680998, 0),
    (5, 'unknown_fen', 'fen', '未知', null, null),
    (6, 'back_fen', 'fen', '追回', -5, 0)
) f(place, figure, unit, name_zh, value, not_judged);
create table product_offers as
select $hostile as product_id, '产品' as name_zh, 'eligible' as decision from range(3);
create table policy_decisions as select 'p' as policy_id, $hostile as name_zh, 'no' as decision from range(2);
"""


@pytest.fixture
def edition(tmp_path):
    folder = tmp_path / "2025-06-30-0123456789"
    (folder / "tables").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"set variable hostile = $${HOSTILE}$$")
        connection.execute(TABLES.replace("$hostile", "getvariable('hostile')"))
        for table in ("programme_figures", "product_offers", "policy_decisions"):
            connection.execute(f"copy {table} to '{folder / 'tables' / table}.parquet'")
    return folder


def test_equal_editions_give_equal_pages(edition):
    assert programme_page(edition) == programme_page(edition)


def test_a_hostile_name_is_text(edition):
    written = programme_page(edition)
    assert "<script" not in written
    assert "&lt;script&gt;alert(1)" in written


def test_the_page_needs_nothing_but_itself(edition):
    tags = re.findall(r"<[a-z!][^>]*>", programme_page(edition))
    assert [tag for tag in tags if re.search(r"\s(src|href|on[a-z]+)=|<(script|link|iframe|img)|@import", tag)] == []


def test_whole_numbers_are_shown_in_the_units_that_people_read(edition):
    written = programme_page(edition)
    for shown in ("1,234,567,890,123.45", "12", "3.48", "17.68", "-0.05"):
        assert f'<td class="number">{shown}</td>' in written


def test_a_figure_that_is_not_known_is_no_zero(edition):
    (row,) = re.findall(r"<tr><td>未知[^<]*(?:</td><td>|&[a-z#0-9]+;|[^<])*.*", programme_page(edition))[:1]
    assert "&ndash;" in row
    assert '<td class="number">0' not in row


def test_an_edition_without_figures_is_refused(edition):
    (edition / "tables" / "programme_figures.parquet").unlink()
    with pytest.raises(EditionUnreadableError, match="programme_figures"):
        programme_page(edition)


def test_nothing_is_overwritten(edition, tmp_path, monkeypatch):
    from cli import programme

    out = tmp_path / "page.html"
    out.write_text("somebody's")
    monkeypatch.setattr(programme, "open_ledger", lambda _: None)
    monkeypatch.setattr(programme, "edition_asked", lambda *_: {"edition_id": edition.name})
    monkeypatch.setattr(programme, "require_edition", lambda *_: edition)
    monkeypatch.setattr(programme, "data_folder", lambda: tmp_path)
    done = CliRunner().invoke(app, ["programme", "page", "--out", str(out)])
    assert done.exit_code == 1
    assert "there already" in done.output
    assert out.read_text() == "somebody's"
    assert CliRunner().invoke(app, ["programme", "page", "--out", str(tmp_path / "new.html")]).exit_code == 0
    assert (tmp_path / "new.html").read_text(encoding="utf-8") == programme_page(edition)
