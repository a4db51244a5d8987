"""What a night leaves behind: its page, its figures and its log. None of them shows a secret or fails a night."""

import base64
import json
import logging
import os
import re
import uuid
from datetime import timedelta
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.sink_files import read_sinks
from connectors.source_files import read_sources
from connectors.strict import OPEN_FIELDS, variables_in
from flows import left_behind, recipe
from flows.left_behind import leave_behind, page_path
from flows.lineage import lineage_path
from flows.metrics import METRICS, metrics_path
from flows.night_log import HIDDEN, kept_log, log_path
from ledger.runs import end_run, latest_runs, run_row, start_run
from tests.unit.made_up_nights import BLOCKED, DAY, ledger_of_nights
from tests.unit.test_gate_page import HOSTILE, tags_of

log = logging.getLogger("jifen")


@pytest.fixture
def ledger(settings):
    return ledger_of_nights(settings)


@pytest.fixture
def blocked(ledger):
    return next(run["run_id"] for run in latest_runs(ledger, 5) if run["state"] == "blocked")


def page_of(settings, ledger, run_id):
    left_behind.write_page(settings, ledger, run_row(ledger, run_id))
    return page_path(settings.data_dir, run_id).read_text(encoding="utf-8")


def test_the_page_tells_the_night_and_the_nights_before_it(settings, ledger, blocked):
    end_run(ledger, start_run(ledger, DAY - timedelta(days=1), "plain"), "published", None, {})
    content = page_of(settings, ledger, blocked)
    for part in (
        "Night of 2025-06-30: 闸门拦截 blocked",
        "publication blocked by 1 of 2 checks.",
        "<td>采集 pull</td><td>2025-06-30 22:30:00</td>",
        '<td class="number">12.5</td><td>完成 done</td><td>收到 received 7，拒收 refused 1</td>',
        "<strong>拦截 blocked</strong>",
        '<td>tax</td><td class="number">7</td><td class="number">6</td><td class="number">1</td>',
        "<td>vat:uscc:uscc_length 1</td>",
        "<td>talent.persons</td><td>暂缓采用 held</td>",
        "<td>held: talent.persons</td><td>2025-06-28</td>",
        "rankings.is_whole",
        "<li>bank_a.loans: refused. Whose: agency.</li>",
        "06-30",
    ):
        assert part in content, part
    tags = tags_of(content)
    assert tags.tags.count("svg") == 3
    assert "script" not in tags.tags
    assert not [link for link in tags.links if ":" in link]
    assert content == page_of(settings, ledger, blocked)


def test_nothing_of_what_came_from_outside_is_markup_on_the_page(settings, ledger):
    hostile = json.loads(json.dumps(BLOCKED).replace("refused. Whose: agency.", json.dumps(HOSTILE)[1:-1]))
    hostile["pulled"][0] |= {"dataset": HOSTILE, "changed": HOSTILE, "counts": {f"refused:{HOSTILE}": 2}}
    run_id = start_run(ledger, DAY, HOSTILE)
    end_run(ledger, run_id, "failed", None, {**hostile, "stale": {HOSTILE: HOSTILE}, "late_acks": [HOSTILE]})
    assert "script" not in tags_of(page_of(settings, ledger, run_id)).tags


def test_the_newest_page_is_the_one_that_latest_points_to(settings, ledger, blocked):
    newest = latest_runs(ledger)[0]["run_id"]
    for run_id in (newest, blocked):
        leave_behind(settings, ledger, run_id)
    assert (settings.data_dir / "reports" / "latest.html").resolve() == page_path(settings.data_dir, newest)


def test_the_page_of_a_run_that_was_killed_is_written_by_the_next(settings, ledger):
    killed = latest_runs(ledger)[0]["run_id"]
    assert not page_path(settings.data_dir, killed).exists()
    recipe.run_night(settings, DAY, "plain", recipe.Steps(lambda _: [], *[lambda *_: []] * 5))
    content = page_path(settings.data_dir, killed).read_text(encoding="utf-8")
    assert ("process died" in content, "未结束 not ended" in content) == (True, True)
    events = lineage_path(settings.data_dir, killed).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["eventType"] for line in events] == ["START", "FAIL"]


