import json
import shutil

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.gate import PublicationBlocked, audit, require_passed
from expectations.names import read_names
from expectations.suites import SUITES
from ledger.yaml_file import read_yaml
from tests.unit.small_edition import make_candidate, seal_small

NOT_ASKED = ("data_flags", "edition", "bank_prospects")
"""Of six enterprises without a flag, shown to no bank, none applies."""
HEAD = "table: rankings\nchecks:\n"


def check(name, severity="critical", **rest):
    return f"  - {json.dumps({'name': name, 'severity': severity, 'why': 'the test says so', **rest})}\n"


def column(name, expectation, column, severity="critical", **kwargs):
    return check(name, severity, expectation=expectation, kwargs={"column": column, **kwargs})


def only(sign):
    """A condition on the rows of a check; how many are left, the library does not say."""
    return {"row_condition": f'col("uscc") {sign} "nobody"', "condition_parser": "great_expectations"}


BEYOND = "select count(*) from {rankings} where score > 1000"


def audited(tmp_path, *checks, changes="", head=HEAD, name="rankings.yml", required=()):
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / name).write_text(head + "".join(checks))
    return audit(make_candidate(tmp_path, changes=changes).warehouse, None, suites, required)


def only_asked(tmp_path, *places):
    """The project's own suites with these questions alone, by table and name or by table: all others cost seconds."""
    suites = tmp_path / "suites"
    suites.mkdir()
    for table in {place.partition(".")[0] for place in places}:
        suite = read_yaml((SUITES / f"{table}.yml").read_bytes())
        checks = [one for one in suite["checks"] if {table, f"{table}.{one['name']}"} & {*places}]
        (suites / f"{table}.yml").write_text(json.dumps(suite | {"checks": checks}), encoding="utf-8")
    return suites


def outcomes(verdict):
    return {check.name: check.outcome for check in verdict.checks}


def test_a_sound_candidate_passes_the_house_s_own_suites_and_its_successor_is_compared_with_it(tmp_path):
    first = make_candidate(tmp_path / "it's [day] {one} $HOME :1 日")
    alone = audit(first.warehouse, None)
    require_passed(alone)
    assert {check.observed for check in alone.checks if check.outcome == "not_applicable"} == {
        "there is no previous edition, or none that has what is compared",
        "the table is empty, and its suite says when that is in order",
    }
    assert all(check.evaluated_rows > 0 for check in alone.checks if check.outcome != "not_applicable")

    edition = seal_small(tmp_path / "it's [day] {one} $HOME :1 日", first).path
    require_passed(again := audit(make_candidate(tmp_path, "run-2").warehouse, edition))
    assert {check.table for check in again.checks if not check.passed} == set(NOT_ASKED)
    assert {check.outcome for check in again.checks if check.table == "edition"} == {"not_applicable"}
    assert again.as_dict() == audit(make_candidate(tmp_path, "run-3").warehouse, edition).as_dict()
    evaluated = [check for check in again.checks if check.table not in NOT_ASKED]
    assert json.loads(json.dumps(again.as_dict()))["evaluated"] == len(evaluated)

    in_yuan = "update points set value = value * 10000 where indicator_code = 'C09';"
    verdict = audit(make_candidate(tmp_path, "run-4", in_yuan).warehouse, edition)
    blocking = {check.name: check.observed for check in verdict.blocking}
    assert set(blocking) == {
        "medians_are_near_those_of_the_previous_edition",
        "what_is_counted_adds_up_to_the_value",
    }
    assert (
        "indicator_code=C09, compared=6, median_ratio=10000.0"
        in (blocking["medians_are_near_those_of_the_previous_edition"])
    )


