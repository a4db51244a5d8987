"""The edition against the one before it: each figure below, at and beyond its limit, by the reason why they differ."""

import json
from datetime import date, timedelta

import duckdb
import pytest

from expectations.against import LEAST, audit_against, compare_editions, stability_index
from expectations.gate import audit
from expectations.gate_page import gate_page
from expectations.suites import CHANGES, EDITION, FIGURES, SUITES, load_suites
from expectations.verdict import decide, overridden
from ledger.overrides import Override
from tests.unit.small_edition import make_candidate, seal_small

DAY = date(2025, 6, 30)
CHECKS = next(suite for suite in load_suites(SUITES)[0] if suite.table == EDITION).checks
BY_NAME = {check.name: check for check in CHECKS}
# ruff: noqa: S608  # SQL of this test
TABLES = """
create table ruleset_in_force as select '{ruleset}' as ruleset_id, date '{day}' as as_of, {year} as reporting_year;
create table supply as select * from (values
    ('tax', 'statements', true, false), ('patent', 'applications', {supplied}, {stale})
) t(source, dataset, is_supplied, is_stale);
create table firms as select i, printf('91441300MA%08d', i) as uscc,
    cast(100 - i * 90.0 / {size} as decimal(9, 4)) as score, true as is_ranked from range({size}) t(i);
{changes}
create table rankings as select uscc, '企业' || i as enterprise_name, is_ranked, score,
    case when is_ranked then rank() over (partition by is_ranked order by score desc) end as rank_overall,
    '{ruleset}' as ruleset_id, {year} as reporting_year, date '{day}' as as_of from firms;
create table points as select uscc, indicator_code, cast(score / 10 as decimal(18, 6)) as points,
    10.0 as points_maximum, 0.0 as points_minimum from firms cross join (values ('C01'), ('C09')) t(indicator_code);
{later}
"""


@pytest.fixture
def edition(tmp_path):
    """Makes tables of a thousand firms, as a warehouse and as the folder of an edition."""

    def made(name, changes="", later="", day=DAY, **facts):
        told = {"ruleset": "national-2024", "year": 2024, "size": 1000, "supplied": "true", "stale": "false", **facts}
        folder = tmp_path / name / "tables"
        folder.mkdir(parents=True)
        warehouse = folder.parent / "candidate.duckdb"
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(TABLES.format(changes=changes, later=later, day=day, **told))
            for table in ("rankings", "points", "supply"):
                connection.execute(f"copy {table} to '{folder / table}.parquet'")
        return warehouse

    return made


@pytest.fixture
def before(edition):
    return edition("before").parent


def judged(warehouse, previous, **said):
    results, told = audit_against(CHECKS, warehouse, previous, **said)
    return {one.name: one for one in results}, told


def test_the_same_again_moves_nothing_and_every_figure_is_evaluated(edition, before):
    results, told = judged(edition("now", day=DAY + timedelta(days=1)), before)
    assert {one.outcome for one in results.values()} == {"passed"}
    assert min(one.evaluated_rows for one in results.values()) == 1000
    assert told["change"] == "nightly"
    still = {one["figure"]: one["value"] for one in told["figures"]}
    assert still == dict.fromkeys(FIGURES, 0.0) | {"kendall_tau": 1.0, "first_100_kept_pct": 100.0}


def test_a_first_edition_is_compared_with_nothing_and_does_not_pass_for_it(edition):
    results, told = judged(edition("now"), None)
    assert told is None
    assert {one.outcome for one in results.values()} == {"not_applicable"}
    assert {one.observed for one in results.values()} == {
        "there is no previous edition, or none that has what is compared"
    }
    assert {one.evaluated_rows for one in results.values()} == {0}


def leave(n):
    return f"update firms set is_ranked = false where i % 10 = 5 and i < {n} * 10;"


@pytest.mark.parametrize(
    ("n", "outcome", "severity"),
    [(10, "passed", "critical"), (11, "failed", "warning"), (30, "failed", "warning"), (31, "failed", "critical")],
)
def test_below_and_at_a_limit_passes_beyond_the_first_warns_beyond_the_second_blocks(
    edition, before, n, outcome, severity
):
    left = judged(edition("now", leave(n)), before)[0]["left_pct"]
    assert (left.outcome, left.severity, left.blocks) == (
        outcome,
        severity,
        outcome == "failed" and severity == "critical",
    )
    assert left.observed.startswith(f"{n / 10:g} (nightly: at most 1, 3 blocks)")
    assert ("91441300MA00000005 6" in left.observed) is (outcome == "failed")


