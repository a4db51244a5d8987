"""Every decision of the programme is what plain Python makes of the same rows, and what must hold of all decisions."""

# ruff: noqa: S608  # SQL over a test's own tables

import csv
import random
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from editions.programme import column_types, programme_problems
from ledger.settings import PROJECT_DIR
from tests.contract import programme_reference as reference
from tests.contract.district_night import DistrictNight, copied_inputs, rewrite

PROGRAMME = (
    *("facts", "conditions_asked", "shortfalls", "decisions"),
    *("limits", "product_offers", "policy_decisions", "cases_decided"),
)
EXAMPLES = PROJECT_DIR / "docs" / "examples"


@pytest.fixture(scope="module")
def facts(night: DistrictNight) -> dict[str, dict[str, Any]]:
    """What is known of each enterprise, by code and fact."""
    names = [name for name, *_ in night.rows("describe enterprise_facts")]
    found = {row[0]: dict(zip(names, row, strict=True)) for row in night.rows("from enterprise_facts")}
    for uscc, code, value in night.rows("select uscc, indicator_code, value from points"):
        found[uscc][code] = value
    return found


@pytest.fixture(scope="module")
def programme() -> dict[str, list[reference.Row]]:
    return reference.read_programme()


def in_force(rows: list[reference.Row], night: DistrictNight) -> list[reference.Row]:
    return [row for row in rows if reference.is_in_force(row, night.as_of)]


def test_every_product_decides_as_plain_python_does(night, facts, programme):
    found = {
        (uscc, product): (decision, condition, gap, limit_fen, rate)
        for uscc, product, decision, condition, gap, limit_fen, rate in night.rows(
            "select uscc, product_id, decision, failing_condition_no, gap, limit_fen, rate_pct from product_offers"
        )
    }
    wanted = {}
    for product in in_force(programme["products"], night):
        conditions = reference.of_version(programme["programme_conditions"], "product", product)
        for uscc, one in facts.items():
            decision, condition, gap = reference.decide(conditions, one)
            is_in = decision == "eligible"
            limit_fen = reference.limit(programme, product, one) if is_in else None
            rate = reference.rate(programme, product, one, night.as_of) if is_in else None
            wanted[uscc, product["product_id"]] = (decision, condition, gap, limit_fen, rate)
    assert {key: (found.get(key), value) for key, value in wanted.items() if found.get(key) != value} == {}
    assert found.keys() == wanted.keys()
    assert {decision for decision, *_ in found.values()} == {"eligible", "near_miss", "no"}


def test_every_policy_decides_as_plain_python_does(night, facts, programme):
    found = {
        (uscc, policy): (decision, confirm_by, said)
        for uscc, policy, decision, confirm_by, said in night.rows(
            "select uscc, policy_id, decision, confirm_by, said_state from policy_decisions"
        )
    }
    claims = statements(night)
    wanted = {
        (uscc, policy): said
        for uscc, one in facts.items()
        for policy, said in reference.policies(programme, one, night.as_of, claims.get(uscc, ())).items()
    }
    assert {key: (found.get(key), value) for key, value in wanted.items() if found.get(key) != value} == {}
    assert found.keys() == wanted.keys()


def statements(night) -> dict[str, list[dict[str, Any]]]:
    """What each enterprise said to policies, as it landed."""
    columns = ("uscc", "policy_id", "version", "claimed_on", "claim_no", "state")
    files = f"read_parquet('{night.candidate.inputs}/finance/policy_claims/*.parquet')"
    found: dict[str, list[dict[str, Any]]] = {}
    for row in night.rows(f"select {', '.join(columns)} from {files}"):
        found.setdefault(row[0], []).append(dict(zip(columns, row, strict=True)))
    return found


def test_a_policy_that_was_answered_in_its_claim_period_is_not_offered_again(night):
    rows = night.rows("select uscc, policy_id, unlisted_reason, is_listed, said_state from policy_decisions")
    by_said = {(said, reason) for _, _, reason, is_listed, said in rows if said and reason and not is_listed}
    assert {("paid", "already_claimed"), ("confirmed", "already_claimed"), ("refused", "refused")} <= by_said
    assert not any(is_listed and said for _, _, _, is_listed, said in rows)
    assert any(is_listed for _, _, _, is_listed, _ in rows)
    found = {(uscc, policy): said for uscc, policy, _, _, said in rows}
    wanted = {"already_claimed": "claimed", "refused": "refused", "confirmed": "confirmed", "not_counted": None}
    planted = [one for one in night.truth["planted"] if one["dataset"] == "policy_claims"]
    assert len(planted) == 4
    for one in planted:
        assert found[one["uscc"], "invention-support"] == wanted[one["expect"]], one["kind"]