def test_every_night_leaves_page_figures_and_log_and_what_cannot_be_written_fails_none(settings, monkeypatch):
    def steps(why):
        def broken(_night):
            raise OSError(why)

        return recipe.Steps(broken, *[lambda *_: []] * 5)

    first = recipe.run_night(settings, DAY, "plain", steps("no disk")).report["run_id"]
    left = [path(settings.data_dir, first) for path in (page_path, log_path)] + [metrics_path(settings.data_dir)]
    assert [path.stat().st_mode & 0o077 for path in left] == [0, 0, 0]
    (settings.data_dir / "reports" / "latest.html").unlink()
    monkeypatch.setattr(left_behind, "night_page", lambda *_: 1 / 0)
    second = recipe.run_night(settings, DAY, "plain", steps("no disk"))
    assert second.state == "failed"
    assert not page_path(settings.data_dir, second.report["run_id"]).exists()
    assert metrics_path(settings.data_dir).stat().st_mtime >= left[0].stat().st_mtime
    lines = log_path(settings.data_dir, second.report["run_id"]).read_text(encoding="utf-8").splitlines()
    assert "the night's page: not written: " in json.loads(lines[-1])["message"]


def families_of(settings):
    text = metrics_path(settings.data_dir).read_text(encoding="utf-8")
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_the_figures_are_read_by_prometheus_own_parser(settings, ledger, blocked):
    leave_behind(settings, ledger, blocked)
    found = families_of(settings)
    values = {(one.name, *sorted(one.labels.items())): one.value for family in found.values() for one in family.samples}
    assert values["jifen_run_state", ("state", "blocked")] == 1
    assert values["jifen_run_state", ("state", "published")] == 0
    assert values["jifen_step_duration_seconds", ("step", "gate")] == 12.5
    of_loans = (("dataset", "loans"), ("source", "bank_a"))
    assert [values[f"jifen_dataset_{what}", *of_loans] for what in ("failed", "held", "refused_rows")] == [1, 0, 1]
    assert values["jifen_undelivered", ("kind", "delivery")] == 0
    assert values[("jifen_data_folder_free_bytes",)] > 0


def test_each_metric_is_named_by_the_rules_of_prometheus_and_stands_in_the_manual():
    from ledger.settings import PROJECT_DIR

    manual = (PROJECT_DIR / "docs" / "operating.md").read_text(encoding="utf-8")
    for name in METRICS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert not name.endswith(("_total", "_count", "_sum", "_bucket", "_info", "_minutes", "_ms"))
        assert f"`jifen_{name}`" in manual, name


def test_the_lineage_says_what_a_night_read_and_made_and_how_it_ended(settings, ledger, blocked):
    leave_behind(settings, ledger, blocked)
    lines = lineage_path(settings.data_dir, blocked).read_text(encoding="utf-8").splitlines()
    start, end = map(json.loads, lines)
    assert (start["eventType"], end["eventType"], end["run"]["facets"]["errorMessage"]["message"]) == (
        *("START", "FAIL"),
        "publication blocked by 1 of 2 checks.",
    )
    assert start["run"]["runId"] == end["run"]["runId"] == str(uuid.UUID(end["run"]["runId"]))
    read = {one["name"]: one["inputFacets"]["inputStatistics"]["rowCount"] for one in end["inputs"]}
    assert (len(read), read["tax.vat"]) == (3, 6)
    assert end["outputs"] == []


def test_a_figure_that_nobody_declared_is_an_error():
    from flows.metrics import registry_of

    with pytest.raises(KeyError):
        registry_of([("surprise", {}, 1.0)])