def test_a_place_shared_at_the_edge_of_the_first_is_not_left_by_all_who_share_it(edition, previous_of_ties):
    overtaken = f"{TIES} update firms set score = 99 where i = 999;"
    results, _ = judged(edition("now", overtaken, day=DAY + timedelta(days=1)), previous_of_ties)
    assert results["first_100_kept_pct"].observed.startswith("100 ")
    gone = f"{TIES} update firms set is_ranked = false where i between 85 and 92;"
    results, _ = judged(edition("later", gone, day=DAY + timedelta(days=1)), previous_of_ties)
    assert results["first_100_kept_pct"].outcome == "failed"


TIES = "update firms set score = 90 where i between 70 and 129;"


@pytest.fixture
def previous_of_ties(edition):
    """Sixty share a place, half of them beyond the hundredth."""
    return edition("ties", TIES).parent


MOVES = {
    "kendall_tau": "update firms set score = 100 - score;",
    "places_moved_over_1_pct": "update firms set score = score + (i % 2) * 2.5;",
    "places_moved_over_5_pct": "update firms set score = score + (i % 3 % 2) * 10;",
    "places_moved_over_10_pct": "update firms set score = score + 40 where i % 10 = 5;",
    "scores_moved_over_1_point": "update firms set score = score + 1.01 where i % 3 = 0;",
    "scores_moved_over_5_points": "update firms set score = score + 5.01 where i % 9 = 0;",
    "first_100_kept_pct": "update firms set score = score - 20 where i < 16;",
    "stability_of_scores": "update firms set score = score / 2;",
    "entered_pct": "insert into firms select 1000 + i, 'new' || i, score, true from firms where i % 4 = 0;",
    "left_pct": leave(31),
}


@pytest.mark.parametrize(("name", "changes"), MOVES.items())
def test_each_figure_sees_the_fault_that_it_is_for_names_who_shows_it_and_blocks(edition, before, name, changes):
    found = judged(edition("now", changes), before)[0][name]
    assert (found.outcome, found.severity, found.blocks) == ("failed", "critical", True)
    shown = found.observed.partition("): ")[2]
    assert shown.startswith("new" if name == "entered_pct" else "91441300MA")


def test_an_indicator_that_lost_its_shape_is_named(edition, before):
    emptied = "update points set points = null where indicator_code = 'C09';"
    found = judged(edition("now", later=emptied), before)[0]["stability_of_indicators"]
    assert found.blocks
    assert found.observed.partition("): ")[2].startswith("C09 ")


KINDS = {
    "nightly": {},
    "rule_change": {"ruleset": "national-2026", "year": 2025},
    "new_year": {"year": 2025},
    "after_outage": {"supplied": "false"},
    "correction": {},
}


@pytest.mark.parametrize(("change", "facts"), KINDS.items())
def test_each_reason_to_differ_is_known_by_the_two_editions_and_has_limits_of_its_own(edition, before, change, facts):
    now = edition("now", leave(31), **facts)
    results, told = judged(now, before, is_correction=change == "correction")
    assert told["change"] == change
    limit = next(one for one in BY_NAME["left_pct"].limits if one.change == change)
    assert (results["left_pct"].outcome == "failed") is (limit.warning < 3.1)
    assert results["left_pct"].blocks is (change == "nightly")
    assert (results["left_pct"].why, results["left_pct"].why_zh) == (limit.why, limit.why_zh)


@pytest.mark.parametrize(
    ("before_facts", "now_facts", "change"),
    [
        ({"stale": "true"}, {}, "after_outage"),
        ({"supplied": "false"}, {}, "after_outage"),
        ({}, {"stale": "true"}, "nightly"),
        ({}, {"day": DAY + timedelta(days=7)}, "nightly"),
        ({}, {"day": DAY + timedelta(days=8)}, "after_outage"),
    ],
)
def test_what_comes_back_and_a_pause_are_an_outage(edition, before_facts, now_facts, change):
    previous = edition("then", **before_facts).parent
    assert judged(edition("now", **now_facts), previous)[1]["change"] == change


def test_the_first_night_of_a_calendar_year_is_of_a_new_year(edition):
    previous = edition("then", day=date(2024, 12, 31)).parent
    assert judged(edition("now", day=date(2025, 1, 1)), previous)[1]["change"] == "new_year"


def test_no_limit_of_a_night_is_looser_than_that_of_another_reason():
    for check in CHECKS:
        sign = -1 if check.name in ("kendall_tau", "first_100_kept_pct") else 1
        limits = {limit.change: limit for limit in check.limits}
        assert limits.keys() == set(CHANGES)
        for limit in check.limits:
            assert sign * limit.warning >= sign * limits["nightly"].warning
            assert limit.critical is None or sign * limit.critical >= sign * limits["nightly"].critical
            assert limit.critical is None or sign * limit.critical > sign * limit.warning