def test_a_policy_is_not_offered_to_whom_claimed_the_one_that_excludes_it(night, tmp_path):
    open_to = "select uscc from policy_decisions where policy_id = 'hnte-reward' and is_listed order by uscc limit 3"
    claimant, confirming, refusing = (uscc for (uscc,) in night.rows(open_to))
    said = {claimant: "claimed", confirming: "confirmed", refusing: "refused"}
    rows = "".join(
        f" union all (select * replace ('{uscc}' as uscc, 'champion-support' as policy_id, '2025.1' as version, "
        f"'{state}' as state, date '{night.as_of}' as claimed_on, '{uscc}' as claim_no) from landed limit 1)"
        for uscc, state in said.items()
    )
    inputs = copied_inputs(night, tmp_path)
    rewrite(inputs, "finance.policy_claims", f"select * from landed{rows}")
    with night.replayed(inputs, only=("policy_decisions",)) as connection:
        found = connection.execute(
            "select uscc, unlisted_reason, excludes from policy_decisions where policy_id = 'hnte-reward'"
        ).fetchall()
    decided = {uscc: (reason, excludes) for uscc, reason, excludes in found}
    assert decided[claimant] == decided[confirming] == ("excluded_by_claim", "champion-support")
    assert decided[refusing][0] is None


def test_where_claims_were_not_received_nobody_is_offered_a_policy_twice(night):
    unknown = "select * replace (is_supplied and dataset <> 'policy_claims' as is_supplied) from {0}.supply"
    given = {"supply": unknown.format(night.candidate.warehouse.stem)}
    with night.replayed(given=given, only=("policy_decisions",)) as connection:
        found = connection.execute(
            "select distinct unlisted_reason from policy_decisions where not is_listed"
        ).fetchall()
        assert connection.execute("select count(*) from policy_decisions where is_listed").fetchone() == (0,)
    assert ("claims_not_known",) in found


def test_what_is_owed_is_not_known_of_anybody_while_one_bank_was_not_heard(night):
    unheard = "select * replace (is_supplied and source <> 'bank_b' as is_supplied) from {0}.supply"
    given = {"supply": unheard.format(night.candidate.warehouse.stem)}
    told = "select count(overdue_days), count(non_performing_loans), count(loan_balance_cny) from enterprise_facts"
    assert min(*night.rows(told)[0]) > 0
    with night.replayed(given=given, only=("enterprise_facts",)) as connection:
        assert connection.execute(told).fetchone() == (0, 0, 0)


def test_a_percentage_of_a_stage_in_which_nobody_is_ranked_is_no_place(night):
    built = night.candidate.warehouse.stem
    given = {
        "rewards": f"select * replace (null as places, 50 as top_pct, 'stage' as ranked_in) from {built}.rewards",
        "enterprise_facts": f"select * replace (null::decimal(20, 6) as rank_in_stage) from {built}.enterprise_facts",
    }
    with night.replayed(given=given, only=("reward_places",)) as connection:
        found = connection.execute("select distinct state from reward_places").fetchall()
    assert ("given",) not in found
    assert found


def test_every_reward_is_given_as_plain_python_gives_it(night, facts, programme):
    for row in in_force(programme["rewards"], night):
        reward = row["reward_id"]
        found = dict(night.rows(f"select uscc, state from reward_places where reward_id = '{reward}'"))
        assert found == reference.reward(programme, row, facts), reward
    assert night.rows("select 1 from reward_places where state = 'given' limit 1")


def test_facts_are_what_the_records_say(night, facts):
    titles: dict[str, dict[str, int]] = {}
    files = f"read_parquet('{night.candidate.inputs}/science/titles/*.parquet')"
    for uscc, title, issued, until, revoked in night.rows(
        f"select uscc, title, issued_on, valid_to, revoked_on from {files}"
    ):
        if (
            issued <= night.as_of
            and (until or night.as_of) >= night.as_of
            and (revoked is None or revoked > night.as_of)
        ):
            held = titles.setdefault(uscc, {})
            held[title] = held.get(title, 0) + 1
    founded = dict(night.rows("select uscc, founded_on from enterprises"))
    for uscc, one in facts.items():
        age = one["age_months"]
        assert reference.months_after(founded[uscc], int(age)) <= night.as_of
        assert reference.months_after(founded[uscc], int(age) + 1) > night.as_of
        for title in ("tech_sme", "hnte", "little_giant"):
            if one[f"title_{title}"] is not None and uscc in titles:
                assert one[f"title_{title}"] >= titles[uscc].get(title, 0)
        if age < 24:
            assert one["average_revenue_cny"] == one["revenue_cny"]
        elif one["revenue_cny"] is not None and one["prior_revenue_cny"] is not None:
            half = (one["revenue_cny"] + one["prior_revenue_cny"]) / 2
            assert abs(one["average_revenue_cny"] - half) < Decimal("0.01")


