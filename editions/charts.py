"""Charts as SVG text: no network, no script, and the same bytes from the same rows on every machine.

Vega-Lite is drawn by vl-convert, without a browser. It measures text with the fonts of the machine, so nothing here is
laid out by the width of a text: margins are fixed, labels are cut to a number of characters, axes have no titles, and
the legend is drawn here. Pages import this module where they draw: altair takes 0.4 CPU s to import.
"""

import html
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import altair as alt
import vl_convert

FONT = "Noto Sans CJK SC, Noto Sans SC, Microsoft YaHei, PingFang SC, sans-serif"
COLOURS = ("#1f5fa8", "#d9822b", "#3f8f5b", "#a23b3b", "#7a5ea8", "#6b6b6b")
WIDTH, HEIGHT, ROW, LEGEND = 520, 200, 22, 270
LONGEST_LABEL = 40
"""In columns: a Chinese character takes two."""


class Point(NamedTuple):
    """One value of a chart; None means not known, and is drawn as a gap, never as zero."""

    at: str
    value: float | None
    series: str = ""


def bars(points: Sequence[Point], title: str, subtitle: str = "") -> str:
    """Draw vertical bars, one for each `at` in the order given, side by side where there are several series."""
    chart, keys = _begin(points, title, subtitle)
    x = alt.X("at", type="ordinal", scale=alt.Scale(domain=keys.at, paddingInner=0.2), axis=_category_axis())
    marks = chart.mark_bar().encode(x=x, y=_value_axis(alt.Y))
    if len(keys.series) > 1:
        marks = marks.encode(xOffset=alt.XOffset("series", type="nominal", sort=keys.series), color=_colour(keys))
    return _svg(marks.properties(width=WIDTH, height=HEIGHT), keys, left=90)


def lines(points: Sequence[Point], title: str, subtitle: str = "") -> str:
    """Draw a line for each series through the values at each `at`, broken where a value is not known."""
    chart, keys = _begin(points, title, subtitle)
    x = alt.X("at", type="ordinal", scale=alt.Scale(domain=keys.at), axis=_category_axis())
    marks = chart.mark_line(point=True, invalid="break-paths-show-domains").encode(
        x=x, y=_value_axis(alt.Y), color=_colour(keys)
    )
    return _svg(marks.properties(width=WIDTH, height=HEIGHT), keys, left=90)


def lying_bars(points: Sequence[Point], title: str, subtitle: str = "", limit: float | None = None) -> str:
    """Draw a horizontal bar for each `at`, for long names; `limit` is drawn as a line across the bars."""
    chart, keys = _begin(points, title, subtitle)
    y = alt.Y("at", type="ordinal", scale=alt.Scale(domain=keys.at), axis=_category_axis(side="left"))
    drawn: Any = chart.mark_bar().encode(x=_value_axis(alt.X), y=y)
    if len(keys.series) > 1:
        drawn = drawn.encode(yOffset=alt.YOffset("series", type="nominal", sort=keys.series), color=_colour(keys))
    if limit is not None:
        line = alt.Chart(alt.InlineData(values=[{"value": limit}])).mark_rule(color=COLOURS[3], strokeDash=[4, 3])
        drawn = alt.layer(drawn, line.encode(x=alt.X("value", type="quantitative")))
    height = ROW * max(1, len(keys.at)) * max(1, len(keys.series))
    return _svg(drawn.properties(width=WIDTH - 130, height=height), keys, left=220)


class _Keys(NamedTuple):
    at: list[str]
    series: list[str]


def _begin(points: Sequence[Point], title: str, subtitle: str) -> tuple[Any, _Keys]:
    shown = [Point(_label(point.at), point.value, _label(point.series)) for point in points]
    keys = _Keys(list(dict.fromkeys(one.at for one in shown)), list(dict.fromkeys(one.series for one in shown)))
    head = alt.TitleParams(_plain(title), subtitle=_plain(subtitle), anchor="start", frame="group", dx=-60, font=FONT)
    chart = alt.Chart(alt.InlineData(values=[point._asdict() for point in shown]), title=head)
    return chart.encode(color=alt.value(COLOURS[0])), keys


def _category_axis(side: Literal["bottom", "left"] = "bottom") -> Any:
    return alt.Axis(title=None, orient=side, labelAngle=0, labelLimit=0, labelOverlap=False)


def _value_axis(channel: Any) -> Any:
    axis = alt.Axis(title=None, format=",.2~f", labelLimit=0, labelOverlap=False, tickCount=5)
    return channel("value", type="quantitative", axis=axis, scale=alt.Scale(zero=True))


def _colour(keys: _Keys) -> Any:
    colours = [_colour_of(place) for place in range(len(keys.series))]
    return alt.Color("series", type="nominal", scale=alt.Scale(domain=keys.series, range=colours), legend=None)


def _colour_of(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _svg(chart: Any, keys: _Keys, left: int) -> str:
    has_legend = len(keys.series) > 1
    margins = {"left": left, "right": LEGEND if has_legend else 30, "top": 50, "bottom": 30}
    drawn = chart.properties(autosize={"type": "none"}, padding=margins).configure(font=FONT, background="white")
    try:
        svg = str(vl_convert.vegalite_to_svg(drawn.to_dict(), allowed_base_urls=[]))
    except BaseException as error:
        # Where it panics (no descriptor, no thread is left) the library raises what is no Exception, and ends a night.
        if type(error).__name__ != "PanicException":
            raise
        raise RuntimeError(f"a chart cannot be drawn: {error}") from None
    at = left + chart.width + 15
    return svg.removesuffix("</svg>") + _legend(keys.series, at) + "</svg>" if has_legend else svg


def _legend(series: Sequence[str], left: int) -> str:
    return "".join(
        f'<rect x="{left}" y="{50 + 18 * place}" width="11" height="11" fill="{_colour_of(place)}"/>'
        f'<text x="{left + 17}" y="{60 + 18 * place}" font-family="{FONT}" font-size="11px">{html.escape(name)}</text>'
        for place, name in enumerate(series)
    )


def _plain(text: str) -> str:
    """Text without control characters, which XML cannot hold."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _label(text: str) -> str:
    kept: list[str] = []
    columns = 0
    for sign in _plain(text):
        columns += 1 if sign.isascii() else 2
        if columns > LONGEST_LABEL:
            return "".join(kept) + "…"
        kept.append(sign)
    return "".join(kept)