def test_of_few_enterprises_nothing_follows_and_a_field_that_shrank_to_few_is_not_let_off(edition, before):
    few = edition("few", size=LEAST - 1)
    results, _ = judged(edition("now", MOVES["kendall_tau"], size=LEAST - 1), few.parent)
    assert {one.outcome for one in results.values()} == {"not_applicable"}
    results, _ = judged(few, before)
    assert results["left_pct"].blocks


def test_two_editions_without_a_common_enterprise_or_indicator_fail_unless_the_rules_are_others(edition, before):
    others, renamed = (
        "update firms set uscc = 'x' || uscc;",
        "update points set indicator_code = 'X' || indicator_code;",
    )
    results, _ = judged(edition("now", others, renamed), before)
    assert {name for name, one in results.items() if one.blocks} >= {
        "kendall_tau",
        "left_pct",
        "stability_of_indicators",
    }
    results, _ = judged(edition("ruled", "", renamed, ruleset="sme-2026"), before)
    assert results["stability_of_indicators"].outcome == "not_applicable"


def test_a_comparison_that_cannot_be_made_blocks(edition, before):
    (before / "tables" / "points.parquet").unlink()
    results, told = judged(edition("now"), before)
    assert told is None
    assert all(one.outcome == "error" and one.blocks for one in results.values())


def test_an_override_covers_a_figure_as_any_other_check(edition, before):
    results, _ = judged(edition("now", leave(31)), before)
    verdict = decide(list(results.values()), ())
    checks = ("edition.left_pct", "edition.places_moved_over_1_pct")
    assert {f"edition.{one.name}" for one in verdict.blocking} == set(checks)
    allowed = Override("abc", checks, "a park moved away", "2025-06-30", "2025-07-01", ("甲", "乙"))
    assert (verdict.state, overridden(verdict, [allowed]).state) == ("blocked", "passed")


@pytest.mark.parametrize(
    ("was", "is_now", "index"),
    [({1: 50, 2: 50}, {1: 50, 2: 50}, 0), ({1: 50, 2: 50}, {1: 40, 2: 60}, 0.0405), ({1: 100}, {2: 100}, 10.5437)],
)
def test_the_stability_index_is_that_of_the_books(was, is_now, index):
    assert stability_index(was, is_now) == pytest.approx(index, abs=0.0001)


def test_kendall_s_tau_is_the_share_of_pairs_in_order_less_those_turned_round(edition, before):
    first_to_last = "update firms set score = 1 where i = 0;"
    tau = compare_editions(edition("now", first_to_last), before).figures["kendall_tau"]
    assert tau == pytest.approx(1 - 2 * 999 / (1000 * 999 / 2), abs=0.0001)


def test_figures_limits_and_indicators_are_on_the_page_and_in_the_verdict(tmp_path):
    previous = seal_small(tmp_path, make_candidate(tmp_path)).path
    candidate = make_candidate(tmp_path, "run-2")
    verdict = audit(candidate.warehouse, previous).as_dict()
    assert json.loads(json.dumps(verdict["against"]))["both"] == 6
    page = gate_page(verdict, candidate.warehouse, previous, {}, [])
    assert "名次一致性（肯德尔 τ） order kept, Kendall&#x27;s tau</td><td>1.0</td><td>≥ 0.97</td><td>≥ 0.88" in page
    assert "日常版次 an ordinary night" in page
    assert ">C09</td>" in page


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        (
            lambda text: text.replace("change: new_year", "change: nightly", 1),
            "one row for each of rule_change, new_year",
        ),
        (lambda text: text.replace("name: left_pct", "name: gone_pct"), "compares kendall_tau"),
        (
            lambda _: "table: edition\nchecks:\n  - {name: a, severity: critical, why: a reason, sql: select 1}\n",
            "compares",
        ),
        (None, "suite edition.yml is not in suites"),
    ],
)
def test_limits_that_are_not_whole_block(tmp_path, spoilt, problem):
    suites = tmp_path / "suites"
    suites.mkdir()
    if spoilt is not None:
        text = (SUITES / "edition.yml").read_text(encoding="utf-8")
        (suites / "edition.yml").write_text(spoilt(text), encoding="utf-8")
    _, problems = load_suites(suites, (EDITION,))
    assert any(problem in one for one in problems)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("critical: 0.88", "critical: -0.88", "a limit of nightly is not within 0 and 1"),
        ("critical: 0.88", "critical: 88", "a limit of nightly is not within 0 and 1"),
        ("warning: 0.97", "warning: 0.7", "of nightly `critical` would block what `warning` only warns of"),
    ],
)
def test_limits_that_contradict_or_never_hold_are_refused(tmp_path, old, new, told):
    text = (SUITES / "edition.yml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "edition.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    _, problems = load_suites(tmp_path, ())
    assert told in " ".join(problems)
