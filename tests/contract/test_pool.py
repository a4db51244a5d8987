"""The risk pool: every figure of the district by another way, and money that is conserved whatever is reported."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.district import generate
from sandbox.district_feeds import feed
from tests.contract.pool_reference import Pool
from tests.contract.programme_sql import records, run, seed_rows

A = "91440000000000000A"
SEEDS = ("pool_terms", "pool_agreements", "pool_sharing", "pool_uplifts", "pool_transitions", "pool_restarts")
STATES = ("claimed", "guarantor_paid", "filed", "approved", "compensated", "recovered", "written_off")


def seeds(**changed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {name: seed_rows(name) for name in SEEDS} | changed


def guarantee(no: str = "G", **more: Any) -> dict[str, Any]:
    return {
        "guarantee_no": no,
        "agreement_id": "zone-bank_a-g1",
        "bank": "bank_a",
        "guarantor": "guarantor_1",
        "loan_receipt_no": f"R{no}",
        "uscc": A,
        "principal_cny": "1000000.00",
        "fee_rate_pct": "0.45",
        "valid_from": "2025-01-02",
        "valid_to": "2026-12-31",
        **more,
    }


def event(place: int, state: str, amount: str | None = None, no: str = "G") -> dict[str, Any]:
    day = date(2025, 2, 1) + timedelta(days=place)
    return {
        "event_no": f"{no}-{place:02d}",
        "guarantee_no": no,
        "state": state,
        "amount_cny": amount,
        "happened_on": day,
    }


WHOLE_WAY = [
    event(0, "claimed", "1000000.00"),
    event(1, "guarantor_paid", "800000.00"),
    event(2, "filed"),
    event(3, "approved"),
    event(4, "compensated", "400000.00"),
]
FUNDS = [
    {"fund_no": "1", "pool_id": "zone-pool", "kind": "paid_in", "amount_cny": "5000000.00", "moved_on": "2024-01-05"}
]


def overdue(no: str = "G", day: str = "2024-11-01", kind: str = "overdue_from") -> dict[str, Any]:
    loan = {"movement_no": f"{no}-{day}-{kind}", "bank": "bank_a", "loan_receipt_no": f"R{no}", "uscc": A}
    return loan | {"moved_on": day, "kind": kind}


def pool(events: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A pool whose loans have been overdue since long before any claim, unless their movements are given."""
    guarantees = more.get("finance.guarantees", [guarantee()])
    return {
        "ruleset_in_force": [{"as_of": "2025-06-30"}],
        "finance.guarantees": guarantees,
        "finance.loan_movements": [overdue(one["guarantee_no"]) for one in guarantees],
        "finance.guarantee_claims": events,
        "finance.pool_funds": FUNDS,
    } | more


def both(rows: dict[str, Any], with_seeds: dict[str, Any] | None = None) -> tuple[Any, Pool]:
    """The models built over these rows; every figure is that of the reference."""
    with_seeds = with_seeds or seeds()
    connection, wanted = run("pool", rows, with_seeds), Pool(rows, with_seeds)
    applied = {row["event_no"]: row["is_applied"] for row in records(connection, "from pool_claims")}
    assert applied == {no: fits for claim in wanted.claims.values() for no, fits in claim.applied.items()}
    for row in records(connection, "from pool_shares"):
        place = ("government", "guarantor", "bank").index(row["party"])
        parts = wanted.claims[row["guarantee_no"]].parts
        assert (row["loss_fen"], row["recovered_fen"]) == (parts["loss"][place], parts["recovered"][place])
    positions = records(connection, "from pool_positions")
    assert len(positions) == 5
    for row in positions:
        figures = wanted.position(row["pool_id"], row["scope"], row["party"])
        assert {name: row[name] for name in figures} == figures, (row["scope"], row["party"])
    return connection, wanted


def problems(events: list[dict[str, Any]], **more: Any) -> list[str | None]:
    connection, _ = both(pool(events, **more))
    return [row["problem"] for row in records(connection, "select problem from pool_claims order by place")]


