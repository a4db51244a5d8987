"""Scoring as a rule set's folder says, in plain Python over exact fractions: what the models are compared with."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

Table = list[dict[str, str]]


def to_digits(number: Fraction, digits: int) -> Decimal:
    """A number to so many decimals, half up."""
    return Decimal(math.floor(number * 10**digits + Fraction(1, 2))).scaleb(-digits)


@dataclass
class Reference:
    """A rule set as the CSV rows of its folder, and the values and statuses of each id by code."""

    tables: dict[str, Table]
    values: dict[str, dict[str, Decimal | None]]
    statuses: dict[str, dict[str, str]]
    stages: dict[str, str]
    refused: set[str] = field(default_factory=set)
    vetoed: set[str] = field(default_factory=set)

    def points(self) -> dict[tuple[str, str], Decimal | None]:
        """Points by id and code; None where the indicator is not counted."""
        shares = {(one, code): self._share(one, code) for one in self.values for code in self._codes()}
        if self._is_mean():
            return self._means(shares)
        return {key: self._added(*key, share) for key, share in shares.items()}

    def rankings(self) -> dict[str, tuple[Decimal, Decimal, int | None]]:
        """Points in all, score in percent and competition rank by id."""
        points = self.points()
        maxima = self._maxima()
        totals, scores = {}, {}
        for one in self.values:
            counted = [code for code in self._codes() if points[one, code] is not None]
            available = sum((maxima[one, code] for code in counted), Fraction(0))
            totals[one] = sum((points[one, code] for code in counted), Decimal(0))
            scores[one] = max(Fraction(totals[one]), Fraction(0)) / available * 100 if available else None
        ranked = {one for one in self.values if scores[one] is not None} - self.refused - self.vetoed
        place = {one: 1 + sum(scores[other] > scores[one] for other in ranked) for one in ranked}
        shown = {one: None if score is None else to_digits(score, 4) for one, score in scores.items()}
        return {one: (totals[one], shown[one], place.get(one)) for one in self.values}

    def _is_mean(self) -> bool:
        return self.tables["ruleset"][0].get("aggregation") == "weighted_mean"

    def _codes(self) -> list[str]:
        return sorted(row["indicator_code"] for row in self.tables["indicators"])

    def _row_of(self, table: str, code: str, stage: str) -> Table:
        rows = [row for row in self.tables[table] if row["indicator_code"] == code]
        return [row for row in rows if row.get("stage", "*") in ("*", stage)]

    def _share(self, one: str, code: str) -> Fraction | None:
        rules = self._row_of("rules", code, self.stages[one])
        value, status = self.values[one][code], self.statuses[one][code]
        if value is not None and rules[0]["function"] == "percentile_in_peer":
            value, status = self._percentile(one, code, rules[0]), "too_few_peers"
        if value is None:
            return self._treated(one, status)
        (hit,) = [rule for rule in rules if self._is_in(rule, value)]
        low = Fraction(hit["share_at_lo"])
        if hit["function"] == "veto" and low < 1:
            self.vetoed.add(one)
        if not hit.get("share_at_hi") or Fraction(hit["share_at_hi"]) == low:
            return low
        return low + (Fraction(hit["share_at_hi"]) - low) * self._way(hit, value)

    @staticmethod
    def _is_in(rule: dict[str, str], value: Decimal) -> bool:
        is_above = not rule["lo"] or value > Decimal(rule["lo"])
        is_below = not rule["hi"] or value < Decimal(rule["hi"])
        at_lo = rule["lo"] and value == Decimal(rule["lo"]) and rule.get("inclusive_lo") != "false"
        at_hi = rule["hi"] and value == Decimal(rule["hi"]) and rule.get("inclusive_hi") == "true"
        return bool((is_above or at_lo) and (is_below or at_hi))

    @staticmethod
    def _way(rule: dict[str, str], value: Decimal) -> Fraction:
        lo, hi = Decimal(rule["lo"]), Decimal(rule["hi"])
        if rule["function"] != "log_capped":
            return Fraction(value - lo) / Fraction(hi - lo)
        offset = Decimal(rule.get("log_offset") or 0)
        way = ((value + offset).ln() - (lo + offset).ln()) / ((hi + offset).ln() - (lo + offset).ln())
        return Fraction(to_digits(Fraction(way), 8))

    def _percentile(self, one: str, code: str, rule: dict[str, str]) -> Decimal | None:
        is_peer = {"all": lambda _: True, "stage": lambda other: self.stages[other] == self.stages[one]}[
            rule["peer_by"]
        ]
        peers = [row[code] for other, row in self.values.items() if is_peer(other) and row[code] is not None]
        if len(peers) < int(rule["minimum_peers"]):
            return None
        below = sum(other < self.values[one][code] for other in peers)
        return to_digits(Fraction(below * 100, len(peers) - 1), 6)

    def _treated(self, one: str, status: str) -> Fraction | None:
        (row,) = [row for row in self.tables["missing"] if row["supply_status"] == status]
        if row["treatment"] == "refuse":
            self.refused.add(one)
        return Fraction(-1) if row["treatment"] == "zero" else None

    def _weight(self, one: str, code: str) -> tuple[Fraction, Fraction]:
        (row,) = self._row_of("weights", code, self.stages[one])
        return Fraction(row["weight"]), Fraction(row.get("deduction") or 0)

    def _added(self, one: str, code: str, share: Fraction | None) -> Decimal | None:
        weight, deduction = self._weight(one, code)
        if share is None or share < 0:
            return None if share is None else Decimal(0)
        return to_digits(share * (weight + deduction), 6) - to_digits(deduction, 6)

    def _maxima(self) -> dict[tuple[str, str], Fraction]:
        if not self._is_mean():
            return {(one, code): self._weight(one, code)[0] for one in self.values for code in self._codes()}
        counted = {one: [c for c in self._codes() if self._share(one, c) is not None] for one in self.values}
        return {(one, code): part for one in self.values for code, part in self._parts(one, counted[one]).items()}

    def _parts(self, one: str, counted: list[str]) -> dict[str, Fraction]:
        """What each indicator that is there is out of: its group's part among those that are there, and so on up."""
        class_of = {row["indicator_code"]: row["class"] for row in self.tables["indicators"]}
        groups = {row["group_code"]: row for row in self.tables["groups"]}
        inside: defaultdict[str, Fraction] = defaultdict(Fraction)
        above: dict[str, str] = {}
        for code in counted:
            inside[class_of[code]] += self._weight(one, code)[0]
            group = class_of[code]
            while group and group not in above:
                above[group] = groups[group].get("parent_code") or ""
                group = above[group]
        for group, parent in above.items():
            inside[parent] += Fraction(groups[group]["weight"])
        scale = Fraction(self.tables["ruleset"][0]["points_scale"])

        def part(group: str) -> Fraction:
            return part(above[group]) * Fraction(groups[group]["weight"]) / inside[above[group]] if group else scale

        exact = {c: part(class_of[c]) * self._weight(one, c)[0] / inside[class_of[c]] for c in counted}
        parts = {code: Fraction(to_digits(exact[code], 6)) for code in counted}
        if parts:
            # What rounding leaves over goes to the first, so that the maxima add up to the scale.
            parts[counted[0]] += scale - sum(parts.values())
        return parts

    def _means(self, shares: dict[tuple[str, str], Fraction | None]) -> dict[tuple[str, str], Decimal | None]:
        maxima = self._maxima()
        found: dict[tuple[str, str], Decimal | None] = dict.fromkeys(shares)
        for key, share in shares.items():
            if share is not None:
                exact = Fraction(to_digits(max(share, Fraction(0)), 10)) * maxima[key]
                found[key] = to_digits(exact, 6)
        return found
