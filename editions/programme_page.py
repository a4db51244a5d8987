"""The programme's figures of one edition as a page of charts and tables, in Chinese and English."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from editions.html_page import Html, Number, page, table, text
from editions.sealed_tables import Row, SealedReader, SealedTables

DECISIONS = {"eligible": "符合 eligible", "near_miss": "接近 near miss", "no": "不符合 no"}
DECIDED = {
    "product_offers": ("product_id", "各产品的企业数 Enterprises by product"),
    "policy_decisions": ("policy_id", "各政策的企业数 Enterprises by policy"),
}
"""The tables whose decisions are counted: the item's column, and the title of the chart."""
COUNTED = {"since_start": "累计 since the start", "in_quarter": "当季 in the quarter", "at_end": "季末 at its end"}


class Unit(NamedTuple):
    """How whole numbers of a unit are shown and drawn: shifted by `places`, with `decimals` of these left."""

    shown: str
    drawn: str
    places: int
    drawn_places: int
    decimals: int


# Money is drawn in 10,000 yuan, as is usual in the field, and shown in tables in yuan.
UNITS = {
    "fen": Unit("元 yuan", "万元 10,000 yuan", 2, 6, 2),
    "count": Unit("个 count", "个 count", 0, 0, 0),
    "ppm": Unit("%", "%", 4, 4, 2),
    "times_ppm": Unit("倍 times", "倍 times", 6, 6, 2),
}


def programme_page(edition: Path) -> str:
    """The page of the edition in this folder; equal editions give equal bytes.

    Raises `EditionUnreadableError` for an edition without programme figures, as older ones are.
    """
    with SealedReader() as reader:
        tables = reader.of(edition)
        figures = sorted(tables.needed("programme_figures"), key=lambda row: (row["place"], row["starts_on"]))
        decided = [chart for name in DECIDED for chart in _decided(tables, name)]
    latest = [row for row in figures if row["starts_on"] == max(one["starts_on"] for one in figures)]
    return page(
        f"积分应用成效 Programme figures {edition.name}",
        [
            "<h1>积分应用成效 Programme figures</h1>",
            f"<p>{text(edition.name)}，截至 up to {text(latest[0]['ends_on'])}</p>",
            _latest(latest),
            *_charts(figures),
            *decided,
            "<h2>逐季 By quarter</h2>",
            _by_quarter(figures),
        ],
    )


def _latest(rows: Sequence[Row]) -> str:
    heads = (
        "指标 Figure",
        "数值 Value",
        "单位 Unit",
        "口径 Counted",
        "未能计入 Not judged",
        "定义 Definition",
        "取自 Source",
    )
    return table(
        heads,
        (
            (
                _name(row),
                _number(row),
                UNITS[row["unit"]].shown,
                COUNTED[row["counted"]],
                row["not_judged"],
                f"{row['definition_zh']} {row['definition_en']}",
                row["source_table"],
            )
            for row in rows
        ),
    )


def _charts(figures: Sequence[Row]) -> list[str]:
    from editions.charts import Point, lines

    def chart_of(row: Row) -> tuple[str, str]:
        return f"{row['chart_zh']} {row['chart_en']}", row["unit"]

    order = {chart: place for place, chart in enumerate(dict.fromkeys(map(chart_of, figures)))}
    drawn = []
    for (title, unit), rows in groupby(sorted(figures, key=lambda row: order[chart_of(row)]), chart_of):
        places = UNITS[unit].drawn_places
        points = [
            Point(row["quarter"], None if row["value"] is None else row["value"] / 10**places, _name(row))
            for row in rows
        ]
        drawn.append(_figure(lines(points, title, UNITS[unit].drawn)))
    return drawn


def _decided(tables: SealedTables, name: str) -> list[str]:
    from editions.charts import Point, lying_bars

    item, title = DECIDED[name]
    counts: dict[str, dict[str, int]] = {}
    for row in tables.needed(name, columns=f"{item}, name_zh, decision"):
        of_item = counts.setdefault(f"{row['name_zh']} {row[item]}", dict.fromkeys(DECISIONS, 0))
        of_item[row["decision"]] += 1
    points = [
        Point(of, count, DECISIONS[decision])
        for of, decisions in sorted(counts.items())
        for decision, count in decisions.items()
    ]
    return [_figure(lying_bars(points, title, "家 enterprises"))] if points else []


def _by_quarter(figures: Sequence[Row]) -> str:
    quarters = list(dict.fromkeys(row["quarter"] for row in figures))
    by_figure: dict[str, list[str]] = {}
    for row in figures:
        cells = by_figure.setdefault(row["figure"], [f"{_name(row)}，{UNITS[row['unit']].shown}"])
        cells.append(_number(row))
    return table(("指标 Figure", *quarters), by_figure.values())


def _name(row: Row) -> str:
    return f"{row['name_zh']} {row['name_en']}"


def _number(row: Row) -> Html | Number:
    """A whole number of its unit as people read it: with a decimal point, cut to the unit's decimals."""
    if row["value"] is None:
        return Html("&ndash;")
    unit = UNITS[row["unit"]]
    whole, part = divmod(abs(row["value"]), 10**unit.places)
    decimals = str(part).rjust(unit.places, "0")[: unit.decimals]
    sign = "-" if row["value"] < 0 else ""
    return Number(f"{sign}{whole:,}" + (f".{decimals}" if unit.decimals else ""))


def _figure(svg: str) -> str:
    return f"<figure>{svg}</figure>"