def test_a_claim_goes_its_way_and_the_fund_pays_its_share() -> None:
    connection, wanted = both(pool(WHOLE_WAY))
    assert problems(WHOLE_WAY) == [None] * 5
    assert wanted.money("zone-pool") == 5_000_000_00 - 400_000_00
    shares = {row["party"]: row["borne_fen"] for row in records(connection, "from pool_shares")}
    assert shares == {"government": 400_000_00, "guarantor": 400_000_00, "bank": 200_000_00}


def test_what_comes_back_is_parted_as_the_loss_was() -> None:
    back = [*WHOLE_WAY, event(5, "recovered", "100.01"), event(6, "recovered", "0.02"), event(7, "written_off")]
    connection, wanted = both(pool(back))
    shares = {row["party"]: row["recovered_fen"] for row in records(connection, "from pool_shares")}
    assert shares == {"government": 40_00 + 0, "guarantor": 40_01 + 2, "bank": 20_00 + 0}
    assert wanted.money("zone-pool") == 5_000_000_00 - 400_000_00 + 40_00


def test_a_state_that_may_not_follow_is_flagged_and_never_applied() -> None:
    assert problems([event(0, "compensated", "400000.00")]) == ["not_allowed"]
    skipped = [WHOLE_WAY[0], event(1, "compensated", "400000.00"), event(2, "guarantor_paid", "800000.00")]
    assert problems(skipped) == [None, "not_allowed", None]
    assert problems([*WHOLE_WAY, event(5, "compensated", "400000.00")])[-1] == "not_allowed"


def test_an_amount_that_is_not_the_share_or_more_than_was_lost_is_flagged() -> None:
    assert problems([event(0, "claimed", "1000000.01")]) == ["not_within_the_principal"]
    assert problems([event(0, "claimed")]) == ["no_amount"]
    assert problems([WHOLE_WAY[0], event(1, "guarantor_paid", "799999.99")]) == [None, "not_the_share"]
    assert problems([*WHOLE_WAY[:4], event(4, "compensated", "400000.01")])[-1] == "not_the_share"
    assert problems([*WHOLE_WAY, event(5, "recovered", "1000000.01")])[-1] == "more_than_was_lost"
    assert problems([*WHOLE_WAY, event(5, "recovered", "1000000.00")])[-1] is None


def test_a_claim_on_a_guarantee_that_nobody_knows_or_no_agreement_covers_is_flagged() -> None:
    connection = run("pool", pool([event(0, "claimed", "1.00", no="X")]), seeds())
    assert records(connection, "select problem from pool_claims") == [{"problem": "no_guarantee"}]
    cases = (
        ({"agreement_id": "none"}, "no_agreement"),
        ({"guarantor": "guarantor_2"}, "other_parties"),
        ({"valid_from": "2023-12-31"}, "agreement_not_in_force"),
        ({"principal_cny": "30000000.01"}, "no_band"),
        ({"uplifts": "key_firm;unheard_of"}, "unknown_uplift"),
    )
    for changed, problem in cases:
        rows = pool([WHOLE_WAY[0]], **{"finance.guarantees": [guarantee(**changed)]})
        connection, _ = both(rows)
        assert records(connection, "select problem from pool_guarantees") == [{"problem": problem}]
        assert records(connection, "select problem from pool_claims") == [{"problem": "no_shares"}]


@pytest.mark.parametrize(
    ("moves", "problem"),
    [
        ([overdue(day="2024-12-04")], None),
        ([overdue(day="2024-12-05")], "overdue_too_short"),
        ([], "not_overdue"),
        ([overdue(), overdue(day="2025-01-31", kind="overdue_to")], "not_overdue"),
        ([overdue(), overdue(day="2025-02-01", kind="overdue_to")], None),
        ([overdue(), overdue(day="2024-12-31", kind="overdue_to"), overdue(day="2025-01-02")], "overdue_too_short"),
    ],
)
def test_a_bank_claims_a_loan_that_was_overdue_for_sixty_days_alone(moves: list[Any], problem: str | None) -> None:
    """The claim is of 1 February 2025; both the first day overdue and that of the claim count."""
    assert problems([event(0, "claimed", "1000000.00")], **{"finance.loan_movements": moves}) == [problem]


