"""One self-contained page of HTML: no script, no network, and it can be printed."""

import html
from collections.abc import Iterable, Sequence

STYLE = (
    'body{font-family:"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif;margin:2em;color:#222}'
    "table{border-collapse:collapse}td,th{padding:.2em .6em;text-align:left;border-bottom:1px solid #ddd}"
    ".number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "svg{max-width:100%;height:auto}figure{margin:1em 0;break-inside:avoid}tr{break-inside:avoid}"
    ".name{overflow-wrap:anywhere}"
    "@media print{body{margin:0;font-size:9pt}}"
)


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page of `parts`, which are HTML already; `title` is text."""
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="zh"><head><meta charset="utf-8"><title>{text(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Texts, numbers and cells that are `Html` as a table; None is an empty cell."""
    head = "".join(f"<th>{text(one)}</th>" for one in heads)
    lines = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{lines}\n</table>"


def text(value: object) -> str:
    """Any value as text of a page, none of it markup."""
    return "" if value is None else html.escape(str(value))


class Html(str):
    """A part of a page that is HTML already."""

    __slots__ = ()


class Name(str):
    """A long name without blanks, which may be broken anywhere."""

    __slots__ = ()


class Number(str):
    """A number as people read it, set to the right."""

    __slots__ = ()


def _cell(value: object) -> str:
    if isinstance(value, Html):
        return f"<td>{value}</td>"
    kind = ' class="number"' if isinstance(value, Number | int) and not isinstance(value, bool) else ""
    kind = ' class="name"' if isinstance(value, Name) else kind
    return f"<td{kind}>{text(value)}</td>"
