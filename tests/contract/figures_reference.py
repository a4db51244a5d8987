"""The programme's figures worked out in plain Python, for one quarter, from the records that landed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from tests.contract.market_reference import Market
from tests.contract.pool_reference import OPEN, Pool, Row
from tests.contract.subsidy_reference import as_day, fen, numbered

Rows = Mapping[str, Sequence[Row]]
Figures = dict[str, tuple[int | None, int]]
"""Each figure with the number of records that could not be judged."""


def is_within(row: Row, day: date) -> bool:
    last = as_day(row["valid_to"]) if row["valid_to"] else None
    return as_day(row["valid_from"]) <= day and (last is None or last >= day)


def rounded(fraction: Fraction) -> int:
    return int((Decimal(fraction.numerator) / fraction.denominator).quantize(Decimal(1), ROUND_HALF_UP))


def figures_of(rows: Rows, seeds: Rows, lines: Sequence[Row], market: Market, first: date, last: date) -> Figures:
    """All figures of the quarter between two days."""
    return (
        _products(seeds, last)
        | _loans(rows, first, last)
        | _needs(market, last)
        | _credit(rows, market, last)
        | _subsidies(rows, lines, last)
        | _pool(rows, seeds, last)
    )


def _products(seeds: Rows, last: date) -> Figures:
    there = [row for row in seeds["products"] if is_within(row, last)]
    return {
        "banks": (len({row["bank"] for row in there}), 0),
        "products": (len({row["product_id"] for row in there}), 0),
    }


def _loans(rows: Rows, first: date, last: date) -> Figures:
    legal = {row["code"]: row["uscc"] for row in rows["int_codes__redirected"]}
    moves = [row for row in rows["finance.loan_movements"] if row["kind"] in ("drawdown", "repayment")]
    blank = {(row["bank"], row["loan_receipt_no"]) for row in moves if row["amount_cny"] is None}
    moves = [row for row in moves if as_day(row["moved_on"]) <= last]
    drawn = [row for row in moves if row["kind"] == "drawdown"]
    told = [row for row in moves if (row["bank"], row["loan_receipt_no"]) not in blank]
    new = [row for row in told if row["kind"] == "drawdown" and as_day(row["moved_on"]) >= first]
    rated = [row for row in new if row["annual_rate_pct"] is not None]
    weight = sum(fen(row["amount_cny"]) for row in rated)
    rate = sum(fen(row["amount_cny"]) * Fraction(str(row["annual_rate_pct"])) * 10_000 for row in rated)
    missing = sum((row["bank"], row["loan_receipt_no"]) in blank for row in drawn)
    return {
        "enterprises_with_loans": (len({legal.get(row["uscc"], row["uscc"]) for row in drawn}), 0),
        "loans_drawn_fen": (sum(fen(row["amount_cny"]) for row in told if row["kind"] == "drawdown"), missing),
        "loans_outstanding_fen": (
            sum(fen(row["amount_cny"]) * (1 if row["kind"] == "drawdown" else -1) for row in told),
            missing,
        ),
        "loan_rate_ppm": (rounded(rate / weight) if weight else None, missing),
    }


def _needs(market: Market, last: date) -> Figures:
    needs = {"posted": [no for no, need in market.needs.items() if as_day(need["posted_on"]) <= last]}
    for step in ("matched", "approved", "drawn"):
        needs[step] = [
            no
            for no, tracks in market.tracks.items()
            if any(e["event"] == step and as_day(e["happened_on"]) <= last for track in tracks.values() for e in track)
        ]
    counts: Figures = {f"needs_{step}": (len(found), 0) for step, found in needs.items()}
    return counts | {
        f"needs_{step}_fen": (sum(fen(market.needs[no]["amount_cny"]) for no in found), 0)
        for step, found in needs.items()
    }


def _credit(rows: Rows, market: Market, last: date) -> Figures:
    problems, newest = market.feedback(), {}
    newest_last = sorted(
        rows["finance.bank_feedback"], key=lambda row: (as_day(row["reported_on"]), *numbered(row["feedback_no"]))
    )
    for row in newest_last:
        if as_day(row["reported_on"]) <= last and problems[row["feedback_no"]][0] is None:
            newest[row["bank"], row["application_no"]] = row
    granted = [row for row in newest.values() if row["decision"] == "approved"]
    drawn = [row for row in granted if row["drawn_on"] and as_day(row["drawn_on"]) <= last]

    def limits(found: Sequence[Row]) -> tuple[int, int]:
        known = [fen(row["limit_cny"]) for row in found if row["limit_cny"] is not None]
        return sum(known), len(found) - len(known)

    return {
        "enterprises_granted": (len({market.uscc(row) for row in granted}), 0),
        "credit_granted_fen": limits(granted),
        "credit_drawn_fen": limits(drawn),
    }


def _subsidies(rows: Rows, lines: Sequence[Row], last: date) -> Figures:
    filed = [row for row in lines if as_day(row["claimed_on"]) <= last]
    granted = sum(row["granted_fen"] or 0 for row in filed)
    interest = sum(row["interest_fen"] for row in filed if row["granted_fen"])
    unknown = sum(row["granted_fen"] is None for row in filed)
    by_key = {(row["claim_no"], row["programme_id"], row["policy_year"]): row for row in lines}
    paid = [
        (by_key[row["claim_no"], row["programme_id"], row["policy_year"]], fen(row["amount_cny"]))
        for row in rows["finance.subsidy_payments"]
        if as_day(row["paid_on"]) <= last
    ]
    principal: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows["finance.loan_movements"]:
        if row["kind"] == "drawdown" and row["amount_cny"] is not None:
            principal["loan", row["bank"], row["loan_receipt_no"]] += fen(row["amount_cny"])
    for row in rows["finance.leases"]:
        principal["lease", row["lessor"], row["lease_no"]] += fen(row["financed_amount_cny"])
    contracts = {(line["kind"], line["lender"], line["contract_no"]) for line, amount in paid if amount > 0}
    return {
        "subsidies_granted_fen": (granted, unknown),
        "cost_reduction_ppm": (granted * 1_000_000 // interest if interest else None, unknown),
        "subsidies_paid_fen": (sum(amount for _, amount in paid), 0),
        "enterprises_subsidised": (len({line["uscc"] for line, amount in paid if amount > 0}), 0),
        "financing_subsidised_fen": (sum(principal[one] for one in contracts), 0),
    }


def _pool(rows: Rows, seeds: Rows, last: date) -> Figures:
    pool = Pool({**rows, "ruleset_in_force": [{"as_of": last}]}, seeds)
    (terms,) = seeds["pool_terms"]
    position = pool.position(terms["pool_id"], "pool", terms["pool_id"])
    standing, fees = 0, []
    for no, row in pool.guarantees.items():
        claim = pool.claims.get(no)
        ended = (row["valid_to"] and as_day(row["valid_to"]) < last) or (
            row["released_on"] and as_day(row["released_on"]) <= last
        )
        if pool.shares[no] and (claim.state in OPEN if claim and claim.state != "none" else not ended):
            standing += 1
            if row["fee_rate_pct"] is not None:
                fees.append((fen(row["principal_cny"]), Fraction(str(row["fee_rate_pct"])) * 10_000))
    weight = sum(principal for principal, _ in fees)
    agreed = sum(fen(row["limit_cny"]) for row in seeds["pool_agreements"] if is_within(row, last))
    return {
        "agreed_fen": (agreed, 0),
        "guarantees": (standing, 0),
        "guaranteed_fen": (position["balance_fen"], 0),
        "guarantee_fee_ppm": (rounded(sum(p * fee for p, fee in fees) / weight) if weight else None, 0),
        "pool_fen": (position["pool_fen"], 0),
        "pool_leverage_ppm": (position["leverage_ppm"], 0),
    }
