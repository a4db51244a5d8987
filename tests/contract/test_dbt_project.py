"""The dbt project keeps its grammar, and the macros that only one engine understands agree with plain Python."""

import csv
import random
import re
import sys
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import jinja2
import pytest
import yaml

PROJECT = Path(__file__).parents[2] / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
FOLDERS = {
    "staging": r"stg_[a-z_]+?__[a-z_]+",
    "intermediate": r"int_[a-z]+__[a-z_]+",
    "indicators": r"ind_[a-z]+",
    "extracts": r"ext_[a-z]+__[a-z_]+",
}


def macro(name: str) -> Any:
    """A macro, or its DuckDB implementation; it renders without dbt as long as it calls no other macro."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701  # SQL, not HTML
    template = environment.from_string((PROJECT / "macros" / f"{name}.sql").read_text(encoding="utf-8"))
    module: ModuleType | Any = template.module
    return getattr(module, f"duckdb__{name}", None) or getattr(module, name)


def amounts() -> list[tuple[Decimal, Decimal]]:
    """Pairs of amounts in yuan up to 1e13, either sign, with many halves of the last digit among them."""
    chance = random.Random(20250630)
    pairs = []
    for _ in range(3000):
        above, below = (chance.randint(-(10 ** chance.randint(0, 15)), 10 ** chance.randint(0, 15)) for _ in range(2))
        pairs.append((Decimal(above) / 100, Decimal(below) / 100))
    for divisor in (2, 3, 4, 7, 8, 16, 64, 125):
        for power in (0, 4, 8, 12):
            pairs.extend((Decimal(n) / 100, Decimal(divisor * 10**power) / 100) for n in range(-9, 10))
    return pairs


@pytest.mark.parametrize(("scale", "times"), [(6, 100), (6, 1), (4, 100)])
def test_a_ratio_is_that_of_decimal_arithmetic(scale: int, times: int) -> None:
    """Below 1,000 to the last digit; above, one in 30,000 is off by one there; beyond 999,999 it stays there."""
    unit, largest = Decimal(1).scaleb(-scale), Decimal(999_999)
    with duckdb.connect() as connection, localcontext() as context:
        context.prec = 60
        given = "select unnest($1::decimal(20, 2)[]) as n, unnest($2::decimal(20, 2)[]) as d"
        query = f"select n, d, {macro('ratio')('n', 'd', times, scale)} from ({given})"  # noqa: S608  # the project's own macro
        above, below = zip(*amounts(), strict=True)
        for n, d, found in connection.execute(query, [list(above), list(below)]).fetchall():
            wanted = None
            if d:
                wanted = max(-largest, min(largest, n * times / d)).quantize(unit, ROUND_HALF_UP)
            if wanted is None or abs(wanted) < 1000:
                assert found == wanted, (n, d)
            else:
                assert abs(found - wanted) <= unit, (n, d)


def test_a_ratio_without_both_figures_is_not_known() -> None:
    ratio = macro("ratio")("n", "d", unless="is_off")
    query = (
        f"select {ratio} from (values (null, 2, false), (1, null, false), (1, 2, true), (1, 2, false)) t(n, d, is_off)"  # noqa: S608
    )
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchall() == [(None,), (None,), (None,), (Decimal("0.5"),)]


def test_a_name_is_compared_without_width_blanks_or_case() -> None:
    blanks = "".join(chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace())
    full_width = "".join(chr(code) for code in range(0xFF01, 0xFF5F))
    half_width = "".join(chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)).upper()
    cases = {
        f"惠州{blanks}某某": "惠州某某",
        full_width: half_width,
        "惠州市（仲恺）ａｂ Ｃ科技": "惠州市(仲恺)ABC科技",
        "it's a \\ name": "IT'SA\\NAME",
        "": "",
    }
    query = f"select {macro('match_key')('name')} from (select ? as name)"  # noqa: S608  # the project's own macro
    with duckdb.connect() as connection:
        for written, wanted in cases.items():
            assert connection.execute(query, [written]).fetchone() == (wanted,)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_is_named_for_its_room_and_ends_by_selecting_one_relation(path: Path) -> None:
    room = path.relative_to(PROJECT / "models").parts[0]
    assert re.fullmatch(FOLDERS.get(room, r"[a-z]+(_[a-z]+)*"), path.stem)
    if room == "staging":
        assert path.stem.startswith(f"stg_{path.parent.name}__")
    assert re.fullmatch(r"select \* from [a-z_]+(\nwhere .+)?", last_paragraph(path))


@pytest.mark.parametrize("path", [*MODELS, *sorted((PROJECT / "tests").rglob("*.sql"))], ids=lambda path: path.stem)
def test_sql_is_laid_out_in_lines_of_128_characters_indented_by_four(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[-1] == ""
    assert lines[-2] != ""
    crooked = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if len(line) > 128 or line != line.rstrip() or (len(line) - len(line.lstrip(" "))) % 4 or "\t" in line
    ]
    assert crooked == []


def last_paragraph(path: Path) -> str:
    """The text after the last blank line."""
    return path.read_text(encoding="utf-8").strip().rsplit("\n\n", 1)[-1]


def test_every_model_says_its_grain() -> None:
    described = {}
    for path in (PROJECT / "models").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            described[model["name"]] = " ".join(model["description"].split())
    assert sorted(described) == sorted(path.stem for path in MODELS)
    assert [name for name, text in described.items() if not re.search(r"[Oo]ne row per [^.]+\.$", text)] == []


def test_scoring_and_what_follows_know_no_indicator_by_its_code() -> None:
    rooms = ("scoring", "marts", "extracts", "rulesets")
    knowing = [p.stem for p in MODELS if p.parent.name in rooms and re.search(r"(?i)\bc\d\d\b|\bc\d\d_", p.read_text())]
    assert knowing == []


def test_what_leaves_the_house_has_a_contract_and_a_key() -> None:
    for path in (PROJECT / "models").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            config = model.get("config", {})
            if model["name"].startswith("ext_"):
                assert config["contract"]["enforced"] is True
            if model["name"].startswith("ext_") or "edition" in config.get("tags", []):
                assert config["meta"]["key"], model["name"]


def test_every_column_of_an_extract_has_a_stated_class_of_data() -> None:
    models = yaml.safe_load((PROJECT / "models" / "extracts" / "_extracts__models.yml").read_bytes())["models"]
    declared = {(model["name"], column["name"]) for model in models for column in model["columns"]}
    with (PROJECT / "data_classes.csv").open(encoding="utf-8", newline="") as handle:
        rows = [(row["extract"], row["column"]) for row in csv.DictReader(handle)]
    assert set(rows) == declared
    assert len(rows) == len(declared)


def keys_of(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from keys_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys_of(value)


# dbt reads its kept parse no more once a key is no text, and says so in its log alone: 4 s of each night.
@pytest.mark.parametrize(
    "path", [*sorted((PROJECT / "models").rglob("*.yml")), *sorted((PROJECT / "seeds").rglob("*.yml"))]
)
def test_a_comma_in_a_description_makes_no_keys_of_it(path: Path) -> None:
    keys = set(keys_of(yaml.safe_load(path.read_bytes())))
    assert {key for key in keys if not isinstance(key, str) or " " in key} == set()
