"""Charts: the same bytes everywhere, nothing of a name becomes markup, and what is not known is not zero."""

import re
import subprocess
import sys

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from editions import charts
from editions.charts import Point

HOSTILE = "<script>alert(1)</script>\"&'</text><!--\x00\x1b]]>"
ROWS = [
    Point("2025Q1", 1.5, "授信 credit"),
    Point("2025Q2", None, "授信 credit"),
    Point("2025Q3", 3_000_000, "授信 credit"),
    Point("2025Q1", 2_000_000, HOSTILE),
]
DRAWN = {"bars": charts.bars, "lines": charts.lines, "lying_bars": charts.lying_bars}


def words(svg):
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(params=DRAWN.values(), ids=DRAWN.keys())
def draw(request):
    return request.param


def test_equal_rows_are_equal_bytes_in_another_process_too(draw):
    script = (
        "import sys; from editions import charts; from editions.charts import Point;"
        "sys.stdout.reconfigure(encoding='utf-8');"
        f"sys.stdout.write(charts.{draw.__name__}({ROWS!r}, '额度 Limits', '万元'))"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", check=True)

    assert other.stdout == draw(ROWS, "额度 Limits", "万元") == draw(ROWS, "额度 Limits", "万元")


def test_nothing_stands_where_it_does_by_the_width_of_a_font(draw, monkeypatch):
    drawn, named = draw(ROWS, "额度 Limits", "万元"), charts.FONT
    monkeypatch.setattr(charts, "FONT", "monospace")

    assert draw(ROWS, "额度 Limits", "万元") == drawn.replace(named, "monospace")


def test_a_hostile_name_is_text_and_no_markup(draw):
    svg = draw([*ROWS, Point(HOSTILE, 1, HOSTILE)], HOSTILE, HOSTILE)

    assert {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()} <= {
        "svg",
        "rect",
        "g",
        "path",
        "line",
        "text",
    }
    assert "<script" not in svg
    assert any("<script>alert(1)</script>" in word for word in words(svg))


def test_nothing_of_a_chart_is_fetched(draw):
    svg = draw([*ROWS, Point("https://example.org/x.png", 1, "url(https://example.org/y)")], "https://example.org")

    assert not re.findall(r"(?:href|src|url)\s*[=(]", re.sub(r">[^<]*<|aria-label=\"[^\"]*\"", "><", svg))


def test_every_category_and_series_stands_in_the_order_given(draw):
    told = [word for word in words(draw(ROWS, "t")) if word.startswith(("2025", "授信"))]

    assert told == ["2025Q1", "2025Q2", "2025Q3", "授信 credit"]


def test_a_value_that_is_not_known_is_a_gap(draw):
    def marks(value):
        svg = draw([Point("2025Q1", 1), Point("2025Q2", value), Point("2025Q3", 1)], "t")
        return len(re.findall('aria-label="[^"]*at: 2025Q2', svg))

    assert marks(0) == 1
    assert marks(None) == 0


def test_no_row_at_all_is_an_empty_chart(draw):
    assert words(draw([], "空 nothing"))[-1:] == ["空 nothing"]


def test_a_panic_of_the_library_is_an_error_like_any_other(draw, monkeypatch):
    def panic(*_, **__):
        raise type("PanicException", (BaseException,), {})("Too many open files")

    monkeypatch.setattr(charts.vl_convert, "vegalite_to_svg", panic)
    with pytest.raises(RuntimeError, match="cannot be drawn: Too many open files"):
        draw(ROWS, "空 nothing")


def test_a_limit_is_drawn_beside_the_bars():
    assert 'role="graphics-symbol" aria-roledescription="rule mark"' in charts.lying_bars([Point("a", 1)], "t", limit=2)


def test_a_long_label_is_cut_to_a_number_of_columns():
    assert "积" * 20 + "…" in words(charts.lying_bars([Point("积" * 30, 1)], "t"))


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_whatever_the_words_are_the_svg_can_be_read(at, title, value):
    ElementTree.fromstring(charts.bars([Point(at, value)], title))
