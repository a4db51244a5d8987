"""Interest and lease subsidies worked out day by day with fractions: no SQL, nothing shared with the models."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
Key = tuple[str, str, int]
DAY = timedelta(days=1)
LISTS = ("serious_dishonesty", "judgment_defaulter")


@dataclass
class Line:
    """One claim in one programme and year; amounts are fen, None where a condition is not known."""

    claim: Row
    programme: Row | None
    failed: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    weights: list[tuple[int, Fraction, Fraction]] = field(default_factory=list)
    interest: int | None = None
    computed: int | None = None
    granted: int | None = None


def as_day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


def numbered(no: str) -> tuple[int, str]:
    """A number as it is ordered: 9 comes before 10."""
    return len(no), no


def fen(value: Any) -> int | None:
    return None if value in (None, "") else int(Decimal(str(value)) * 100)


def part(value: Any) -> Fraction | None:
    """A percentage as a fraction."""
    return None if value in (None, "") else Fraction(str(value)) / 100


def thirty(day: date) -> int:
    return day.year * 360 + day.month * 30 + min(day.day, 30)


class Subsidies:
    """All lines of a set of rows, as given to the models."""

    def __init__(self, given: Mapping[str, Sequence[Row]], seeds: Mapping[str, Sequence[Row]]) -> None:
        self.given, self.seeds = given, seeds
        (self.as_of,) = (as_day(row["as_of"]) for row in given["ruleset_in_force"])
        self.legal = {row["code"]: row["uscc"] for row in given.get("int_codes__redirected", ())}
        self.whole = {r["code"]: r["uscc"] for r in given.get("int_codes__redirected", ()) if not r["is_of_branch"]}
        self.leases = {row["lease_no"]: row for row in given.get("finance.leases", ())}
        self.moves = self._moves()
        self.titles = self._titles()
        self.revenues = self._latest("tax.statements", "operating_revenue_cny")
        self.deductions = self._latest("tax.rd_deductions", "additional_deduction_cny")
        self.claims = sorted(
            (row for row in given.get("finance.subsidy_claims", ()) if as_day(row["claimed_on"]) <= self.as_of),
            key=self.order,
        )
        self.lines: dict[Key, Line] = {}
        for claim in self.claims:
            self._walk(claim)
        for key, line in self.lines.items():
            self._judge(key, line)
        self._grant()

    def order(self, claim: Row) -> tuple[date, int, str]:
        return as_day(claim["claimed_on"]), *numbered(claim["claim_no"])

    def who(self, claim: Row) -> str:
        return self.legal.get(claim["uscc"], claim["uscc"])

    def _moves(self) -> dict[tuple[str, str, str], list[tuple[date, str, Row]]]:
        found = defaultdict(list)
        for row in self.given.get("finance.loan_movements", ()):
            if as_day(row["moved_on"]) <= self.as_of:
                found["loan", row["bank"], row["loan_receipt_no"]].append((as_day(row["moved_on"]), row["kind"], row))
        for row in self.leases.values():
            if as_day(row["started_on"]) <= self.as_of:
                drawn = {
                    "amount_cny": row.get("financed_amount_cny"),
                    "annual_rate_pct": row.get("annual_rate_pct"),
                    "movement_no": "",
                }
                found["lease", row["lessor"], row["lease_no"]].append((as_day(row["started_on"]), "drawdown", drawn))
        for row in self.given.get("finance.lease_payments", ()):
            lease = self.leases.get(row["lease_no"])
            if lease and as_day(row["paid_on"]) <= self.as_of:
                moves = found["lease", lease["lessor"], row["lease_no"]]
                moves.append((as_day(row["paid_on"]), "repayment", {"amount_cny": row.get("principal_cny")}))
                moves.append((as_day(row["paid_on"]), "interest_paid", {"amount_cny": row.get("interest_cny")}))
        return found

    def _titles(self) -> dict[tuple[str, str], list[tuple[date, date]]]:
        found = defaultdict(list)
        for row in self.given.get("science.titles", ()):
            last = as_day(row.get("valid_to")) or date.max
            if row.get("revoked_on"):
                last = min(last, as_day(row["revoked_on"]) - DAY)
            holder = self.legal.get(row["uscc"], row["uscc"])
            found[holder, row["title"]].append((as_day(row["issued_on"]), last))
        return found

    def _latest(self, dataset: str, column: str) -> dict[tuple[str, int], Any]:
        """The figure last filed; an enterprise's own filing goes before its predecessor's."""
        best: dict[tuple[str, int], tuple[tuple[bool, date], Any]] = {}
        for row in self.given.get(dataset, ()):
            filed_on = as_day(row["filed_on"])
            rank = (row["uscc"] not in self.whole, filed_on)
            key = (self.whole.get(row["uscc"], row["uscc"]), int(row["fiscal_year"]))
            if filed_on <= self.as_of and (key not in best or rank > best[key][0]):
                best[key] = (rank, row.get(column))
        return {key: value for key, (_, value) in best.items()}

    def _programme(self, kind: str, day: date) -> Row | None:
        for row in self.seeds["subsidy_programmes"]:
            last = as_day(row["valid_to"]) or date.max
            if row["kind"] == kind and as_day(row["valid_from"]) <= day <= last:
                return row
        return None

    def _tier(self, programme: Row, revenue: Any) -> Row | None:
        figure = Decimal(str(revenue))
        for row in self.seeds["subsidy_tiers"]:
            if row["programme_id"] != programme["programme_id"]:
                continue
            low, high = (
                row[name] if row[name] not in (None, "") else None for name in ("revenue_low_cny", "revenue_high_cny")
            )
            above = low is None or figure > Decimal(low) or (figure == Decimal(low) and row["inclusive_low"] == "true")
            below = (
                high is None or figure < Decimal(high) or (figure == Decimal(high) and row["inclusive_high"] == "true")
            )
            if above and below:
                return row
        return None

    def _standing(self, claim: Row, day: date) -> tuple[int | None, Fraction | None, bool]:
        """Principal, rate and whether overdue at the end of a day."""
        principal, rate, overdue = 0, None, False
        moves = self.moves[claim["kind"], claim["lender"], claim["contract_no"]]
        for when, kind, row in sorted(moves, key=lambda move: (move[0], *numbered(move[2].get("movement_no", "")))):
            if when > day and not (kind == "overdue_to" and when >= day):
                continue
            amount = fen(row.get("amount_cny"))
            if kind in ("drawdown", "repayment"):
                principal = (
                    None
                    if principal is None or amount is None
                    else principal + amount * (1 if kind == "drawdown" else -1)
                )
            if kind == "rate_change" or (kind == "drawdown" and row.get("annual_rate_pct") is not None):
                rate = part(row["annual_rate_pct"])
            if kind == "overdue_from":
                overdue = True
            if kind == "overdue_to" and when < day:
                overdue = False
        is_drawn = any(kind == "drawdown" for _, kind, _ in moves)
        return (principal if is_drawn and principal is not None and principal >= 0 else None), rate, overdue

    def _walk(self, claim: Row) -> None:
        """Go through the days of a claim, one by one."""
        first, last = as_day(claim["period_from"]), as_day(claim["period_to"])
        if first > last:
            self.lines[claim["claim_no"], "none", first.year] = Line(claim, None)
            return
        states = []
        day = first
        while day <= last:
            states.append((day, self._programme(claim["kind"], day), *self._standing(claim, day)))
            day += DAY
        years = {state[0].year for state in states}
        is_rd = claim.get("used_for") == "rd"
        allowances = {year: self._research_left(claim, year) if is_rd else None for year in years}
        for day, programme, principal, rate, overdue in states:
            key = (claim["claim_no"], programme["programme_id"] if programme else "none", day.year)
            line = self.lines.setdefault(key, Line(claim, programme))
            if programme is None:
                continue
            self._day(line, day, principal, rate, overdue, allowances[day.year])

    def _research_left(self, claim: Row, year: int) -> int | None:
        """What is left of the super-deduction of a year for an R&D loan, after the other loans claimed before it."""
        declared = fen(self.deductions.get((self.who(claim), year)))
        loans: dict[Any, list[Row]] = defaultdict(list)
        for other in self.claims:
            first, last = as_day(other["period_from"]), as_day(other["period_to"])
            of_year = first <= last and first.year <= year <= last.year
            if other.get("used_for") == "rd" and self.who(other) == self.who(claim) and of_year:
                loans[other["kind"], other["lender"], other["contract_no"]].append(other)
        mine = loans.pop((claim["kind"], claim["lender"], claim["contract_no"]))
        for others in loans.values():
            if self._turn(others) < self._turn(mine) and declared is not None:
                peaks = [self._standing(other, day)[0] for other in others for day in self._days(other, year)]
                declared = None if None in peaks else declared - max(peaks)
        return None if declared is None else max(declared, 0)

    def _turn(self, claims: Sequence[Row]) -> tuple[date, int, str]:
        return min(self.order(one) for one in claims)

    def _days(self, claim: Row, year: int) -> list[date]:
        first, last = as_day(claim["period_from"]), as_day(claim["period_to"])
        days = [first + DAY * n for n in range((last - first).days + 1)]
        return [day for day in days if day.year == year]

    def _day(
        self, line: Line, day: date, principal: int | None, rate: Fraction | None, overdue: bool, allowance: int | None
    ) -> None:
        claim, programme = line.claim, line.programme
        held = self.titles.get((self.who(claim), programme["title_required"]), ())
        if not any(start <= day <= end for start, end in held):
            return
        line.failed.discard("title_held")
        line.weights.append((0, Fraction(0), Fraction(0)))
        if overdue:
            return
        if principal is None:
            line.unknown.add("balance_known")
            return
        if principal == 0:
            return
        revenue = self.revenues.get((self.who(claim), day.year + int(programme["revenue_year_offset"])))
        tier = self._tier(programme, revenue) if revenue not in (None, "") else None
        is_short = claim.get("used_for") == "rd" and allowance is None
        if rate is None:
            line.unknown.add("balance_known")
            return
        if tier is None or is_short:
            return
        counted = min(principal, allowance) if claim.get("used_for") == "rd" else principal
        nights = Fraction(1)
        year_days = 365 if programme["day_count"] == "act/365" else 360
        if programme["balance_mode"] == "yearly_average":
            year_days = (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days
        elif programme["day_count"] == "30/360":
            nights = Fraction(thirty(day + DAY) - thirty(day))
        share = min(part(tier["rate_cap_pct"]), part(programme["interest_share_pct"]) * rate)
        line.weights.append((counted, nights / year_days, share))

    def _judge(self, key: Key, line: Line) -> None:
        programme = line.programme
        outcomes = self._outcomes(key, line)
        asked = {r["condition"] for r in self.seeds["subsidy_conditions"] if r["programme_id"] == key[1]}
        if programme is None:
            asked = {"programme_in_force", "period_over"}
        line.failed = {name for name in asked if outcomes[name] is False}
        line.unknown = {name for name in asked if outcomes[name] is None}

    def _outcomes(self, key: Key, line: Line) -> dict[str, bool | None]:
        claim, programme, who = line.claim, line.programme, self.who(line.claim)
        claimed_on, year = as_day(claim["claimed_on"]), key[2]
        line.interest = self._interest(line, key)
        revenue = None
        if programme:
            revenue = self.revenues.get((who, year + int(programme["revenue_year_offset"])))
        has_revenue = revenue not in (None, "")
        first_paid = self._first_paid(key)
        consented_on = as_day(claim.get("consented_on"))
        is_rd = claim.get("used_for") == "rd"
        budget = self._budget(key)
        peers = [other for other in self.claims if self.order(other) < self.order(claim) and self._stands(other)]
        return {
            "programme_in_force": programme is not None,
            "period_over": as_day(claim["period_from"]) <= as_day(claim["period_to"]) <= claimed_on,
            "zone_member": self._is_member(who, claimed_on, first_paid),
            "consented": None if consented_on is None else consented_on <= claimed_on,
            "revenue_in_tier": (self._tier(programme, revenue) is not None) if has_revenue and programme else None,
            "title_held": bool(line.weights),
            "not_listed": self._is_clean(who, first_paid),
            "tax_grade_not_d": self._is_not_d("int_grades__latest", "published_on", who, first_paid),
            "credit_grade_not_d": self._is_not_d("int_evaluations__latest", "batch_month", who, first_paid),
            "own_contract": self._owns(claim, who),
            "not_refinancing": None if not claim.get("used_for") else claim["used_for"] != "refinancing",
            "not_claimed_elsewhere": not claim.get("other_programme"),
            "receipt_in_one_bank": claim["kind"] != "loan" or len(self._banks(claim, who)) <= 1,
            "claimed_once": not any(self._same_days(claim, other) for other in peers),
            "asset_once": not any(
                other["kind"] != claim["kind"] and self._asset(other) and self._asset(other) == self._asset(claim)
                for other in peers
            ),
            "rd_deduction_declared": self._rd(claim, year) if is_rd else True,
            "balance_known": None if "balance_known" in line.unknown or self._is_refused(claim, who) else True,
            "interest_reported": None if line.interest is None else line.interest > 0,
            "budget_known": None if budget is None else True,
            "no_objection_upheld": claim.get("is_objection_upheld") not in (True, "true"),
        }

    def _stands(self, claim: Row) -> bool:
        """Whether some line of an earlier claim is refused by nothing but another claim."""
        lines = [line for key, line in self.lines.items() if key[0] == claim["claim_no"]]
        return any(not line.failed - {"claimed_once", "asset_once"} for line in lines)

    def _first_paid(self, key: Key) -> date | None:
        """When a line on which money stands was first paid."""
        found = [
            (as_day(row["paid_on"]), fen(row["amount_cny"]))
            for row in self.given.get("finance.subsidy_payments", ())
            if (row["claim_no"], row["programme_id"], int(row["policy_year"])) == key
            and as_day(row["paid_on"]) <= self.as_of
        ]
        return min(day for day, amount in found if amount > 0) if sum(amount for _, amount in found) > 0 else None

    def _is_not_d(self, relation: str, dated: str, who: str, first_paid: date | None) -> bool | None:
        row = next((row for row in self.given.get(relation, ()) if row["uscc"] == who), None)
        if row is None or row["grade"] != "D":
            return True
        since = as_day(row.get(dated))
        return None if first_paid and since and since > first_paid else False

    def _is_clean(self, who: str, first_paid: date | None) -> bool | None:
        entries = [
            row
            for row in self.given.get("credit_events", ())
            if row["uscc"] == who and row["event_type"] in LISTS and row.get("has_basis")
        ]
        before = [
            row for row in entries if not (first_paid and (as_day(row.get("decided_on")) or first_paid) > first_paid)
        ]
        if any(not row["may_be_repaired"] for row in before):
            return False
        return None if entries else True

    def _rd(self, claim: Row, year: int) -> bool | None:
        left = self._research_left(claim, year)
        return None if left is None else left > 0

    def _interest(self, line: Line, key: Key) -> int | None:
        claim, amounts = line.claim, []
        for when, kind, row in self.moves[claim["kind"], claim["lender"], claim["contract_no"]]:
            if kind != "interest_paid" or not as_day(claim["period_from"]) <= when <= as_day(claim["period_to"]):
                continue
            programme = self._programme(claim["kind"], when)
            if programme and (programme["programme_id"], when.year) == key[1:]:
                amounts.append(fen(row.get("amount_cny")))
        return sum(amounts) if amounts and None not in amounts else None

    def _is_refused(self, claim: Row, who: str) -> bool:
        by_code = any(
            row["uscc"] == who and row["source"] == "finance" and row["dataset"] in ("loan_movements", "leases")
            for row in self.given.get("int_refusals__resolved", ())
        )
        by_lease = claim["kind"] == "lease" and any(
            row["dataset"] == "lease_payments" and row.get("name") == claim["contract_no"]
            for row in self.given.get("pipeline.refusals", ())
        )
        return by_code or by_lease

    def _is_member(self, who: str, day: date, first_paid: date | None) -> bool | None:
        rows = [row for row in self.given.get("int_enterprises__eligibility", ()) if row["uscc"] == who]
        if not rows:
            return None if first_paid else False
        (row,) = rows
        first, last = as_day(row.get("zone_member_from")), as_day(row.get("zone_member_to"))
        is_there = first is not None and first <= day <= (last or date.max)
        if is_dated := self._state(who, "zone_member", self.as_of, date.max) is not None:
            is_there = (self._state(who, "zone_member", day) or {}).get("value") == "yes"
        if not is_there or (row.get("parent_uscc") or who) != who:
            return False
        if row["status"] == "active" or (row["status"] == "moved_out" and (is_dated or last)):
            return True
        then = self._state(who, "status", first_paid) if first_paid else row | {"value": row["status"]}
        return None if then is None or (then["value"] in ("active", "moved_out") and first_paid) else False

    def _state(self, who: str, aspect: str, day: date, until: date | None = None) -> Row | None:
        """What the dated register says of an aspect on a day, unless it ended before; with `until` of any day."""
        begun = [
            row
            for row in self.given.get("science.enterprise_states", ())
            if row["uscc"] == who and row["aspect"] == aspect and as_day(row["valid_from"]) <= day
        ]
        newest = max(begun, key=lambda row: as_day(row["valid_from"]), default=None)
        is_over = until is None and newest and newest.get("valid_to") and as_day(newest["valid_to"]) < day
        return None if is_over else newest

    def _banks(self, claim: Row, who: str) -> set[str]:
        books = {bank: self.given.get(f"{bank}.loans", ()) for bank in ("bank_a", "bank_b")}
        rows = [(bank, row) for bank, book in books.items() for row in book]
        rows += [(row["bank"], row) for row in self.given.get("finance.loan_movements", ())]
        return {bank for bank, row in rows if (row["loan_receipt_no"], self.who(row)) == (claim["contract_no"], who)}

    def _owns(self, claim: Row, who: str) -> bool | None:
        """Whether everything that the lender says of the contract is of this enterprise; None where it says nothing."""
        if claim["kind"] == "lease":
            leases = [row for row in self.leases.values() if row["lease_no"] == claim["contract_no"]]
            names = [row["uscc"] for row in leases if row["lessor"] == claim["lender"]]
            names = names if self.moves[claim["kind"], claim["lender"], claim["contract_no"]] else []
        else:
            moves = self.moves["loan", claim["lender"], claim["contract_no"]]
            names = [row["uscc"] for _, _, row in moves]
        return {self.legal.get(name, name) for name in names} == {who} if names else None

    def _asset(self, claim: Row) -> str | None:
        if claim.get("asset_no"):
            return claim["asset_no"]
        return self.leases.get(claim["contract_no"], {}).get("asset_no") if claim["kind"] == "lease" else None

    def _same_days(self, one: Row, other: Row) -> bool:
        return all(one[name] == other[name] for name in ("kind", "lender", "contract_no")) and (
            as_day(one["period_from"]) <= as_day(other["period_to"])
            and as_day(other["period_from"]) <= as_day(one["period_to"])
        )

    def _budget(self, key: Key) -> Row | None:
        for row in self.seeds["subsidy_budgets"]:
            if (row["programme_id"], int(row["policy_year"])) == key[1:]:
                return row
        return None

    def _grant(self) -> None:
        for line in self.lines.values():
            line.granted = line.computed = None if line.unknown and not line.failed else 0
        good = {key: line for key, line in self.lines.items() if not line.unknown and not line.failed}
        ordered = sorted(good, key=lambda key: (*self.order(good[key].claim), key[1]))
        capped: dict[Key, int] = {}
        by_contract: dict[Any, int] = defaultdict(int)
        by_firm: dict[Any, int] = defaultdict(int)
        self._cap_financing(good, ordered)
        rates = self._budget_rates(good)
        for key in ordered:
            line = good[key]
            most = rates.get(key[1:])
            total = sum(
                (base * time * min(share, share if most is None else most) for base, time, share in line.weights),
                Fraction(0),
            )
            line.computed = total.numerator // total.denominator
            amount = min(line.computed, line.interest)
            contract = (key[1], key[2], line.claim["lender"], line.claim["contract_no"])
            firm = (line.programme["firm_cap_group"], key[2], self.who(line.claim))
            for cap, used, place in (
                (fen(line.programme["contract_cap_cny"]), by_contract, contract),
                (fen(line.programme["firm_cap_cny"]), by_firm, firm),
            ):
                before, used[place] = used[place], used[place] + amount
                amount = amount if cap is None else min(amount, max(cap - before, 0))
            capped[key] = amount
        for pot in {key[1:] for key in capped}:
            self._share_out([key for key in ordered if key[1:] == pot], capped)

    def _cap_financing(self, good: Mapping[Key, Line], ordered: Sequence[Key]) -> None:
        """Count no more of an enterprise's contracts of one kind and year than the programme's cap."""
        loans: dict[Any, dict[Any, list[Key]]] = defaultdict(lambda: defaultdict(list))
        for key in ordered:
            claim = good[key].claim
            if any(base for base, _, _ in good[key].weights):
                loans[self.who(claim), key[2], claim["kind"]][claim["lender"], claim["contract_no"]].append(key)
        for contracts in loans.values():
            taken = 0
            for keys in sorted(contracts.values(), key=lambda keys: self._turn([good[key].claim for key in keys])):
                peak = max(base for key in keys for base, _, _ in good[key].weights)
                for key in keys:
                    cap = fen(good[key].programme.get("financing_cap_cny"))
                    left = None if cap is None else max(cap - taken, 0)
                    weights = [(b if left is None else min(b, left), *rest) for b, *rest in good[key].weights]
                    good[key].weights = weights
                taken += peak

    def _money(self, pot: tuple[str, int]) -> int:
        """The budget, less what was paid on lines of which something is not known."""
        spent = 0
        for key, line in self.lines.items():
            if key[1:] == pot and line.unknown and not line.failed:
                paid = [
                    fen(row["amount_cny"])
                    for row in self.given.get("finance.subsidy_payments", ())
                    if (row["claim_no"], row["programme_id"], int(row["policy_year"])) == key
                    and as_day(row["paid_on"]) <= self.as_of
                ]
                spent += max(sum(paid), 0)
        return max(fen(self._budget(("", *pot))["budget_cny"]) - spent, 0)

    def _budget_rates(self, good: Mapping[Key, Line]) -> dict[tuple[str, int], Fraction]:
        bases: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
        for key, line in good.items():
            bases[key[1:]] += sum((base * time for base, time, _ in line.weights), Fraction(0))
        found = {}
        for pot, base in bases.items():
            budget = self._budget(("", *pot))
            if budget["budget_mode"] == "rate_from_budget" and base > 0:
                millionths = Fraction(self._money(pot)) * 1_000_000 / base
                found[pot] = Fraction(millionths.numerator // millionths.denominator, 1_000_000)
        return found

    def _share_out(self, keys: list[Key], capped: Mapping[Key, int]) -> None:
        budget = self._budget(keys[0])
        money, total = self._money(keys[0][1:]), sum(capped[key] for key in keys)
        if budget["budget_mode"] == "first_come":
            left = money
            for key in keys:
                self.lines[key].granted = min(capped[key], left)
                left -= self.lines[key].granted
        elif budget["budget_mode"] == "rate_from_budget" or total <= money:
            for key in keys:
                self.lines[key].granted = capped[key]
        else:
            exact = {key: Fraction(capped[key]) * money / total for key in keys}
            for key in keys:
                self.lines[key].granted = exact[key].numerator // exact[key].denominator
            left = money - sum(self.lines[key].granted for key in keys)
            by_remainder = sorted(keys, key=lambda key: (self.lines[key].granted - exact[key], keys.index(key)))
            for key in by_remainder[:left]:
                self.lines[key].granted += 1