@pytest.mark.parametrize(
    ("changes", "blocking"),
    [
        ("delete from points where uscc like '%1';", "points.every_enterprise_has_every_indicator"),
        ("delete from rankings where uscc like '%7' or uscc like '%2';", "rankings.every_eligible_enterprise_is_here"),
        ("update points set points = points - 1 where uscc like '%6';", "points.points_add_up_to_the_total"),
        ("update rankings set rank_overall = 2 where rank_overall = 1;", "rankings.someone_is_first"),
        ("update rankings set rank_overall = 3 where rank_overall = 2;", "rankings.ranks_are_competition_ranks"),
        ("update rankings set enterprise_name = '李四13812345678';", "rankings.no_mobile_numbers"),
        ("update reasons set reason_zh = '身份证 441302199001011234';", "reasons.no_identity_numbers"),
        ("update rankings set uscc = 'I' || uscc[2:] where uscc like '%3';", "rankings.codes_have_their_form"),
        ("update supply set is_supplied = false;", "supply.critical_datasets_are_supplied_or_declared_not_to_be"),
        ("delete from ext_bank__scores;", "ext_bank__scores.has_rows"),
        ("drop table reasons;", "reasons.has_rows"),
        ("update rankings set peers_overall = null;", "rankings.ranks_are_competition_ranks"),
        ("update rankings set peers_in_stage = null;", "rankings.ranks_are_competition_ranks"),
        ("update rankings set peers_in_industry = null;", "rankings.ranks_are_competition_ranks"),
        ("update rankings set enterprise_name = null;", "rankings.names_are_present"),
        ("update rankings set enterprise_name = ' ' where uscc like '%4';", "rankings.names_are_present"),
        ("update ext_bank__scores set peers_overall = null;", "ext_bank__scores.scores_are_those_of_the_rankings"),
        ("update ext_bank__scores set enterprise_name = null;", "ext_bank__scores.names_are_those_of_the_rankings"),
    ],
)
def test_a_planted_defect_is_blocked_by_the_check_that_is_for_it(tmp_path, changes, blocking):
    verdict = audit(make_candidate(tmp_path, changes=changes).warehouse, None, only_asked(tmp_path, blocking), ())
    assert verdict.state == "blocked"
    assert blocking in {f"{check.table}.{check.name}" for check in verdict.blocking}


@pytest.mark.parametrize(("points", "is_right"), [("10.000002", True), ("9.999998", False)])
def test_ranks_are_by_the_points_where_scores_are_equal_in_all_the_digits_shown(tmp_path, points, is_right):
    changes = f"update rankings set points_total = {points}, score = 10 where uscc like '%2';"  # noqa: S608 - values of this test
    suites = only_asked(tmp_path, "rankings.ranks_are_competition_ranks")
    (check,) = audit(make_candidate(tmp_path, changes=changes).warehouse, None, suites, ()).checks
    assert check.passed is is_right


CLEAN = "update rankings set active_credit_events = 0;"
SILENT = "update rankings set active_credit_events = null;"
DECLARED = "update supply set is_supplied = false, learned_on = null, reason = 'declared' where source = 'credit';"


@pytest.mark.parametrize(
    ("before", "after", "not_passed"),
    [
        ("", CLEAN, {"credit_does_not_vanish"}),
        ("", SILENT, {"credit_does_not_vanish", "credit_is_known"}),
        ("", "update rankings set active_credit_events = 1 where uscc like '%1';", {"credit_does_not_vanish"}),
        ("", "update rankings set active_credit_events = 2 where uscc like '%1';", set()),
        ("", "update rankings set active_credit_events = null where uscc like '%2';", {"credit_is_known"}),
        ("", DECLARED + SILENT, set()),
        ("update rankings set active_credit_events = 3 where uscc like '%1';", CLEAN, set()),
        (DECLARED + SILENT, "", set()),
        (DECLARED + SILENT, DECLARED + SILENT, set()),
    ],
)
def test_credit_does_not_vanish_overnight_unless_it_is_declared(tmp_path, before, after, not_passed):
    edition = seal_small(tmp_path, make_candidate(tmp_path, "run-1", before)).path
    # The suites that ask about credit, or what is supplied.
    suites = only_asked(tmp_path, "rankings", "supply", "credit_reports", "evidence")
    verdict = audit(make_candidate(tmp_path, "run-2", after).warehouse, edition, suites, ())
    assert {check.name for check in verdict.checks if not check.passed} == not_passed
    assert verdict.state == ("blocked" if "credit_does_not_vanish" in not_passed else "passed")


def test_a_table_that_the_previous_edition_never_had_is_not_compared_and_one_that_it_lost_blocks(tmp_path):
    compares = check("compared", needs="previous_edition", sql="select 1 from {previous_weights} where false")
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / "rankings.yml").write_text(HEAD + compares)
    edition = seal_small(tmp_path, make_candidate(tmp_path, "run-1")).path
    verdict = audit(make_candidate(tmp_path, "run-2").warehouse, edition, suites, ())
    assert outcomes(verdict) == {"compared": "not_applicable"}

    (suites / "rankings.yml").write_text(HEAD + compares.replace("weights", "points"))
    (edition / "tables" / "points.parquet").unlink()
    assert outcomes(audit(make_candidate(tmp_path, "run-3").warehouse, edition, suites, ())) == {"compared": "error"}