def test_events_of_one_day_follow_each_other_by_number_and_9_comes_before_10() -> None:
    day = date(2025, 2, 1)
    of_one_day = [one | {"event_no": str(8 + place), "happened_on": day} for place, one in enumerate(WHOLE_WAY)]
    connection, _ = both(pool(of_one_day))
    assert all(row["is_applied"] for row in records(connection, "from pool_claims"))


def drawdown(no: str = "G", **more: str) -> dict[str, Any]:
    loan = {"movement_no": f"{no}-1", "bank": "bank_a", "loan_receipt_no": f"R{no}", "uscc": A}
    return loan | {"moved_on": "2024-10-01", "kind": "drawdown", "amount_cny": "1000000.00"} | more


def test_one_loan_is_paid_for_under_one_guarantee_alone() -> None:
    again = [one | {"event_no": f"2-{one['event_no']}", "guarantee_no": "H"} for one in WHOLE_WAY]
    twice = {"finance.guarantees": [guarantee(), guarantee("H", loan_receipt_no="RG")]}
    connection, wanted = both(pool([*WHOLE_WAY, *again], **twice, **{"finance.loan_movements": [overdue()]}))
    assert wanted.money("zone-pool") == 5_000_000_00 - 400_000_00
    found = records(connection, "select guarantee_no, problem from pool_guarantees order by all")
    assert [row["problem"] for row in found] == [None, "guaranteed_before"]
    for first in ({"valid_to": "2025-01-01"}, {"released_on": "2025-01-02"}, {"agreement_id": "none"}):
        one = guarantee("F", loan_receipt_no="RG", **({"valid_from": "2024-06-01"} | first))
        rows = pool(WHOLE_WAY, **{"finance.guarantees": [one, guarantee()], "finance.loan_movements": [overdue()]})
        connection, _ = both(rows)
        (row,) = records(connection, "select problem from pool_guarantees where guarantee_no = 'G'")
        assert row["problem"] is None, "a guarantee that was over before, or is not the pool's, is in nobody's way"


def test_nothing_is_claimed_of_a_loan_of_somebody_else() -> None:
    rows = pool(WHOLE_WAY, **{"finance.loan_movements": [overdue() | {"uscc": "91440000000000000B"}]})
    connection, wanted = both(rows)
    assert records(connection, "select problem from pool_guarantees") == [{"problem": "loan_of_another"}]
    assert wanted.money("zone-pool") == 5_000_000_00


def test_no_more_is_claimed_than_is_owed_on_the_day_of_the_claim() -> None:
    repaid = drawdown(movement_no="G-2", kind="repayment", amount_cny="600000.00", moved_on="2025-01-31")
    for amount, problem in (("400000.01", "more_than_is_owed"), ("400000.00", None)):
        moves = [overdue(), drawdown(), repaid]
        assert problems([event(0, "claimed", amount)], **{"finance.loan_movements": moves}) == [problem]
    later = repaid | {"moved_on": "2025-02-02"}
    assert problems([WHOLE_WAY[0]], **{"finance.loan_movements": [overdue(), drawdown(), later]}) == [None]


def test_nothing_is_claimed_of_a_guarantee_that_was_released() -> None:
    for day, problem in (("2025-02-01", "after_the_release"), ("2025-02-02", None)):
        assert problems([WHOLE_WAY[0]], **{"finance.guarantees": [guarantee(released_on=day)]}) == [problem]


def test_what_the_pool_paid_stays_paid_when_its_terms_end() -> None:
    ended = [row | {"valid_to": "2025-05-31"} for row in seed_rows("pool_terms")]
    _, wanted = both(pool(WHOLE_WAY), seeds(pool_terms=ended))
    assert wanted.money("zone-pool") == 5_000_000_00 - 400_000_00
    connection = run("pool", pool(WHOLE_WAY, **{"finance.guarantees": [guarantee(valid_from="2025-06-01")]}), seeds())
    assert records(connection, "select problem from pool_guarantees") == [{"problem": None}]
    before = [row | {"valid_from": "2025-01-03"} for row in seed_rows("pool_terms")]
    connection = run("pool", pool(WHOLE_WAY), seeds(pool_terms=before))
    assert records(connection, "select problem from pool_guarantees") == [{"problem": "no_pool_in_force"}]


