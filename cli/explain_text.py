"""An explanation as people read it, in Chinese and English: lines of plain text."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from editions.explain import Explanation, Previous
from flows.texts import json_text, lined_up, one_line, padded, plain, visible

NOT_HERE = "本版次无此表 not in this edition"
CHANGES_SHOWN = 8
LABEL = 24
WORDS_FILE = Path(__file__).with_name("explain_words.json")

Row = Mapping[str, Any]


def enterprise_lines(found: Explanation) -> list[str]:
    """The whole of an enterprise: its place, its classes, what cost most, each indicator, and what changed."""
    lines = [_head(found)]
    if found.ranking is None:
        reason = in_words("ineligible_reason", found.enterprise["ineligible_reason"])
        return [*lines, f"未参与积分 not in the ranking: {reason}"]
    names = {row["indicator_code"]: f"{row['name_zh']} {row['name_en']}" for row in found.indicators}
    return [
        *lines,
        *_place(found.ranking, _stage(found)),
        *_titled("分类得分 Class totals", _classes(found.class_totals)),
        *_titled("失分最多 What cost most", [line for row in found.costliest for line in _cost(row)]),
        *_titled("指标 Indicators", _indicators(found.indicators)),
        *_titled("条件 Conditions", _verdicts(found.verdicts)),
        *_titled("数据提示 Data flags", _flags(found.data_flags)),
        *_titled("较上一版次 Since the edition before", _since(found.previous, found.ranking, names)),
    ]


def indicator_lines(found: Explanation) -> list[str]:
    """One indicator in full: the rule, the segment, the points, the peers, how to gain more, each record behind it."""
    (row,) = found.indicators
    facts = {
        "数值 value": _value(row, "unit", "unit_en"),
        "供给 supply": in_words("supply_status", row.get("gap") or row["supply_status"]),
        "处理 treatment": in_words("treatment", row.get("treatment")),
        "规则 rule": f"{row['ruleset_id']} {in_words('function', row.get('function'))}".rstrip(),
        "档位 bin": row["bin"],
        "所在位置 on the scale": _number(row.get("position")),
        "满分比例 share": _number(row["share"]),
        "得分 points": f"{_number(row['points'])} / {_number(row['points_maximum'])}",
        "失分 lost": _number(row["points_lost"]),
        "同阶段中位 stage median": _median(row),
        "口径 definition": " ".join(filter(None, (row.get("definition_zh"), row.get("definition_en")))),
    }
    shown = [f"  {padded(name, LABEL)}{one_line(fact)}" for name, fact in facts.items() if fact not in (None, "", "-")]
    return [
        _head(found),
        f"{row['indicator_code']} {one_line(row['name_zh'])} {one_line(row['name_en'])}",
        *shown,
        *(f"  {one_line(row[name])}" for name in _sentences(row)),
        *_titled("来源记录 Records", _records(row)),
    ]


def _head(found: Explanation) -> str:
    name, code = one_line(found.enterprise["enterprise_name"]), found.enterprise["uscc"]
    return f"{name} {code}, 版次 edition {found.edition_id}, 业务日期 as of {found.as_of}"


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def in_words(kind: str, code: Any) -> str:
    """A code in Chinese and English, nothing for no code; one without words is shown as it is."""
    return "" if code is None else " ".join(_words()[kind].get(str(code), (str(code),)))


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    words: dict[str, dict[str, list[str]]] = json.loads(WORDS_FILE.read_bytes())
    return words


def _stage(found: Explanation) -> str:
    if found.stage is None:
        return _number(found.ranking and found.ranking["stage"])
    return f"{found.stage['name_zh']} {found.stage['name_en']}"


def _place(row: Row, stage: str) -> list[str]:
    score = (
        f"得分 score {_number(row['score'])} = {_number(row['points_total'])} / {_number(row['points_available'])} "
        f"可评分 points that could be assessed (满分 maximum {_number(row['points_maximum'])})"
    )
    if not row["is_ranked"]:
        return [score, f"未排名 not ranked: {in_words('unranked_reason', row['unranked_reason'])}; 阶段 stage {stage}"]
    places = [
        f"{scope} {row[f'rank_{part}']} / {row[f'peers_{part}']}"
        for part, scope in (
            ("overall", "总 overall"),
            ("in_stage", "同阶段 in stage"),
            ("in_industry", "同行业 in industry"),
        )
        if row.get(f"rank_{part}") is not None
    ]
    return [score, f"排名 rank: {', '.join(places)}; 阶段 stage {stage}"]


def _classes(rows: Sequence[Row] | None) -> list[str]:
    if rows is None:
        return [NOT_HERE]
    cells = [
        (
            f"{row['class_zh']} {row['class_en']}",
            in_words("module", row["module"]),
            # An edition sealed before a column existed is still shown.
            *(_number(row.get(name)) for name in ("points", "points_available", "points_maximum")),
        )
        for row in rows
    ]
    return lined_up(("分类 class", "模块 module", "得分 points", "可评分 of assessable", "满分 maximum"), cells)


def _cost(row: Row) -> list[str]:
    lost = f"{row['indicator_code']} -{_number(row['points_lost'])}"
    return [
        f"{lost}  {one_line(row[name])}" if place == 0 else f"     {one_line(row[name])}"
        for place, name in enumerate(_sentences(row))
    ]


def _sentences(row: Row) -> list[str]:
    return [name for name in ("reason_zh", "reason_en", "change_zh", "change_en") if row.get(name)]


def _indicators(rows: Sequence[Row]) -> list[str]:
    names = (
        "代码 code",
        "指标 indicator",
        "数值 value",
        "档 bin",
        "得分 points",
        "满分 of",
        "同阶段中位 stage median: 数值 value → 得分 points (家 n peers)",
        "不计分原因 not counted because",
    )
    return lined_up(names, [_indicator(row) for row in rows])


def _indicator(row: Row) -> tuple[Any, ...]:
    # A bin says enough where there are points; the reason where there are none.
    why = None if row["is_counted"] else f"{row['reason_zh']} {row['reason_en']}"
    name = f"{row['name_zh']} {row['name_en']}"
    points, maximum = _number(row["points"]), _number(row["points_maximum"])
    return row["indicator_code"], name, _value(row), row["bin"], points, maximum, _peers(row), why


def _value(row: Row, *units: str) -> str | None:
    # Where the two languages write a unit alike, as %, it is written once. "x 10,000 CNY" is no product of the value.
    first, *others = dict.fromkeys(row[unit] for unit in units or ("unit",) if row.get(unit)) or ("",)
    units_shown = (first, *(f"({unit.removeprefix('x ')})" for unit in others))
    return None if row["value"] is None else " ".join((plain(row["value"]), *filter(None, units_shown)))


def _median(row: Row) -> str | None:
    peers = row.get("peers")
    return peers and (
        f"数值 value {_number(peers['median_value'])} → 得分 points {_number(peers['median_points'])} "
        f"({peers['peers']} 家 peers)"
    )


def _peers(row: Row) -> str | None:
    peers = row.get("peers")
    return peers and f"{_number(peers['median_value'])} → {_number(peers['median_points'])} ({peers['peers']})"


def _verdicts(rows: Sequence[Row] | None) -> list[str]:
    return [
        f"{'✓' if row['is_met'] else '✗'} {row['condition_code']} {one_line(row['name_zh'])} "
        f"{one_line(row['name_en'])}: {_number(row['measured'])}"
        for row in rows or ()
    ]


def _flags(rows: Sequence[Row] | None) -> list[str]:
    return [
        f"{row['rule']} {in_words('severity', row['severity'])}: "
        f"{one_line(row['detail_zh'])} {one_line(row['detail_en'])}"
        for row in rows or ()
    ]


def _since(previous: Previous | None, now: Row, names: Mapping[str, str]) -> list[str]:
    if previous is None:
        return ["无上一版次 there is no edition before"]
    if previous.ranking is None:
        return [f"{previous.edition_id}: 未参与积分 not scored there"]
    then = previous.ranking
    lines = [
        f"{previous.edition_id}: 得分 score {_number(then['score'])} → {_number(now['score'])}, "
        f"排名 rank {_number(then['rank_overall'])} → {_number(now['rank_overall'])}"
    ]
    if not previous.is_same_ruleset:
        lines.append(f"规则不同 another rule set then: {then['ruleset_id']}, now {now['ruleset_id']}")
    lines += _split(previous)
    for row in previous.changes[:CHANGES_SHOWN]:
        then_now = f"{_number(row['points_then'])} → {_number(row['points_now'])}"
        code = row["indicator_code"]
        lines.append(f"{code} {_signed(row['change'])}: {then_now}  {names.get(code, '')}".rstrip())
        causes = ["rule_alone"] if row["moved"] == ["rule"] else row["moved"]
        lines.append(f"     {'; '.join(_move_in_words(row, one) for one in causes)}")
    if len(previous.changes) > CHANGES_SHOWN:
        lines.append(f"另有 {len(previous.changes) - CHANGES_SHOWN} 项 more: --json")
    return lines


def _split(previous: Previous) -> list[str]:
    """What each cause did to the score and the place: a rule change is no loss of the enterprise's own."""
    if previous.split is None:
        names = ", ".join(map(_cause, previous.causes))
        line = f"版次之间的差异 what differs: {names}; 拆分 to split it by cause: jifen edition diff"
        return [line] if len(previous.causes) > 1 else []
    lines = []
    for row in previous.split:
        places = f", 名次 places {row['places']:+d}" if row["places"] else ""
        lines.append(f"因 by {_cause(row['cause'])}: 得分 score {_signed(row['score'])}{places}")
    return lines


