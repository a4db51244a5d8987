"""The risk pool worked out in plain Python: a fold over the events of each claim, and sums of fractions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.contract.subsidy_reference import as_day, fen, numbered

Row = Mapping[str, Any]
OPEN = ("claimed", "guarantor_paid", "filed", "approved")


def floor(fraction: Fraction) -> int:
    return fraction.numerator // fraction.denominator


@dataclass
class Claim:
    """What became of the events of one guarantee, in fen."""

    state: str = "none"
    loss: int = 0
    recovered: int = 0
    claimed_year: int | None = None
    pool_change: int = 0
    applied: dict[str, bool] = field(default_factory=dict)
    parts: dict[str, list[int]] = field(default_factory=lambda: {"loss": [0, 0, 0], "recovered": [0, 0, 0]})


class Pool:
    """All figures of a set of rows, as given to the models. Shares are (government, guarantor, bank)."""

    def __init__(self, given: Mapping[str, Sequence[Row]], seeds: Mapping[str, Sequence[Row]]) -> None:
        self.given, self.seeds = given, seeds
        (self.as_of,) = (as_day(row["as_of"]) for row in given["ruleset_in_force"])
        self.agreements = {row["agreement_id"]: row for row in seeds["pool_agreements"]}
        self.terms = {row["pool_id"]: row for row in seeds["pool_terms"]}
        self.guarantees = {
            row["guarantee_no"]: row
            for row in given.get("finance.guarantees", ())
            if as_day(row["valid_from"]) <= self.as_of
        }
        self.loans: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for move in given.get("finance.loan_movements", ()):
            if as_day(move["moved_on"]) <= self.as_of:
                self.loans[move["bank"], move["loan_receipt_no"]].append(move)
        self.shares = {no: self._shares(row) for no, row in self.guarantees.items()}
        self.claims: dict[str, Claim] = defaultdict(Claim)
        self._fold()

    def _shares(self, row: Row) -> tuple[Fraction, Fraction, Fraction] | None:
        agreement = self.agreements.get(row["agreement_id"])
        if agreement is None or (agreement["bank"], agreement["guarantor"]) != (row["bank"], row["guarantor"]):
            return None
        if as_day(row["valid_from"]) < as_day(agreement["valid_from"]):
            return None
        if any(move["uscc"] != row["uscc"] for move in self.loans[self._loan(row)]) or self._is_guaranteed_before(row):
            return None
        principal = Decimal(str(row["principal_cny"]))
        for band in self.seeds["pool_sharing"]:
            low, high = Decimal(band["principal_low_cny"]), Decimal(band["principal_high_cny"])
            above = principal > low or (principal == low and band["inclusive_low"] == "true")
            below = principal < high or (principal == high and band["inclusive_high"] == "true")
            if band["agreement_id"] != row["agreement_id"] or not (above and below):
                continue
            lifted: dict[str, Fraction] = {}
            for name in filter(None, (row.get("uplifts") or "").split(";")):
                found = [
                    u
                    for u in self.seeds["pool_uplifts"]
                    if (u["agreement_id"], u["uplift"]) == (row["agreement_id"], name)
                ]
                if not found:
                    return None
                group = found[0]["uplift_group"]
                lifted[group] = max(lifted.get(group, Fraction(0)), Fraction(found[0]["government_pct"]) / 100)
            government = Fraction(band["government_pct"]) / 100 + sum(lifted.values())
            government = min(government, Fraction(agreement["government_ceiling_pct"]) / 100)
            bank = Fraction(band["bank_pct"]) / 100
            return government, 1 - government - bank, bank
        return None

    def _loan(self, row: Row) -> tuple[str, str]:
        return row["bank"], row["loan_receipt_no"]

    def _is_guaranteed_before(self, row: Row) -> bool:
        begins = as_day(row["valid_from"])
        for other in self.guarantees.values():
            first = as_day(other["valid_from"])
            last = as_day(other.get("valid_to")) or date.max
            if other.get("released_on"):
                last = min(last, as_day(other["released_on"]) - timedelta(days=1))
            is_earlier = (first, *numbered(other["guarantee_no"])) < (begins, *numbered(row["guarantee_no"]))
            if is_earlier and self._loan(other) == self._loan(row) and last >= begins:
                return other["agreement_id"] in self.agreements
        return False

    def _owed(self, no: str, day: date) -> int | None:
        """What is still owed of the loan at the end of a day; None where nobody tells."""
        moves = [m for m in self.loans[self._loan(self.guarantees[no])] if as_day(m["moved_on"]) <= day]
        amounts = [
            (fen(m["amount_cny"]), 1 if m["kind"] == "drawdown" else -1)
            for m in moves
            if m["kind"] in ("drawdown", "repayment")
        ]
        if not any(m["kind"] == "drawdown" for m in moves) or any(amount is None for amount, _ in amounts):
            return None
        owed = sum(amount * sign for amount, sign in amounts)
        return owed if owed >= 0 else None

    def _may_claim(self, no: str, amount: int, day: date) -> bool:
        owed, released = self._owed(no, day), as_day(self.guarantees[no].get("released_on"))
        return (owed is None or amount <= owed) and (released is None or day < released)

    def _split(self, no: str, amount: int) -> list[int]:
        government, _, bank = self.shares[no]
        first, last = floor(amount * government), floor(amount * bank)
        return [first, amount - first - last, last]

    def _fold(self) -> None:
        rules = {(row["from_state"], row["to_state"]): row["amount_rule"] for row in self.seeds["pool_transitions"]}
        events = sorted(
            self.given.get("finance.guarantee_claims", ()),
            key=lambda e: (as_day(e["happened_on"]), *numbered(e["event_no"])),
        )
        for event in events:
            no, when = event["guarantee_no"], as_day(event["happened_on"])
            if when > self.as_of:
                continue
            claim = self.claims[no]
            rule = rules.get((claim.state, event["state"]))
            amount = fen(event.get("amount_cny"))
            fits = self._fits(no, claim, rule, amount) and when >= as_day(self.guarantees[no]["valid_from"])
            if fits and rule == "up_to_principal":
                fits = self._is_overdue_enough(no, when) and self._may_claim(no, amount, when)
            claim.applied[event["event_no"]] = fits
            if fits:
                self._apply(no, claim, event["state"], amount, when.year)

    def _fits(self, no: str, claim: Claim, rule: str | None, amount: int | None) -> bool:
        if rule is None or self.shares.get(no) is None or (rule != "none" and amount is None):
            return False
        government, guarantor, _ = self._split(no, claim.loss)
        return {
            "none": lambda: True,
            "up_to_principal": lambda: 0 < amount <= fen(self.guarantees[no]["principal_cny"]),
            "guaranteed_share": lambda: amount == government + guarantor,
            "government_share": lambda: amount == government,
            "up_to_loss": lambda: claim.recovered + amount <= claim.loss,
        }[rule]()

    def _is_overdue_enough(self, no: str, when: date) -> bool:
        """Whether the loan was overdue on so many days running up to the claim, one after the other."""
        guarantee = self.guarantees[no]
        pool = self.agreements[guarantee["agreement_id"]]["pool_id"]
        moves = [
            (as_day(move["moved_on"]) + timedelta(days=move["kind"] == "overdue_to"), move["kind"] == "overdue_from")
            for move in self.given.get("finance.loan_movements", ())
            if (move["bank"], move["loan_receipt_no"]) == (guarantee["bank"], guarantee["loan_receipt_no"])
            and move["kind"] in ("overdue_from", "overdue_to")
            and as_day(move["moved_on"]) <= self.as_of
        ]
        since = None
        for day, begins in sorted(moves):
            if day <= when:
                since = day if begins else None
        return since is not None and (when - since).days + 1 >= int(self.terms[pool]["claim_overdue_days"])

    def _apply(self, no: str, claim: Claim, state: str, amount: int | None, year: int) -> None:
        claim.state = state
        if state == "claimed":
            claim.loss, claim.claimed_year = amount, year
            claim.parts["loss"] = self._split(no, amount)
        if state == "compensated":
            claim.pool_change -= amount
        if state == "recovered":
            claim.recovered += amount
            split = self._split(no, amount)
            claim.parts["recovered"] = [a + b for a, b in zip(claim.parts["recovered"], split, strict=True)]
            claim.pool_change += split[0]

    def outstanding(self, row: Row) -> int:
        """The principal still owed, all of the guarantee's where nobody tells."""
        most, moves = fen(row["principal_cny"]), []
        for move in self.given.get("finance.loan_movements", ()):
            of_loan = (move["bank"], move["loan_receipt_no"]) == (row["bank"], row["loan_receipt_no"])
            if of_loan and move["kind"] in ("drawdown", "repayment") and as_day(move["moved_on"]) <= self.as_of:
                amount = fen(move["amount_cny"])
                moves.append(amount if move["kind"] == "drawdown" or amount is None else -amount)
        if not moves or None in moves or sum(moves) < 0:
            return most
        return min(sum(moves), most)

    def position(self, pool_id: str, scope: str, party: str) -> dict[str, Any]:
        """The figures of a pool, a bank or a guarantor."""
        found: dict[str, int] = defaultdict(int)
        terms = self.terms[pool_id]
        for no, row in self.guarantees.items():
            if self.shares[no] is None or self.agreements[row["agreement_id"]]["pool_id"] != pool_id:
                continue
            if party not in (pool_id, row[scope] if scope != "pool" else pool_id):
                continue
            self._add(found, no, row)
        if terms["npl_denominator"] == "balance":
            bad, denominator = found["bad"], found["good"] + found["bad"]
        else:
            bad, denominator = found["claimed"], found["entered"]
        limit = sum(
            fen(a["limit_cny"])
            for a in self.agreements.values()
            if a["pool_id"] == pool_id and a.get(scope, pool_id) == party
        )
        money = None
        if scope == "pool":
            money = self.money(pool_id)
            limit = money * int(terms["leverage_times"])
        return {
            "balance_fen": found["balance"],
            "committed_fen": found["committed"],
            "released_fen": found["released"],
            "pool_fen": money,
            "bad_fen": bad,
            "denominator_fen": denominator,
            "headroom_fen": limit - found["balance"],
            "npl_ppm": floor(Fraction(bad * 1_000_000, denominator)) if denominator else None,
            "leverage_ppm": floor(Fraction(found["balance"] * 1_000_000, money)) if money and money > 0 else None,
            "line": self._line(bad, denominator, terms, self._restart(pool_id, scope, party)),
        }

    def _add(self, found: dict[str, int], no: str, row: Row) -> None:
        claim = self.claims.get(no) or Claim()
        principal, owed = fen(row["principal_cny"]), self.outstanding(row)
        ended = (row.get("valid_to") and as_day(row["valid_to"]) < self.as_of) or (
            row.get("released_on") and as_day(row["released_on"]) <= self.as_of
        )
        is_open = claim.state in OPEN if claim.state != "none" else not ended
        if is_open:
            found["balance"] += owed
            found["committed"] += floor(owed * self.shares[no][0])
            found["released"] += principal - owed
            found["good"] += owed if claim.state == "none" else 0
        elif claim.state == "none":
            found["released"] += principal
        if as_day(row["valid_from"]).year == self.as_of.year:
            found["entered"] += principal
        if claim.claimed_year == self.as_of.year:
            found["claimed"] += claim.loss
        if claim.state not in ("none", "written_off"):
            found["bad"] += claim.loss - claim.recovered

    def _restart(self, *who: str) -> Fraction | None:
        for row in self.seeds["pool_restarts"]:
            is_in_force = as_day(row["valid_from"]) <= self.as_of <= as_day(row["valid_to"])
            if is_in_force and (row["pool_id"], row["scope"], row["party"]) == who:
                return Fraction(row["stop_pct"]) / 100
        return None

    def _line(self, bad: int, denominator: int, terms: Row, restart: Fraction | None) -> str:
        if denominator == 0:
            return "ok" if bad == 0 else "not_known"
        share = Fraction(bad, denominator)
        if share > Fraction(terms["stop_pct"]) / 100:
            return "restarted" if restart is not None and share <= restart else "stop"
        return "warn" if share > Fraction(terms["warn_pct"]) / 100 else "ok"

    def money(self, pool_id: str) -> int:
        paid = sum(
            fen(row["amount_cny"]) * (-1 if row["kind"] == "withdrawn" else 1)
            for row in self.given.get("finance.pool_funds", ())
            if row["pool_id"] == pool_id and as_day(row["moved_on"]) <= self.as_of
        )
        return paid + sum(claim.pool_change for claim in self.claims.values())