def test_a_low_score_restricts_nobody_and_nothing_restricts_without_its_basis(night):
    assert (
        night.rows(
            "select * from restrictions where is_restricting and "
            "(entry_basis is null or measure_basis is null or issuing_body is null or document_no is null)"
        )
        == []
    )
    restricted = {uscc for (uscc,) in night.rows("select distinct uscc from restrictions")}
    listed = {
        uscc
        for (uscc,) in night.rows(
            "select uscc from credit_events where event_type in ('serious_dishonesty', 'judgment_defaulter')"
        )
    }
    assert restricted == listed
    helped = night.rows(
        "select p.uscc, p.policy_id from policy_decisions p semi join (from restrictions where is_restricting) r "
        "using (uscc) where p.decision <> 'no'"
    )
    assert helped == []


def as_relation(rows: list[reference.Row], types: Mapping[str, str]) -> str:
    """A seed's table with these rows, as SQL."""
    lines = [
        "(" + ", ".join("null" if not row[name] else "'" + row[name].replace("'", "''") + "'" for name in types) + ")"
        for row in rows
    ]
    casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
    return f"select {casts} from (values {', '.join(lines)}) as given({', '.join(types)})"


def replay(stack: ExitStack, night: DistrictNight, programme: Mapping[str, list[reference.Row]], tables: list[str]):
    types = column_types(PROJECT_DIR / "dbt_project")
    given = {table: as_relation(programme[table], types[table]) for table in tables}
    return stack.enter_context(night.replayed(given=given, only=("item_versions", *PROGRAMME)))


def test_a_condition_more_never_adds_an_enterprise(night, programme):
    chance = random.Random(20250630)
    dropped = chance.sample(programme["programme_conditions"], 25)
    fewer = [row for row in programme["programme_conditions"] if row not in dropped]
    decided = "select subject_id, kind, item_id from decisions join item_versions using (item_no) where decision"
    before = set(night.rows(f"{decided} = 'eligible'"))
    near = set(night.rows(f"{decided} <> 'no'"))
    with ExitStack() as stack:
        after = replay(stack, night, programme | {"programme_conditions": fewer}, ["programme_conditions"])
        alternatives = {(row["kind"], row["item_id"]) for row in dropped if row["any_of"]}
        kept = {(row["kind"], row["item_id"]) for row in fewer} - alternatives

        def among(rows: set[tuple]) -> set[tuple]:
            return {row for row in rows if row[1:] in kept}

        looser = set(after.execute(f"{decided} = 'eligible'").fetchall())
        looser_near = set(after.execute(f"{decided} <> 'no'").fetchall())
    assert among(before) <= looser
    assert among(near) <= looser_near
    assert looser > among(before)


@pytest.mark.parametrize(("example", "item"), [("new-product", "patent-loan"), ("new-policy", "first-champion")])
def test_a_product_and_a_policy_are_added_by_rows_alone(night, tmp_path, facts, example, item):
    added = reference.read_programme(EXAMPLES / example)
    files = [path.stem for path in sorted((EXAMPLES / example).glob("*.csv"))]
    write_folder(tmp_path, added)
    assert programme_problems(PROJECT_DIR / "dbt_project", tmp_path) == []
    with ExitStack() as stack:
        connection = replay(stack, night, added, files)
        cases = connection.execute(
            f"select expected, decision, expected_limit_fen, limit_fen from cases_decided where item_id = '{item}'"
        ).fetchall()
        decided = connection.execute(
            "select uscc, decision from decisions join item_versions using (item_no) "
            f"join enterprise_facts on subject_id = enterprise_id where item_id = '{item}'"
        ).fetchall()
    assert len(cases) == 3
    assert all(case[0] == case[1] and case[2] == case[3] for case in cases)
    conditions = [row for row in added["programme_conditions"] if row["item_id"] == item]
    assert dict(decided) == {uscc: reference.decide(conditions, one)[0] for uscc, one in facts.items()}


def write_folder(folder: Path, programme: Mapping[str, list[reference.Row]]) -> None:
    for table, rows in programme.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def test_the_day_on_which_a_gap_closes_is_the_first_on_which_the_condition_holds(night):
    closing = night.rows(
        "select f.uscc, f.lo, f.closes_on, e.age_months_since, e.member_months_since, f.fact "
        "from failed_conditions f join enterprise_facts e using (uscc) where f.closes_on is not null"
    )
    assert closing
    built = night.candidate.warehouse.stem
    given = {"conditions_asked": f"select * replace (false as inclusive_lo) from {built}.conditions_asked"}
    with night.replayed(given=given, only=("shortfalls",)) as connection:
        later = connection.execute(
            "select lo, closes_on, age_months_since, member_months_since, fact from shortfalls s "
            "join enterprise_facts e on e.enterprise_id = s.subject_id "
            "join (select distinct question_no, fact, lo from conditions_asked) using (question_no) "
            "where closes_on is not null"
        ).fetchall()
    assert len(later) >= len({(row[0], row[5]) for row in closing})
    for months, closes_on, founded, joined, fact in later:
        since = founded if fact == "age_months" else joined
        assert closes_on == reference.months_after(since, int(months) + 1) > night.as_of
    for _, months, closes_on, founded, joined, fact in closing:
        since: date = founded if fact == "age_months" else joined
        assert closes_on == reference.months_after(since, int(months)) > night.as_of