@pytest.mark.parametrize(
    ("first_day", "last_day", "stop", "line"),
    [
        ("2025-06-30", "2025-06-30", "4.0000", "restarted"),
        ("2025-06-30", "2025-06-30", "3.9999", "stop"),
        ("2025-07-01", "2025-12-31", "4.0000", "stop"),
        ("2025-01-01", "2025-06-29", "4.0000", "stop"),
    ],
)
def test_a_stopped_bank_does_business_again_by_a_dated_decision(
    first_day: str, last_day: str, stop: str, line: str
) -> None:
    """Four in a hundred are bad: above the pool's line of three."""
    days = {"valid_from": first_day, "valid_to": last_day, "stop_pct": stop, "party": "bank_a"}
    restart = [row | days for row in seed_rows("pool_restarts")]
    two = [guarantee(principal_cny="4000.00"), guarantee("H", principal_cny="96000.00")]
    rows = pool([event(0, "claimed", "4000.00")], **{"finance.guarantees": two})
    connection, _ = both(rows, seeds(pool_restarts=restart))
    lines = {row["party"]: row["line"] for row in records(connection, "from pool_positions")}
    assert (lines["bank_a"], lines["zone-pool"]) == (line, "stop"), "others stay stopped"
    (row,) = records(connection, "select restart_decided_by as who from pool_positions where party = 'bank_a'")
    assert (row["who"] is not None) == (first_day == "2025-06-30")


@pytest.mark.parametrize(
    ("principal", "uplifts", "percent"),
    [
        ("5000000.00", None, 40),
        ("5000000.01", None, 30),
        ("15000000.00", None, 30),
        ("15000000.01", None, 20),
        ("30000000.00", None, 20),
        ("30000000.00", "key_firm", 35),
        ("30000000.00", "key_firm;ip_pledge", 35),
        ("30000000.00", "key_firm;central_bank_tool", 40),
        ("5000000.00", "ip_pledge;central_bank_tool", 50),
    ],
)
def test_shares_go_by_the_size_of_the_loan_with_uplifts_up_to_a_ceiling(
    principal: str, uplifts: str | None, percent: int
) -> None:
    rows = pool([], **{"finance.guarantees": [guarantee(principal_cny=principal, uplifts=uplifts)]})
    connection, _ = both(rows)
    (row,) = records(connection, "select government_ppm, guarantor_ppm, bank_ppm, yearly_fee_fen from pool_guarantees")
    assert (row["government_ppm"], row["bank_ppm"]) == (percent * 10_000, 200_000)
    assert row["government_ppm"] + row["guarantor_ppm"] + row["bank_ppm"] == 1_000_000
    assert row["yearly_fee_fen"] == int(Decimal(principal) * 100 * Decimal("0.0045") + Decimal("0.5"))


@pytest.mark.parametrize("denominator", ["principal_entered_this_year", "balance"])
@pytest.mark.parametrize(
    ("claimed", "line"), [("2000.00", "ok"), ("2000.01", "warn"), ("3000.00", "warn"), ("3000.01", "stop")]
)
def test_new_business_is_warned_of_and_stopped_beyond_its_lines(denominator: str, claimed: str, line: str) -> None:
    principal = Decimal(claimed)
    others = Decimal("100000.00") - principal if denominator == "principal_entered_this_year" else Decimal("98000.00")
    if denominator == "balance":
        principal, others = Decimal(claimed), Decimal("100000.00") - Decimal(claimed)
    rows = pool(
        [event(0, "claimed", claimed)],
        **{"finance.guarantees": [guarantee(principal_cny=principal), guarantee("H", principal_cny=others)]},
    )
    terms = [row | {"npl_denominator": denominator} for row in seed_rows("pool_terms")]
    connection, _ = both(rows, seeds(pool_terms=terms))
    assert {row["line"] for row in records(connection, "from pool_positions where scope = 'pool'")} == {line}


