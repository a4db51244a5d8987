"""The programme decided a second time, enterprise by enterprise in plain Python, from the same rows that staff edit."""

import csv
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from editions.programme import SEEDS
from ledger.settings import PROJECT_DIR

Facts = Mapping[str, Any]
Row = dict[str, str]


def read_programme(*folders: Path) -> dict[str, list[Row]]:
    """The rows of each file of `seeds/programme`, with those of further folders behind them."""
    found: dict[str, list[Row]] = {}
    for folder in (PROJECT_DIR / "dbt_project" / SEEDS, *folders):
        for path in sorted(folder.glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as handle:
                found.setdefault(path.stem, []).extend(csv.DictReader(handle))
    return found


def number(text: str) -> Fraction | None:
    return Fraction(text) if text else None


def is_in_force(row: Row, day: date, first: str = "valid_from", last: str = "valid_to") -> bool:
    return row[first] <= day.isoformat() <= (row[last] or "9999-12-31")


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last of the month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def of_version(rows: Iterable[Row], kind: str, item: Row) -> list[Row]:
    own = (item[f"{kind}_id"], item["version"])
    return [row for row in rows if (row.get("item_id") or row.get(f"{kind}_id"), row["version"]) == own]


def holds(condition: Row, fact: Any) -> bool | None:
    """Whether a condition holds of a fact; None where the fact is not known."""
    if fact is None:
        return None
    if condition["one_of"]:
        return fact in condition["one_of"].split(";")
    if condition["none_of"]:
        return fact not in condition["none_of"].split(";")
    lo, hi, value = number(condition["lo"]), number(condition["hi"]), Fraction(fact)
    if lo is not None and (value < lo or (value == lo and condition["inclusive_lo"] != "true")):
        return False
    return hi is None or value < hi or (value == hi and condition["inclusive_hi"] == "true")


def gap(condition: Row, fact: Any) -> Fraction | None:
    """How far a number is from the edge that it is beyond."""
    if fact is None or condition["one_of"] or condition["none_of"]:
        return None
    lo, hi, value = number(condition["lo"]), number(condition["hi"]), Fraction(fact)
    return lo - value if lo is not None and value <= lo else value - hi if hi is not None else None


def decide(conditions: Iterable[Row], facts: Facts) -> tuple[str, int | None, Fraction | None]:
    """The decision, the number of the first condition that fails, and its gap."""
    groups: dict[str, list[Row]] = {}
    for condition in sorted(conditions, key=lambda row: int(row["condition_no"])):
        groups.setdefault(condition["any_of"] or f"no {condition['condition_no']}", []).append(condition)
    failing = [group for group in groups.values() if not any(holds(one, facts.get(one["fact"])) for one in group)]
    if not failing:
        return "eligible", None, None
    is_near = all(any(_is_near(one, facts.get(one["fact"])) for one in group) for group in failing)
    first = failing[0][0]
    fact = facts.get(first["fact"])
    return "near_miss" if is_near else "no", int(first["condition_no"]), gap(first, fact)


def _is_near(condition: Row, fact: Any) -> bool:
    distance = gap(condition, fact)
    near = number(condition["near"])
    return holds(condition, fact) is False and None not in (distance, near) and distance <= near


def within(row: Row, value: Fraction | None, lo: str = "lo", hi: str = "hi") -> bool:
    if value is None:
        return False
    return (not row[lo] or value >= Fraction(row[lo])) and (not row[hi] or value < Fraction(row[hi]))


def limit(programme: Mapping[str, list[Row]], product: Row, facts: Facts) -> int | None:
    """The limit in fen, or None where there is none."""
    basis = facts.get(product["basis"]) if product["basis"] else Decimal(0)
    if basis is None:
        return None
    basis = Fraction(basis)
    yuan = Fraction(0)
    for band in of_version(programme["product_limits"], "product", product):
        lo, hi = number(band["lo_cny"]) or Fraction(0), number(band["hi_cny"])
        share, fixed = Fraction(band["share_pct"]) / 100, Fraction(band["fixed_cny"])
        if product["limit_method"] == "tiered" and (basis > lo or lo == 0):
            yuan += (min(basis, basis if hi is None else hi) - lo) * share + fixed
        if product["limit_method"] == "whole" and (not product["basis"] or within(band, basis, "lo_cny", "hi_cny")):
            yuan += basis * share + fixed
    uplifts = of_version(programme["product_uplifts"], "product", product)
    lifted = [row for row in uplifts if within(row, as_fraction(facts.get(row["fact"])))]
    yuan *= 1 + max((Fraction(row["uplift_pct"]) / 100 for row in lifted), default=Fraction(0))
    step = Fraction(product["step_cny"])
    cut = min(yuan, Fraction(product["max_limit_cny"])) // step * step
    return int(cut * 100) if cut >= Fraction(product["min_limit_cny"]) else None


def as_fraction(fact: Any) -> Fraction | None:
    return None if fact is None else Fraction(fact)


def rate(programme: Mapping[str, list[Row]], product: Row, facts: Facts, day: date) -> Fraction | None:
    """The yearly rate in percent, or None where the band or the reference rate is not known."""
    for band in of_version(programme["product_prices"], "product", product):
        if not (band["lo"] or band["hi"]) or within(band, as_fraction(facts.get(band["fact"]))):
            if band["base"] == "fixed":
                return Fraction(band["rate_pct"])
            for row in programme["reference_rates"]:
                if row["rate"] == band["base"] and is_in_force(row, day):
                    return Fraction(row["rate_pct"]) + Fraction(band["rate_pct"])
    return None


def policies(
    programme: Mapping[str, list[Row]], facts: Facts, day: date, statements: Iterable[Facts] = ()
) -> dict[str, tuple[str, date | None, str | None]]:
    """The decision on each policy in force, by when it is confirmed, and what was said to it last."""
    open_now = [row for row in programme["policies"] if is_in_force(row, day)]
    alone = {
        row["policy_id"]: decide(of_version(programme["programme_conditions"], "policy", row), facts)[0]
        for row in open_now
    }
    found: dict[str, tuple[str, date | None, str | None]] = {}
    for row in open_now:
        decision = alone[row["policy_id"]]
        for relation in of_version(programme["policy_relations"], "policy", row):
            if relation["relation"] == "requires":
                other = alone.get(relation["other_policy_id"], "no")
                decision = "no" if other == "no" else _worse(decision, other)
        last_said = _said_last(row, statements, day)
        is_open = is_in_force(row, day, "claim_from", "claim_to")
        excluded = {
            one["other_policy_id"]
            for one in of_version(programme["policy_relations"], "policy", row)
            if one["relation"] == "excludes"
        }
        others = [one for one in programme["policies"] if one["policy_id"] in excluded]
        is_taken = any(_said_last(one, statements, day) not in (None, "refused") for one in others)
        is_listed = decision == "eligible" and is_open and last_said is None and not is_taken
        last = min(day + timedelta(days=int(row["confirm_days"])), date.fromisoformat(row["claim_to"]))
        found[row["policy_id"]] = (decision, last if is_listed else None, last_said)
    return found


def _said_last(policy: Row, statements: Iterable[Facts], day: date) -> str | None:
    """What an enterprise said last to a version of a policy within its claim period."""
    said = [
        (one["claimed_on"], len(one["claim_no"]), one["claim_no"], one["state"])
        for one in statements
        if (one["policy_id"], one["version"]) == (policy["policy_id"], policy["version"])
        and is_in_force(policy, one["claimed_on"], "claim_from", "claim_to")
        and one["claimed_on"] <= day
    ]
    return max(said)[-1] if said else None


def _worse(one: str, other: str) -> str:
    order = ("no", "near_miss", "eligible")
    return min(one, other, key=order.index)


def reward(programme: Mapping[str, list[Row]], row: Row, facts: Mapping[str, Facts]) -> dict[str, str]:
    """Who meets the conditions of a reward, and what each is given."""
    conditions = of_version(programme["programme_conditions"], "reward", row)
    met = [uscc for uscc, one in facts.items() if decide(conditions, one)[0] == "eligible"]
    orders = sorted(of_version(programme["reward_orders"], "reward", row), key=lambda one: int(one["place"]))

    def key(uscc: str) -> tuple[tuple[bool, Fraction], ...]:
        values = [(order, as_fraction(facts[uscc].get(order["fact"]))) for order in orders]
        return tuple(
            (value is None, Fraction(0) if value is None else value if order["direction"] == "lowest" else -value)
            for order, value in values
        )

    found: dict[str, str] = {}
    fields = {facts[uscc]["stage"] for uscc in met} if row["ranked_in"] == "stage" else {None}
    for field in fields:
        runners = [uscc for uscc in met if field is None or facts[uscc]["stage"] == field]
        ranked = "rank_overall" if field is None else "rank_in_stage"
        peers = sum(one.get(ranked) is not None and (field is None or one["stage"] == field) for one in facts.values())
        places = int(row["places"]) if row["places"] else None
        if row["top_pct"]:
            places = int(Fraction(row["top_pct"]) / 100 * peers)
        keys = {uscc: key(uscc) for uscc in runners}
        in_order = sorted(keys.values())
        for uscc in runners:
            ahead, with_equals = bisect_left(in_order, keys[uscc]), bisect_right(in_order, keys[uscc])
            if places is None or with_equals <= places:
                found[uscc] = "given"
            else:
                found[uscc] = "beyond_the_last_place" if ahead >= places else "equals_at_the_last_place"
    return found