def _cause(name: str) -> str:
    kind, _, source = name.partition(":")
    return f"{in_words('cause', kind)} {source}".rstrip()


def _signed(value: Decimal) -> str:
    return f"{'+' if value > 0 else ''}{plain(value)}"


def _move_in_words(row: Row, moved: str) -> str:
    words = in_words("moved", moved)
    return f"{words} {_number(row['value_then'])} → {_number(row['value_now'])}" if moved == "value" else words


def _records(row: Row) -> list[str]:
    if row["evidence"] is None:
        return [NOT_HERE]
    lines: list[str] = []
    for record in row["evidence"]:
        quantity = "" if record["quantity"] is None else f"; 数量 quantity {plain(record['quantity'])}"
        level = "" if record["level"] is None else f"; 类别 kind {_level(record)}"
        lines += [
            f"{record['source']}.{record['dataset']} 记录 record {one_line(record['record_ref'])}{quantity}{level}",
            f"  日期 dated {_number(record['dated_on'])}, 获知 learned {_number(record['learned_on'])}",
        ]
        if record.get("raw_page"):
            lines.append(
                f"  原始页 raw page {record['raw_page']}, 页内位置 position in the page {record['raw_position']}"
            )
        if "record" in record:
            lines += [f"    {line}" for line in _as_sent(record["record"])]
    return lines or ["无记录 none"]


def _level(record: Row) -> str:
    if record.get("level_zh"):
        return f"{record['level_zh']} {record['level_en']}"
    return in_words("level", record["level"])


def _as_sent(record: Any) -> list[str]:
    if record is None:
        return ["该页该位置没有记录 there is no record at that position of the page"]
    return json_text(record).split("\n")


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return plain(value) if isinstance(value, Decimal) else visible(value)
