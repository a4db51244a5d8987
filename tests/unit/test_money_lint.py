"""Money is whole fen, divided once by a macro: no model of the programme divides or averages by itself."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "dbt_project"
MODELS = sorted((PROJECT / "models" / "programme").rglob("*.sql"))
COMMENTS = re.compile(r"\{#.*?#\}|--[^\n]*", re.S)
NAMES_OF_DAY_COUNTS = re.compile(r"'(act/360|act/365|30/360)'")


def faults(sql: str) -> list[str]:
    """What divides or averages in a model's SQL."""
    plain = NAMES_OF_DAY_COUNTS.sub("''", COMMENTS.sub("", sql))
    return re.findall(r"/|\bavg\s*\(", plain)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_no_model_of_the_programme_divides_or_averages(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


def test_the_lint_finds_what_it_looks_for() -> None:
    assert faults("select a_fen / 2, avg (b_fen) -- a / b\nwhere day_count = 'act/360' {# avg( #}") == ["/", "avg ("]


def test_every_column_of_fen_is_a_whole_number() -> None:
    casts = [
        (path.stem, found)
        for path in MODELS
        for found in re.findall(r"as (double|real|float)\b|::", path.read_text(encoding="utf-8"))
    ]
    assert casts == []
