"""The financial supermarket: states, matches, orders and late banks by another way, and what must always hold."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.district import generate
from sandbox.district_feeds import feed
from tests.contract.market_reference import SEEDS, Market, agree
from tests.contract.programme_sql import records, run, seed_rows

A, B = "91440000000000000A", "91440000000000000B"
STEPS = ("matched", "contacted", "in_review", "approved", "rejected", "drawn", "closed")
RANDOMLY = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def seeds(**changed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {name: seed_rows(name) for name in SEEDS} | changed


def need(no: str = "N", **more: Any) -> dict[str, Any]:
    return {
        "need_no": no,
        "uscc": A,
        "posted_on": "2025-05-20",
        "amount_cny": "1000000.00",
        "term_months": 12,
        "highest_rate_pct": "4",
        "collaterals": None,
        "used_for": "rd",
        "consented_banks": "bank_a;bank_b",
        **more,
    }


def event(place: int, step: str, day: str, bank: str | None = "bank_a", no: str = "N", **more: Any) -> dict[str, Any]:
    return {
        "event_no": f"{no}-{bank}-{place:02d}",
        "need_no": no,
        "bank": bank,
        "event": step,
        "happened_on": day,
        "reason": "x" if step == "rejected" else None,
        **more,
    }


def offer(product: str = "high-enterprise-loan", bank: str = "bank_a", **more: Any) -> dict[str, Any]:
    return {
        "uscc": A,
        "product_id": product,
        "version": "2025.1",
        "bank": bank,
        "decision": "eligible",
        "is_marketed": "true",
        "limit_fen": 200_000_000,
        "rate_pct": "3.5",
        "term_months": 12,
        **more,
    }


def consent(no: str = "C", uscc: str = A, bank: str = "bank_a", **more: Any) -> dict[str, Any]:
    return {
        "consent_id": no,
        "uscc": uscc,
        "recipient": bank,
        "purpose": "授信评估",
        "data_classes": "score,rank,loan_feedback",
        "valid_from": "2025-01-01",
        **more,
    }


def market(**more: Any) -> dict[str, Any]:
    return {
        "ruleset_in_force": [{"as_of": "2025-06-30"}],
        "enterprise_facts": [{"uscc": A, "score": 60, "rank_overall": 1}, {"uscc": B, "score": 60, "rank_overall": 1}],
        "finance.needs": [need()],
        "science.consents": [consent()],
        "product_offers": [offer()],
    } | more


def both(rows: dict[str, Any], with_seeds: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    with_seeds = with_seeds or seeds()
    connection = run("market", rows, with_seeds)
    agree(connection, Market(rows, with_seeds))
    return connection


def only(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    (row,) = connection.execute(query).fetchall()
    return row[0] if len(row) == 1 else row


def problems(*events: dict[str, Any], **more: Any) -> list[str | None]:
    connection = both(market(**{"finance.need_events": list(events)}, **more))
    return [
        row["problem"]
        for row in records(connection, "select problem from market_events order by happened_on, event_no")
    ]


def test_a_need_goes_its_way_with_each_bank_and_is_where_the_furthest_is() -> None:
    events = [
        event(0, "matched", "2025-05-21"),
        event(1, "rejected", "2025-05-22"),
        event(0, "matched", "2025-05-21", "bank_b"),
        event(1, "contacted", "2025-05-23", "bank_b"),
    ]
    connection = both(market(**{"finance.need_events": events}))
    assert only(connection, "select state, bank, banks, is_open from need_states") == ("contacted", "bank_b", 2, True)
    connection = both(market(**{"finance.need_events": events[:2]}))
    assert only(connection, "select state, reject_reason, is_open from need_states") == ("rejected", "x", True)
    assert only(connection, "select failing from need_offers") == "rejected"


def test_a_step_out_of_order_is_reported_and_changes_nothing() -> None:
    assert problems(event(0, "matched", "2025-05-21"), event(1, "approved", "2025-05-22")) == [None, "not_allowed"]
    assert problems(event(0, "matched", "2025-05-19")) == ["before_the_post"]
    assert problems(event(0, "matched", "2025-05-21"), event(1, "rejected", "2025-05-22", reason=" ")) == [
        None,
        "no_reason",
    ]
    assert problems(event(0, "matched", "2025-05-21", product_id="green-channel-loan")) == ["product_of_another_bank"]
    assert problems(event(0, "matched", "2025-05-21", no="X")) == ["no_need"]
    assert problems(event(0, "contacted", "2025-05-21", None)) == ["not_allowed"]


def test_a_need_that_no_bank_reviewed_within_its_days_expires_and_what_comes_later_does_not_count() -> None:
    old = [need(posted_on="2025-03-31")]
    matched = event(0, "matched", "2025-04-01")
    rows = {"finance.needs": old, "finance.need_events": [matched, event(1, "contacted", "2025-06-30")]}
    connection = both(market(**rows))
    assert only(connection, "select state, since, is_open from need_states") == ("expired", date(2025, 6, 30), False)
    assert only(connection, "select problem from market_events where not is_applied") == "after_expiry"
    assert only(connection, "select count(*) from need_offers") == 0
    later = {"finance.needs": [need(posted_on="2025-04-01")]}
    assert only(both(market(**later)), "select state, is_open from need_states") == ("posted", True)
    reviewed = [matched, event(1, "contacted", "2025-04-02"), event(2, "in_review", "2025-04-03")]
    connection = both(market(**{"finance.needs": old, "finance.need_events": reviewed}))
    assert only(connection, "select state from need_states") == "in_review"


def test_the_enterprise_closes_its_need_and_no_step_follows() -> None:
    events = [
        event(0, "matched", "2025-05-21"),
        event(0, "closed", "2025-05-23", None),
        event(1, "contacted", "2025-05-26"),
    ]
    connection = both(market(**{"finance.need_events": events}))
    assert only(connection, "select state, closed_on from need_states") == ("closed", date(2025, 5, 23))
    assert only(connection, "select problem from market_events where not is_applied") == "after_the_close"
    assert only(connection, "select state from bank_answers") == "not_needed"


@pytest.mark.parametrize(
    ("answered", "as_of", "state"),
    [
        ("2025-06-03", "2025-06-30", "answered"),
        ("2025-06-04", "2025-06-30", "answered_late"),
        (None, "2025-06-03", "waiting"),
        (None, "2025-06-04", "late"),
    ],
)
def test_a_bank_is_late_once_more_working_days_went_by_than_it_has(
    answered: str | None, as_of: str, state: str
) -> None:
    """Five working days from Monday, 26 May 2025: 31 May to 2 June were off."""
    events = [event(0, "matched", "2025-05-26")] + ([event(1, "contacted", answered)] if answered else [])
    connection = both(market(ruleset_in_force=[{"as_of": as_of}], **{"finance.need_events": events}))
    assert only(connection, "select state, due_on from bank_answers") == (state, date(2025, 6, 3))


def test_a_day_that_the_calendar_does_not_have_is_not_guessed() -> None:
    rows = {
        "ruleset_in_force": [{"as_of": "2027-01-20"}],
        "finance.needs": [need(posted_on="2026-12-01"), need("M", posted_on="2026-12-01")],
        "finance.need_events": [
            event(0, "matched", "2026-12-21"),
            event(0, "matched", "2026-12-29", no="M"),
            event(0, "matched", "2027-01-04", "bank_b", no="M"),
        ],
    }
    connection = both(market(**rows))
    found = {
        (row["need_no"], row["bank"]): (row["state"], row["working_days"])
        for row in records(connection, "from bank_answers")
    }
    # What is late by the days that are known stays late, whatever the next year brings.
    assert found == {
        ("N", "bank_a"): ("late", None),
        ("M", "bank_a"): ("not_known", None),
        ("M", "bank_b"): ("not_known", None),
    }
    unknown = records(
        connection, "select record_no from market_problems where problem = 'calendar_not_known' order by all"
    )
    assert [row["record_no"] for row in unknown] == ["M bank_a", "M bank_b"]


def test_the_days_to_answer_are_those_of_the_product_then_the_bank_then_of_all() -> None:
    events = [
        event(0, "matched", "2025-05-26"),
        event(0, "matched", "2025-05-26", "bank_b"),
        event(0, "matched", "2025-05-26", "bank_b", no="M", product_id="green-channel-loan"),
    ]
    rows = {"finance.needs": [need(), need("M")], "finance.need_events": events}
    found = records(both(market(**rows)), "select answer_days from bank_answers order by answer_days")
    assert [row["answer_days"] for row in found] == [2, 3, 5]


@pytest.mark.parametrize(
    ("wanted", "offered", "fit", "failing"),
    [
        ({}, {}, "match", None),
        ({"amount_cny": "2000000.00"}, {}, "match", None),
        ({"amount_cny": "2000000.01"}, {}, "near", "amount"),
        ({"amount_cny": "2222222.22"}, {}, "near", "amount"),
        ({"amount_cny": "2222222.23"}, {}, "no", "amount"),
        ({"amount_cny": "499999.99"}, {}, "near", "amount"),
        ({"term_months": 18}, {}, "near", "term"),
        ({"term_months": 19}, {}, "no", "term"),
        ({"highest_rate_pct": "3.5"}, {}, "match", None),
        ({"highest_rate_pct": "3"}, {}, "near", "rate"),
        ({"highest_rate_pct": "2.9999"}, {}, "no", "rate"),
        ({"highest_rate_pct": None}, {}, "match", None),
        ({}, {"product_id": "average-revenue-loan"}, "no", "collateral"),
        ({"collaterals": "ip_pledge; property"}, {"product_id": "average-revenue-loan"}, "match", None),
        ({}, {"decision": "near_miss", "limit_fen": None, "rate_pct": None}, "no", "not_eligible"),
        ({}, {"limit_fen": None, "unpriced_reason": "basis_not_known"}, "no", "basis_not_known"),
        ({}, {"rate_pct": None, "unpriced_reason": "rate_not_known"}, "no", "rate_not_known"),
        ({}, {"is_marketed": "false"}, "no", "not_marketed"),
    ],
)
def test_an_offer_fits_by_amount_term_rate_and_collateral_each_with_its_gap(
    wanted: dict[str, Any], offered: dict[str, Any], fit: str, failing: str | None
) -> None:
    connection = both(market(**{"finance.needs": [need(**wanted)], "product_offers": [offer(**offered)]}))
    assert only(connection, "select fit, failing from need_offers") == (fit, failing)


def test_a_product_out_of_the_market_paused_or_behind_a_stopped_pool_is_no_match() -> None:
    pause = {
        "bank": "bank_a",
        "paused_from": "2025-06-30",
        "paused_to": "",
        "product_id": "",
        "reason_zh": "x",
        "reason_en": "x",
    }
    stop = [{"pool_id": "P", "scope": "bank", "party": "bank_a", "line": "stop"}]
    backed = [offer("innovation-points-loan")]

    def of_pool(pool: str) -> dict[str, Any]:
        return {"pool_id": pool, "scope": "pool", "party": pool, "line": "stop"}

    for rows, with_seeds, failing in (
        ({}, seeds(market_pauses=[pause]), "paused"),
        ({}, seeds(market_products=[]), "not_in_the_market"),
        ({"pool_positions": stop, "product_offers": backed}, seeds(), "stopped"),
        ({"pool_positions": stop}, seeds(), None),
        ({"pool_positions": [of_pool("zone-pool")], "product_offers": backed}, seeds(), "stopped"),
        ({"pool_positions": [of_pool("P")], "product_offers": backed}, seeds(), None),
    ):
        assert only(both(market(**rows), with_seeds), "select failing from need_offers") == failing


def test_offers_and_prospects_come_in_the_order_of_the_rows_and_equals_share_a_place() -> None:
    offers = [
        offer(),
        offer("innovation-points-loan", rate_pct="3.2"),
        offer("points-reserve-loan", "bank_b", answer_days=5),
        *(offer(uscc=B) for _ in range(1)),
    ]
    rows = {
        "product_offers": offers,
        "finance.needs": [need(), need("M", uscc=B)],
        "science.consents": [consent(), consent("D", B)],
    }
    connection = both(market(**rows))
    found = connection.execute(
        "select product_id, place, equals from need_offers where need_no = 'N' order by all"
    ).fetchall()
    assert found == [("high-enterprise-loan", 2, 2), ("innovation-points-loan", 1, 1), ("points-reserve-loan", 2, 2)]
    found = connection.execute(
        "select need_no, place, equals from bank_prospects where product_id like 'high%'"
    ).fetchall()
    assert sorted(found) == [("M", 1, 2), ("N", 1, 2)]
    by_limit = [
        {"list": name, "place": "1", "field": "limit_fen", "direction": "lowest"}
        for name in ("need_offers", "bank_prospects")
    ]
    connection = both(market(**rows), seeds(market_orders=by_limit))
    assert only(connection, "select max(place) from need_offers where need_no = 'N'") == 1


@pytest.mark.parametrize(
    ("changed", "is_seen"),
    [
        ({}, True),
        ({"valid_from": "2025-06-30"}, True),
        ({"valid_from": "2025-07-01"}, False),
        ({"valid_to": "2025-06-30"}, True),
        ({"valid_to": "2025-06-29"}, False),
        ({"withdrawn_on": "2025-06-30"}, False),
        ({"withdrawn_on": "2025-07-01"}, True),
        ({"data_classes": "rank,loan_feedback"}, False),
        ({"recipient": "bank_b"}, False),
        ({"uscc": B}, False),
        ({"purpose": "营销"}, False),
    ],
)
def test_a_bank_sees_a_need_under_a_consent_to_it_on_the_day_alone(changed: dict[str, Any], is_seen: bool) -> None:
    connection = both(market(**{"science.consents": [consent() | changed]}))
    assert bool(only(connection, "select count(*) from bank_prospects")) is is_seen
    connection = both(market(**{"finance.needs": [need(consented_banks=None)]}))
    assert only(connection, "select count(*) from bank_prospects") == 0


def test_the_newest_word_to_a_bank_decides_and_a_rank_needs_its_class() -> None:
    """A withdrawal of another consent to the same bank for the same purpose stands for all of them."""
    withdrawn = consent("D", valid_from="2025-02-01", withdrawn_on="2025-03-01")
    rows = {"science.consents": [consent(), withdrawn], "finance.bank_feedback": [report()]}
    connection = both(market(**rows))
    assert only(connection, "select count(*) from bank_prospects") == 0
    assert only(connection, "select problem from need_feedback") == "consent_not_in_force"
    rows = {"science.consents": [withdrawn, consent("E", valid_from="2025-04-01", data_classes="score")]}
    connection = both(market(**rows))
    assert only(connection, "select consent_id, score is null, rank_overall is null from bank_prospects") == (
        "E",
        False,
        True,
    )


def test_of_two_consents_of_one_day_number_10_is_newer_than_number_9() -> None:
    two = [consent("9"), consent("10", data_classes="rank")]
    connection = both(market(**{"science.consents": two}))
    assert only(connection, "select count(*) from bank_prospects") == 0
    connection = both(market(**{"science.consents": [two[0] | {"data_classes": "rank"}, consent("10")]}))
    assert only(connection, "select consent_id from bank_prospects") == "10"


def test_of_two_reports_of_one_day_number_10_is_newer_than_number_9() -> None:
    two = [report("9", limit_cny="1.00"), report("10", limit_cny="2.00")]
    connection = both(market(**{"finance.bank_feedback": two}))
    assert only(connection, "select feedback_no from need_feedback where is_newest") == "10"


def report(no: str = "F", **more: Any) -> dict[str, Any]:
    return {
        "feedback_no": no,
        "bank": "bank_a",
        "application_no": "S",
        "need_no": "N",
        "uscc": A,
        "decision": "approved",
        "limit_cny": "1000000.00",
        "balance_cny": "999999.99",
        "drawn_on": "2025-06-12",
        "five_class": "正常",
        "overdue_days": 0,
        "consent_id": "C",
        "reported_on": "2025-06-30",
        **more,
    }


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({}, None),
        ({"consent_id": None}, "no_consent"),
        ({"consent_id": "X"}, "no_consent"),
        ({"uscc": B}, "consent_of_another"),
        ({"bank": "bank_b"}, "consent_of_another"),
        ({"reported_on": "2024-12-31"}, "consent_not_in_force"),
        ({"need_no": "X"}, "no_need"),
        ({"need_no": None}, None),
        ({"decision": "rejected"}, "no_reason"),
        ({"decision": "rejected", "reject_reason": "x"}, None),
    ],
)
def test_feedback_without_a_consent_on_its_day_has_no_figure(changed: dict[str, Any], problem: str | None) -> None:
    connection = both(market(**{"finance.bank_feedback": [report(**changed)]}))
    found = only(connection, "select problem, balance_fen, five_class, is_newest from need_feedback")
    assert found == (problem, *((None, None, False) if problem else (99_999_999, "正常", True)))
    listed = connection.execute("select problem from market_problems where dataset = 'bank_feedback'").fetchall()
    ahead = [("ahead_of_the_steps",)] if changed.get("need_no", "N") else []
    assert listed == ([(problem,)] if problem else ahead)


def randomly(seed: int) -> dict[str, Any]:
    """Needs, events, offers and consents by chance, many of them wrong."""
    chance = random.Random(seed)
    as_of = date(2025, 1, 1) + timedelta(days=chance.randrange(200, 800))
    usccs = [f"9144000000000000{number:02d}" for number in range(6)]
    products = [(row["product_id"], row["bank"]) for row in seed_rows("products")]

    def day(first: int = 0, last: int = 200) -> date:
        return as_of - timedelta(days=chance.randrange(first, last))

    needs, events, offers, consents = [], [], [], []
    for number in range(24):
        no, posted = f"N{number:02d}", day(0, 120)
        needs.append(
            need(
                no,
                uscc=chance.choice(usccs),
                posted_on=posted,
                amount_cny=Decimal(chance.randrange(10_000_000, 300_000_000)) / 100,
                term_months=chance.choice((6, 12, 18, 24)),
                highest_rate_pct=chance.choice((None, "3", "3.5", "4")),
                collaterals=chance.choice((None, "property", "ip_pledge;receivables", "equipment")),
                consented_banks=chance.choice((None, "bank_a", "bank_b", "bank_a;bank_b")),
            )
        )
        for bank in ("bank_a", "bank_b", None):
            since = posted - timedelta(days=chance.randrange(2))
            for place in range(chance.randrange(7)):
                since += timedelta(days=chance.choice((0, 1, 2, 5, 9, 30)))
                step = STEPS[place] if chance.random() < 0.75 else chance.choice(STEPS)
                step = "closed" if bank is None and place and chance.random() < 0.3 else step
                events.append(event(place, step, str(since), bank, no, reason=chance.choice((None, "x"))))
    for uscc in usccs:
        for product, bank in products:
            offers.append(
                offer(
                    product,
                    bank,
                    uscc=uscc,
                    decision=chance.choice(("eligible", "eligible", "eligible", "near_miss")),
                    is_marketed=chance.choice(("true", "true", "true", "false")),
                    limit_fen=chance.randrange(5, 30) * 10_000_000,
                    rate_pct=chance.choice(("2.9", "3.2", "3.5")),
                    answer_days=chance.choice((None, 3)),
                )
            )
        for bank in ("bank_a", "bank_b", "bank_a"):
            consents.append(
                consent(
                    f"C{len(consents)}",
                    uscc,
                    bank,
                    valid_from=day(),
                    valid_to=chance.choice((None, as_of, day())),
                    withdrawn_on=chance.choice((None, None, as_of, day())),
                    data_classes=chance.choice(("score,rank,loan_feedback", "score", "rank")),
                )
            )
    return market(
        **{
            "ruleset_in_force": [{"as_of": as_of}],
            "enterprise_facts": [{"uscc": u, "score": chance.choice((None, 50, 60)), "rank_overall": 1} for u in usccs],
            "finance.needs": needs,
            "finance.need_events": events,
            "science.consents": consents,
            "product_offers": offers,
            "pool_positions": [
                {"pool_id": "P", "scope": "bank", "party": "bank_a", "line": chance.choice(("ok", "stop"))}
            ],
        }
    )


@RANDOMLY
@given(seed=st.integers(0, 10**6))
def test_no_sequence_of_events_lands_in_a_state_that_the_transitions_do_not_allow(seed: int) -> None:
    connection = both(randomly(seed))
    ways = {(row["from_state"], row["to_state"]) for row in seed_rows("market_transitions")}
    reached = {"posted"} | {to for _, to in ways}
    for row in records(connection, "from market_events order by need_no, bank, place"):
        if row["is_applied"]:
            assert (row["from_state"], row["state"]) in ways
        else:
            assert row["state"] == row["from_state"]
            assert row["state"] in reached | {"expired"}
    assert only(connection, "select count(*) from need_states where state = 'expired' and is_open") == 0


@RANDOMLY
@given(seed=st.integers(0, 10**6))
def test_no_bank_sees_a_need_whose_enterprise_did_not_consent_on_the_day(seed: int) -> None:
    rows = randomly(seed)
    (as_of,) = (row["as_of"] for row in rows["ruleset_in_force"])
    given_by = {
        (one["uscc"], one["recipient"])
        for one in rows["science.consents"]
        if one["valid_from"] <= as_of
        and (one["valid_to"] or as_of) >= as_of
        and (one["withdrawn_on"] is None or one["withdrawn_on"] > as_of)
        and "score" in one["data_classes"]
    }
    named = {
        (one["need_no"], bank) for one in rows["finance.needs"] for bank in (one["consented_banks"] or "").split(";")
    }
    for row in records(run("market", rows, seeds()), "from bank_prospects"):
        assert (row["uscc"], row["bank"]) in given_by
        assert (row["need_no"], row["bank"]) in named


@RANDOMLY
@given(seed=st.integers(0, 10**6))
def test_a_further_condition_never_adds_a_match(seed: int) -> None:
    rows, chance = randomly(seed), random.Random(seed)

    def matches(given_rows: dict[str, Any], with_seeds: dict[str, Any]) -> set[tuple[Any, ...]]:
        connection = run("market", given_rows, with_seeds)
        return set(connection.execute("select need_no, product_id from need_offers where fit = 'match'").fetchall())

    before = matches(rows, seeds())
    strict = [
        one | chance.choice(({"highest_rate_pct": "2.95"}, {"collaterals": None}, {"term_months": 24}, {}))
        for one in rows["finance.needs"]
    ]
    strict = [
        after if (after["highest_rate_pct"] != "2.95" or one["highest_rate_pct"] != "2.9") else one
        for one, after in zip(rows["finance.needs"], strict, strict=True)
    ]
    offers = [one | chance.choice(({"decision": "no"}, {}, {})) for one in rows["product_offers"]]
    pause = {
        "bank": "bank_b",
        "paused_from": "2024-01-01",
        "paused_to": "",
        "product_id": "",
        "reason_zh": "x",
        "reason_en": "x",
    }
    pauses = [pause] if chance.random() < 0.3 else []
    after = matches(rows | {"finance.needs": strict, "product_offers": offers}, seeds(market_pauses=pauses))
    assert after <= before


def test_every_row_of_the_district_agrees_and_each_planted_edge_shows() -> None:
    district = generate()
    names = ("finance.needs", "finance.need_events", "finance.bank_feedback", "science.consents")
    feeds = {name: feed(name, district) for name in names}
    usccs = sorted({row["uscc"] for row in feeds["finance.needs"]})
    products = [(row["product_id"], row["bank"]) for row in seed_rows("products")]
    rows = {
        "ruleset_in_force": [{"as_of": district.as_of}],
        "enterprise_facts": [
            {"uscc": uscc, "score": 50 + place % 9, "rank_overall": place} for place, uscc in enumerate(usccs)
        ],
        "product_offers": [
            offer(product, bank, uscc=uscc, limit_fen=(5 + (one + other) % 40) * 10_000_000)
            for one, uscc in enumerate(usccs)
            for other, (product, bank) in enumerate(products)
        ],
        **feeds,
    }
    connection = both(rows)
    judged = {row["event_no"]: row["problem"] for row in records(connection, "from market_events")}
    reported = {row["feedback_no"]: row["problem"] for row in records(connection, "from need_feedback")}
    answers = {row["need_no"]: row["state"] for row in records(connection, "from bank_answers where bank = 'bank_a'")}
    states = {row["need_no"]: row["state"] for row in records(connection, "from need_states")}
    fits = {}
    for row in records(connection, "from need_offers"):
        fits.setdefault(row["need_no"], set()).add(row["fit"])
    shown = {(row["need_no"], row["bank"]): row for row in records(connection, "from bank_prospects")}
    planted = [one for one in district.planted if f"{one.source}.{one.dataset}" in names[:3]]
    assert len(planted) == 21
    for one in planted:
        record = one.sent
        if one.expect in ("flagged", "applied"):
            found = (judged | reported)[record.get("event_no") or record["feedback_no"]]
            assert found == (one.reason or None), one.kind
        elif one.dataset == "need_events":
            assert answers[record["need_no"]] == one.expect, one.kind
        elif one.expect == "no_match":
            assert "match" not in fits[record["need_no"]]
        elif one.expect == "equal":
            assert shown[record["need_no"], "bank_a"]["equals"] == 2
        elif one.expect == "not_shown":
            assert "match" in fits[record["need_no"]]
            assert (record["need_no"], "bank_b") not in shown
        else:
            assert states[record["need_no"]] == one.expect, one.kind