def test_headroom_and_release_go_by_what_is_still_owed() -> None:
    moved = {"movement_no": "1", "bank": "bank_a", "loan_receipt_no": "RG", "uscc": A, "moved_on": "2025-01-02"}
    rows = pool(
        [],
        **{
            "finance.guarantees": [guarantee(), guarantee("H", released_on="2025-06-30"), guarantee("I")],
            "finance.loan_movements": [
                moved | {"kind": "drawdown", "amount_cny": "1000000.00"},
                moved | {"movement_no": "2", "kind": "repayment", "amount_cny": "400000.00", "moved_on": "2025-05-02"},
            ],
        },
    )
    connection, _ = both(rows)
    (row,) = records(connection, "from pool_positions where scope = 'pool'")
    assert (row["guarantee_count"], row["balance_not_known_count"]) == (2, 1)
    assert (row["balance_fen"], row["released_fen"]) == (1_600_000_00, 1_400_000_00)
    assert row["headroom_fen"] == 50_000_000_00 - 1_600_000_00
    assert row["leverage_ppm"] == 320_000


def test_a_pool_whose_money_nobody_tells_has_no_headroom() -> None:
    connection = run("pool", pool([], **{"finance.pool_funds": []}), seeds())
    (row,) = records(connection, "from pool_positions where scope = 'pool'")
    assert (row["pool_fen"], row["headroom_fen"], row["leverage_ppm"]) == (None, None, None)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**6))
def test_money_is_conserved_through_any_sequence_of_states(seed: int) -> None:
    chance = random.Random(seed)
    guarantees, events = [], []
    for number in range(6):
        no, principal = f"G{number}", chance.randrange(1, 30_000_000_00)
        guarantees.append(
            guarantee(no, principal_cny=Decimal(principal) / 100, uplifts=chance.choice((None, "key_firm")))
        )
        shares = Pool(pool([], **{"finance.guarantees": guarantees[-1:]}), seeds())
        loss = chance.randrange(1, principal + 1)
        government, guarantor, _ = shares._split(no, loss)
        right = {"claimed": loss, "guarantor_paid": government + guarantor, "compensated": government}
        for place in range(12):
            state = STATES[min(place, 5)] if chance.random() < 0.7 else chance.choice(STATES)
            amount = right.get(state, chance.randrange(0, loss // 3 + 2)) + (chance.random() < 0.1)
            events.append(event(place, state, str(Decimal(amount) / 100), no))
    rows = pool(events, **{"finance.guarantees": guarantees})
    connection, wanted = both(rows)
    shares_of = {}
    for row in records(connection, "from pool_shares"):
        total = shares_of.setdefault(row["guarantee_no"], [0, 0])
        total[0] += row["loss_fen"]
        total[1] += row["recovered_fen"]
    claims = {no: claim for no, claim in wanted.claims.items() if any(claim.applied.values())}
    assert shares_of == {no: [claim.loss, claim.recovered] for no, claim in claims.items()}
    (moved,) = records(connection, "select sum(pool_change_fen) as change from pool_claims where is_applied")
    (kept,) = records(connection, "select pool_fen from pool_positions where scope = 'pool'")
    assert kept["pool_fen"] == 5_000_000_00 + (moved["change"] or 0)
    assert all(claim.recovered <= claim.loss for claim in claims.values())


def test_every_pool_figure_of_the_district_agrees_to_the_fen() -> None:
    district = generate()
    names = ("finance.loan_movements", "finance.leases", "finance.lease_payments", "finance.guarantees")
    feeds = {name: feed(name, district) for name in (*names, "finance.guarantee_claims", "finance.pool_funds")}
    connection, _ = both({"ruleset_in_force": [{"as_of": district.as_of}], **feeds})
    judged = {row["event_no"]: row["is_applied"] for row in records(connection, "from pool_claims")}
    planted = [one for one in district.planted if one.dataset == "guarantee_claims"]
    assert len(planted) == 7
    for one in planted:
        assert judged[one.record["event_no"]] is (one.expect == "applied"), one.kind