def test_the_log_has_run_and_step_and_no_secret_in_any_form(settings, monkeypatch):
    files = [*read_sources(), *read_sinks()]
    secret = {name: f"canary/{name}+å" for file in files for name in variables_in(file, OPEN_FIELDS)}
    assert {"OPERATORS_WEBHOOK_SECRET", "BANK_B_SFTP_PASSWORD"} <= secret.keys()
    assert not {"BANK_B_SFTP_HOST", "BANK_B_SFTP_USER"} & secret.keys()
    secret["OPERATORS_WEBHOOK_URL"] = "https://example.org/hook/canary-token-of-the-bot?key=canary-key-of-the-bot"
    secret["JIFEN_LEDGER_URL"] = "postgresql://jifen:canary%2Fpass@db/jifen"
    secret["OPERATORS_WEBHOOK_SECRET"] = 'canary "one"\ncanary two'
    for name, value in secret.items():
        monkeypatch.setenv(name, value)
    report = {"run_id": "2025-06-30-a", "steps": [{"step": "pull", "ended": None}]}
    with kept_log(settings.data_dir, report) as lines:
        lines.hide(files, os.environ)
        for value in secret.values():
            log.warning("it said %s, %s, %s", value, quote(value, safe=""), base64.b64encode(value.encode()).decode())
        log.warning("it said canary-key-of-the-bot in words")
        log.warning("no answer from /hook/canary-token-of-the-bot?at=1, canary/pass, canary two")
        several = secret["OPERATORS_WEBHOOK_SECRET"]
        log.warning("%r %s", ValueError(several), json.dumps(several))
        log.warning("Basic %s", base64.b64encode(f"bank:{several}!".encode()).decode())
        log.info("one\nof two lines")
    path = log_path(settings.data_dir, "2025-06-30-a")
    text = path.read_text(encoding="utf-8")
    assert "canary" not in text
    for value in secret.values():
        for form in (value, quote(value, safe=""), base64.b64encode(value.encode()).decode().rstrip("=")):
            assert form not in text
    told = [json.loads(line) for line in text.splitlines()]
    assert len(told) == len(secret) + 5
    assert re.fullmatch(r"Basic \w{7}\*\*\*\w{0,2}=*", told[-2]["message"])
    assert {(line["run"], line["step"]) for line in told} == {("2025-06-30-a", "pull")}
    assert (told[-1]["message"], told[-1]["level"]) == ("one\nof two lines", "info")
    assert told[0]["message"].startswith(f"it said {HIDDEN}")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_longer_than_the_name_of_a_file_stops_no_night_and_is_in_no_log(settings, monkeypatch):
    token = "eyJ" + "a1B2" * 400
    monkeypatch.setenv("OPERATORS_WEBHOOK_SECRET", token)
    with kept_log(settings.data_dir, {"run_id": "2025-06-30-a"}) as lines:
        lines.hide(read_sinks(), os.environ)
        log.warning("it said %s", token)
    assert token not in log_path(settings.data_dir, "2025-06-30-a").read_text(encoding="utf-8")


def test_a_log_that_cannot_be_kept_stops_nothing(settings, caplog):
    (settings.data_dir).mkdir()
    (settings.data_dir / "logs").write_text("a file stands in its way")
    with kept_log(settings.data_dir, {"run_id": "2025-06-30-a"}):
        log.warning("the night goes on")
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the night's log is not kept",
        "the night goes on",
    ]


def test_the_trend_has_one_night_for_each_day_and_a_gap_where_nothing_was_pulled():
    from flows.night_page import TREND_NIGHTS, _trends

    nights = [{"as_of": f"2025-06-{day:02}", "seconds": 60.0, "rows": None} for day in range(30, 0, -1)]
    again = [{"as_of": "2025-06-30", "seconds": None, "rows": None}, *nights]
    drawn = list(_trends(again))
    assert len(drawn) == 3
    assert f"06-{31 - TREND_NIGHTS:02}" in drawn[0]
    assert f"06-{30 - TREND_NIGHTS:02}" not in drawn[0]
    none = ["<p>自第二夜起有图。Charts begin with the second night.</p>"]
    assert list(_trends(nights[:1])) == list(_trends([])) == none