def test_codes_of_digits_alone_are_not_taken_for_a_person_s_number(tmp_path):
    renamed = "".join(
        f"update {table} set uscc = '91441302199001012' || right(uscc, 1);"  # noqa: S608  # our own tables
        for table in ("enterprises", "rankings", "points", "reasons", "evidence", "ext_bank__scores")
    )
    require_passed(audit(make_candidate(tmp_path, changes=renamed).warehouse, None))


def test_an_extract_may_be_empty_only_where_consents_are_declared_not_supplied(tmp_path):
    none = "delete from ext_bank__scores;"
    declared = "update supply set is_supplied = false, reason = 'declared' where source = 'science';"
    verdict = audit(make_candidate(tmp_path, changes=none + declared).warehouse, None)
    require_passed(verdict)
    assert {check.outcome for check in verdict.checks if check.table == "ext_bank__scores"} == {"not_applicable"}


EVERY_OUTCOME = [
    ("passed", column("sound", "ExpectColumnValuesToBeBetween", "score", min_value=0, max_value=100)),
    ("failed", column("wrong", "ExpectColumnValuesToBeBetween", "score", min_value=50, max_value=100)),
    ("failed", column("mild", "ExpectColumnValuesToBeBetween", "score", "warning", min_value=50, max_value=100)),
    ("not_evaluated", column("all_null", "ExpectColumnValuesToBeInSet", "unranked_reason", value_set=["x"])),
    ("not_evaluated", column("null_2", "ExpectColumnValuesToBeInSet", "unranked_reason", "warning", value_set=["x"])),
    ("not_evaluated", column("none_is_it", "ExpectColumnValuesToBeBetween", "score", min_value=0, **only("=="))),
    ("not_evaluated", column("how_many", "ExpectColumnMaxToBeBetween", "score", max_value=100, **only("!="))),
    ("error", column("no_such_column", "ExpectColumnValuesToNotBeNull", "salary")),
    ("error", column("no_such_expectation", "ExpectTheBest", "score")),
    ("error", column("wrong_arguments", "ExpectColumnValuesToBeBetween", "score", minimum=0)),
    ("passed", check("sql_sound", sql="select uscc from {rankings} where regexp_matches(uscc, '^x{2}') -- none")),
    ("failed", check("sql_wrong", sql="select uscc from {rankings} where score < 20 and '12:30' <> ':x'")),
    ("error", check("sql_raises", "warning", sql="select nothing from {rankings}")),
    ("not_evaluated", check("over_nothing", sql="select 1 where false", over=BEYOND)),
    ("error", check("sql_of_unknown_table", sql="select 1 from {nowhere}")),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_blocks_and_what_does_not(tmp_path):
    # One candidate and one suite for all ways a check can come out: Great Expectations is dear to start.
    verdict = audited(tmp_path, *(asked for _, asked in EVERY_OUTCOME))
    found = {check.name: check for check in verdict.checks}
    assert [check.outcome for check in verdict.checks] == [outcome for outcome, _ in EVERY_OUTCOME]
    assert {name for name, check in found.items() if not check.blocks} == {"sound", "mild", "sql_sound"}
    assert found["sql_wrong"].observed == "observed 1 of 6: uscc=91441300MA00000001"
    assert verdict.state == "blocked"
    with pytest.raises(PublicationBlocked, match=r"rankings\.wrong failed .*Whose: .*jifen run"):
        require_passed(verdict)


def test_a_warning_alone_does_not_block(tmp_path):
    verdict = audited(
        tmp_path, column("mild", "ExpectColumnValuesToBeBetween", "score", "warning", min_value=50, max_value=100)
    )
    assert (verdict.state, [check.name for check in verdict.warnings]) == ("passed", ["mild"])


def test_an_empty_table_blocks_although_great_expectations_finds_nothing_wrong_in_it(tmp_path):
    verdict = audited(
        tmp_path,
        column("unique", "ExpectColumnValuesToBeUnique", "uscc"),
        check("counted", expectation="ExpectTableRowCountToBeBetween", kwargs={"min_value": 0}),
        check("sql", sql="select uscc from {rankings}"),
        changes="delete from rankings;",
    )
    assert set(outcomes(verdict).values()) == {"not_evaluated"}
    assert verdict.state == "blocked"


def test_a_check_that_was_declared_and_not_answered_blocks(tmp_path, monkeypatch):
    import expectations.gate

    monkeypatch.setattr(expectations.gate, "run_suites", lambda *_: {})
    verdict = audited(tmp_path, column("forgotten", "ExpectColumnValuesToBeUnique", "uscc"))
    assert (verdict.state, outcomes(verdict)) == ("blocked", {"forgotten": "not_evaluated"})


@pytest.mark.parametrize(
    ("head", "checks", "name", "problem"),
    [
        ("table: rankings\nchecks: []\n", [], "rankings.yml", "at least 1 item"),
        ("", [], "rankings.yml", "rankings.yml"),
        ("table: rankings\n", [], "rankings.yml", "checks: Field required"),
        (HEAD, [check("typo", severty="x", sql="select 1")], "rankings.yml", "severty: Extra inputs"),
        (HEAD, [check("both", sql="select 1", expectation="X")], "rankings.yml", "either `expectation` or `sql`"),
        (HEAD, [check("twice", sql="select 1")] * 2, "rankings.yml", "same name"),
        (HEAD, [check("lax", expectation="X", kwargs={"mostly": 0})], "rankings.yml", "mostly"),
        (HEAD, [check("drift", sql="select 1 from {previous_rankings}")], "rankings.yml", "needs: previous_edition"),
        (HEAD, [check("fine", sql="select 1")], "points.yml", "named for points"),
        (HEAD, ["  - ["], "rankings.yml", "rankings.yml"),
        (HEAD, [check("fine", sql="select 1")], "rankings.txt", "no suite"),
    ],
)
def test_a_suite_that_is_missing_empty_or_wrong_blocks(tmp_path, head, checks, name, problem):
    verdict = audited(tmp_path, *checks, head=head, name=name)
    assert (verdict.state, verdict.checks, len(verdict.problems)) == ("blocked", (), 1)
    assert problem in verdict.problems[0]
    with pytest.raises(PublicationBlocked, match="Whose: config"):
        require_passed(verdict)


@pytest.mark.parametrize("table", ["rankings", "points", "reasons", "supply", "ext_bank__scores"])
def test_a_suite_of_the_house_that_was_deleted_or_asks_nothing_critical_blocks(tmp_path, table):
    suites = tmp_path / "suites"
    shutil.copytree(SUITES, suites)
    (suites / f"{table}.yml").unlink()
    verdict = audit(make_candidate(tmp_path).warehouse, None, suites)
    assert (verdict.state, verdict.problems) == ("blocked", (f"suite {table}.yml is not in suites",))

    mild = check("mild", "warning", sql="select 1 where false")
    drift = check("drift", sql="select 1 from {previous_points} where false", needs="previous_edition")
    (suites / f"{table}.yml").write_text(f"table: {table}\nchecks:\n{mild}{drift}")
    verdict = audit(make_candidate(tmp_path).warehouse, None, suites)
    assert verdict.problems == (f"suite {table}.yml has no critical check for every edition",)


def test_a_gate_in_which_nothing_applied_blocks(tmp_path):
    drift = check("drift", sql="select 1 from {previous_rankings}", needs="previous_edition")
    assert audited(tmp_path, drift).state == "blocked"


def test_a_previous_edition_is_read_from_its_own_folder_and_no_other_that_a_pattern_would_match(tmp_path):
    for folder, n in (("x[ab]", 1), ("xa", 2)):
        (tmp_path / folder / "tables").mkdir(parents=True)
        pq.write_table(pa.table({"n": [n]}), tmp_path / folder / "tables/rankings.parquet")
    with duckdb.connect() as connection:
        names = read_names(connection, tmp_path / "x[ab]")
        found = connection.execute(names.resolve("select n from {previous_rankings};", "rankings")).fetchall()
    assert found == [(1,)]


def test_the_warehouse_can_be_opened_again_after_the_gate(tmp_path):
    candidate = make_candidate(tmp_path)
    audit(candidate.warehouse, None, only_asked(tmp_path, "rankings"), ())
    with duckdb.connect(str(candidate.warehouse)) as connection:
        assert connection.execute("select count(*) from rankings").fetchone() == (6,)
