"""The page of one night: its steps, what was refused and held, the verdict, what went out, and the nights before it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from editions.html_page import Html, Number, page, table, text
from expectations.gate_page import STATES, checks_table, counts_of, datasets_table, figures_compared
from flows.texts import local

NIGHTS = {
    "running": "运行中 at work",
    "published": "已发布 published",
    "nothing_new": "无新内容 nothing new",
    "blocked": "闸门拦截 blocked",
    "failed": "失败 failed",
    "source_missing": "关键数据源缺失 a critical source is missing",
}
STEPS = {
    "pull": "采集 pull",
    "build": "构建 build",
    "gate": "闸门 gate",
    "publish": "发布 publish",
    "deliver": "交付 deliver",
    "notify": "通知 notify",
    "returns": "回执 returns",
    "alerts": "告警 alerts",
}
ENDS = {"done": "完成 done", "failed": "失败 failed", "blocked": "拦截 blocked", None: "未结束 not ended"}
COUNTED = {
    "received": "收到 received",
    "landed": "落地 landed",
    "refused": "拒收 refused",
    "repeated": "重复 repeated",
    "models": "模型 models",
    "tests": "测试 tests",
    "checks": "检查 checks",
    "sent": "送达 sent",
    "pending": "待送 pending",
    "dead": "死信 dead",
    "rows": "行 rows",
    "written": "写出 written",
}
SENT = {"returns_sent": "回执 return", "alerts": "告警 alert"}
TREND_NIGHTS = 14
_NONE = "<p>无 none</p>"
_FIRST = "<p>自第二夜起有图。Charts begin with the second night.</p>"


def night_page(details: Mapping[str, Any], nights: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> str:
    """The page of a run by its `run_details`; `nights` are the summaries of the last ones, newest first."""
    title = f"夜间运行 Night of {details['as_of']}: {NIGHTS[details['state']]}"
    parts = [
        f"<h1>{text(title)}</h1>",
        f"<p>{text(details['message'])}</p>",
        table(("", ""), _facts(details, zone).items()),
        *_listed("错误 Errors", details["errors"]),
        *_incidents(details["incidents"]),
        "<h2>步骤 Steps</h2>",
        table(("步骤 Step", "开始 Began", "秒 Seconds", "结果 Ended", "行数 Rows"), _steps(details["steps"], zone)),
        "<h2>各机构拒收 Refusals by agency</h2>",
        _by_agency(details["datasets"]),
        "<h2>暂缓与陈旧 Held and stale</h2>",
        _held(details),
        "<h2>发布闸门 Gate</h2>",
        *_gate(details),
        "<h2>变化 What changed</h2>",
        *_changed(details),
        "<h2>交付与回执 Deliveries and acknowledgements</h2>",
        _deliveries(details, zone),
        *_listed("逾期或被拒的回复 Late answers and refusals", details["late_acks"]),
        "<h2>近期各夜 The last nights</h2>",
        *_trends(nights),
        "<h2>数据集 Datasets</h2>",
        datasets_table(details["datasets"]),
    ]
    return page(title, parts)


def _facts(details: Mapping[str, Any], zone: ZoneInfo) -> dict[str, object]:
    took = None if details["seconds"] is None else f"{details['seconds']:,.0f} s"
    return {
        "业务日期 Business date": details["as_of"],
        "运行 Run": details["run_id"],
        "开始 Began": local(details["started_at"], zone),
        "用时 Took": took,
        "驱动 Driver": details["driver"],
        "现行版次 Current edition": details["edition_id"] or "无 none",
    }


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"<h2>{text(title)}</h2>"
        yield "<ul>" + "".join(f"<li>{text(line)}</li>" for line in lines) + "</ul>"


def _incidents(incidents: Mapping[str, str]) -> Iterator[str]:
    if incidents:
        yield "<h2>未决事项 Open incidents</h2>"
        yield table(("事项 Incident", "起始 Since"), sorted(incidents.items(), key=lambda one: (one[1], one[0])))


def _steps(steps: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> Iterator[tuple[object, ...]]:
    for line in steps:
        counts = "，".join(f"{COUNTED.get(name, name)} {count:,}" for name, count in line["counts"].items())
        ended = ENDS.get(line["ended"], line["ended"])
        shown = ended if line["ended"] == "done" else Html(f"<strong>{text(ended)}</strong>")
        name = STEPS.get(line["step"], line["step"])
        seconds = None if line["seconds"] is None else Number(f"{line['seconds']:,.1f}")
        yield name, local(line["began_at"], zone), seconds, shown, counts


def _by_agency(datasets: Iterable[Mapping[str, Any]]) -> str:
    rows: dict[str, Counter[str]] = {}
    rules: dict[str, Counter[str]] = {}
    for one in datasets:
        counted = Counter({name: one[f"rows_{name}"] or 0 for name in _ROWS})
        # Records of a dataset that is unchanged, held or failed are neither landed nor refused.
        counted["other"] = counted["received"] - sum(counted[name] for name in _ROWS[1:])
        rows.setdefault(one["source"], Counter()).update(counted)
        refused = {rule: n for rule, n in (one["counts"] or {}).items() if rule.startswith("refused:")}
        by_rule = {f"{one['dataset']}:{rule.removeprefix('refused:')}": n for rule, n in refused.items()}
        rules.setdefault(one["source"], Counter()).update(by_rule)
    heads = (
        *("机构 Agency", "收到 Received", "落地 Landed", "拒收 Refused", "重复 Repeats"),
        *("未变或暂缓 Unchanged or held", "规则 Rules"),
    )
    return table(
        heads,
        (
            (
                source,
                *(counts[name] for name in (*_ROWS, "other")),
                "，".join(f"{rule} {n}" for rule, n in rules[source].items()),
            )
            for source, counts in sorted(rows.items())
        ),
    )


_ROWS = ("received", "landed", "refused", "repeated")


def _held(details: Mapping[str, Any]) -> str:
    rows = [
        (f"{one['source']}.{one['dataset']}", "暂缓采用 held", one["message"])
        for one in details["datasets"]
        if one["state"] == "held"
    ]
    rows += [(name, "陈旧 stale", why) for name, why in details["stale"].items()]
    return table(("数据集 Dataset", "状态 State", "说明 Why"), rows) if rows else _NONE


def _gate(details: Mapping[str, Any]) -> Iterator[str]:
    verdict = details["verdict"]
    if verdict is None:
        yield "<p>未到闸门 The gate was not reached.</p>"
        return
    # The page of the gate stands in the folder of the run, beside this one.
    link = f'<a href="{text(details["run_id"])}/gate.html">全部检查 every check</a>' if details["gate_page"] else ""
    yield f"<p><strong>{text(STATES[verdict['state']])}</strong> {link}</p>"
    yield counts_of(verdict)
    yield checks_table(verdict["checks"])


def _changed(details: Mapping[str, Any]) -> Iterator[str]:
    changed = [
        (f"{one['source']}.{one['dataset']}", one["changed"], one["warned"])
        for one in details["datasets"]
        if one["changed"]
    ]
    heads = ("数据集 Dataset", "未超限变化 Changed within its limits", "请核对 To be looked at")
    yield table(heads, changed) if changed else _NONE
    yield from figures_compared((details["verdict"] or {}).get("against"))


def _deliveries(details: Mapping[str, Any], zone: ZoneInfo) -> str:
    sent = [
        *((one, f"数据包 package {one['number']}") for one in details["deliveries"]),
        *((one, "通知 notice") for one in details["notices"]),
        *((one, f"{what} {_refused(one)}") for name, what in SENT.items() for one in details["sent"][name]),
    ]
    heads = (
        *("接收方 Recipient", "内容 What", "状态 State", "行数 Rows", "未获授权 Denied"),
        *("送达时间 Sent", "回复或期限 Answer, or when due", "错误 Error"),
    )
    return table(heads, [_delivery(one, what, zone) for one, what in sent]) if sent else _NONE


def _delivery(one: Mapping[str, Any], what: str, zone: ZoneInfo) -> Sequence[object]:
    """A row of the ledger or a line of the report, which have not all of it."""
    answer = " ".join(filter(None, (one.get("ack_state"), one.get("ack_reason")))) or one.get("ack_due_on")
    sent_at = local(one["sent_at"], zone) if one.get("sent_at") else None
    error = one.get("last_error") or one.get("error")
    return one["recipient"], what, one["state"], one.get("rows"), one.get("denied"), sent_at, answer, error


def _refused(one: Mapping[str, Any]) -> str:
    """How many records a return refuses."""
    return f"拒收 refused {one['refused']:,}" if "refused" in one else ""


def _trends(nights: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    by_day: dict[str, Mapping[str, Any]] = {}
    for one in nights:
        if one["seconds"] is not None:
            by_day.setdefault(one["as_of"], one)
    last = sorted(by_day.items())[-TREND_NIGHTS:]
    if len(last) < 2:
        yield _FIRST
        return
    from editions.charts import Point, bars, lines

    took = [Point(day[5:], one["seconds"]) for day, one in last]
    yield f"<figure>{bars(took, '用时 Duration', '秒 seconds')}</figure>"
    for name, title in (("received", "收到行数 Rows received"), ("refused", "拒收行数 Rows refused")):
        rows = [Point(day[5:], one["rows"][name] if one["rows"] else None) for day, one in last]
        yield f"<figure>{lines(rows, title, '行 rows')}</figure>"
