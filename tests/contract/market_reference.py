"""The financial supermarket worked out in plain Python: each need event by event, each answer day by day."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import duckdb

from tests.contract.programme_sql import records
from tests.contract.subsidy_reference import as_day, fen, numbered

Row = Mapping[str, Any]
SEEDS = (
    *("products", "working_years", "working_day_exceptions", "market_states", "market_transitions"),
    *("market_parameters", "market_orders", "market_products", "market_pauses", "market_consents", "pool_agreements"),
)
ONE = timedelta(days=1)


def is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def listed(text: Any) -> set[str]:
    return {part.strip() for part in (text or "").split(";")} - {""}


def day_or_none(value: Any) -> date | None:
    return None if value in (None, "") else as_day(value)


def is_within(day: date, first: Any, last: Any) -> bool:
    return as_day(first) <= day <= (day_or_none(last) or date.max)


def number(value: Any) -> Fraction | None:
    return None if value in (None, "") else Fraction(str(value))


class Market:
    """All of a set of rows, as given to the models: states, events' problems, answers, offers, prospects, feedback."""

    def __init__(self, given: Mapping[str, Sequence[Row]], seeds: Mapping[str, Sequence[Row]]) -> None:
        self.given, self.seeds = given, seeds
        (self.as_of,) = (as_day(row["as_of"]) for row in given["ruleset_in_force"])
        self.redirected = {row["code"]: row["uscc"] for row in given.get("int_codes__redirected", ())}
        self.decided = {
            row["code"]: row["decided_as"] for row in given.get("int_codes__resolved", ()) if row.get("decided_as")
        }
        self.needs = {
            row["need_no"]: row for row in given.get("finance.needs", ()) if as_day(row["posted_on"]) <= self.as_of
        }
        self.products = {(row["product_id"], row["version"]): row for row in seeds["products"]}
        self.terms = {row["state"]: row for row in seeds["market_states"]}
        self.ways = {(r["scope"], r["from_state"], r["to_state"]): r for r in seeds["market_transitions"]}
        self.years = {int(row["year"]) for row in seeds["working_years"]}
        self.exceptions = {as_day(r["day"]): is_true(r["is_working"]) for r in seeds["working_day_exceptions"]}
        self.problems: dict[str, str | None] = {}
        self.tracks: dict[str, dict[str, list[Row]]] = {no: {} for no in self.needs}
        self.closed: dict[str, date] = {}
        self.expired: set[str] = set()
        for event in sorted(
            given.get("finance.need_events", ()),
            key=lambda e: (as_day(e["happened_on"]), *numbered(e["event_no"])),
        ):
            if as_day(event["happened_on"]) <= self.as_of:
                self.problems[event["event_no"]] = self._live(event)
        for no in self.needs:
            self._may_expire(no, self.as_of)

    def uscc(self, row: Row) -> str:
        return self.redirected.get(row["uscc"], row["uscc"])

    def parameter(self, name: str, day: date, bank: str = "", product: str = "") -> Fraction | None:
        """The narrowest row in force on a day."""
        found = [
            (bool(row["product_id"]), bool(row["bank"]), Fraction(row["value"]))
            for row in self.seeds["market_parameters"]
            if row["parameter"] == name
            and is_within(day, row["valid_from"], row["valid_to"])
            and row["bank"] in ("", bank)
            and row["product_id"] in ("", product)
        ]
        return max(found)[2] if found else None

    def last_day(self, no: str) -> date | None:
        posted = as_day(self.needs[no]["posted_on"])
        days = self.parameter("expiry_days", posted)
        return None if days is None else posted + timedelta(days=int(days))

    def furthest(self, no: str) -> tuple[str, Row | None]:
        """The state of a need among its banks, and the event that brought it there."""
        ends = [track[-1] for track in self.tracks[no].values()]
        if not ends:
            return "posted", None
        last = min(ends, key=lambda e: (-int(self.terms[e["event"]]["place"]), as_day(e["happened_on"]), e["bank"]))
        return last["event"], last

    def _may_expire(self, no: str, day: date) -> None:
        """Asked as the first event after the last day comes up: what stands then stood on the last day."""
        last = self.last_day(no)
        if last is None or day <= last or no in self.closed:
            return
        came_later = any(as_day(e["happened_on"]) > last for track in self.tracks[no].values() for e in track)
        if not came_later and is_true(self.terms[self.furthest(no)[0]]["expires"]):
            self.expired.add(no)

    def _live(self, event: Row) -> str | None:
        """Take one event in; answer its problem, with which nothing changes."""
        no, day, bank = event["need_no"], as_day(event["happened_on"]), event.get("bank") or ""
        if no not in self.needs:
            return "no_need"
        self._may_expire(no, day)
        product = event.get("product_id")
        ends = (
            ("after_expiry", no in self.expired),
            ("after_the_close", bool(bank) and day > self.closed.get(no, date.max)),
            ("before_the_post", day < as_day(self.needs[no]["posted_on"])),
            (
                "product_of_another_bank",
                product and not any(row["bank"] == bank for (one, _), row in self.products.items() if one == product),
            ),
        )
        return next((problem for problem, is_so in ends if is_so), None) or self._walk(no, bank, event)

    def _walk(self, no: str, bank: str, event: Row) -> str | None:
        track = self.tracks[no].get(bank, [])
        at = ("closed" if no in self.closed else "posted") if not bank else track[-1]["event"] if track else "posted"
        way = self.ways.get(("bank" if bank else "need", at, event["event"]))
        if way is None:
            return "not_allowed"
        if is_true(way["needs_reason"]) and not (event.get("reason") or "").strip():
            return "no_reason"
        if bank:
            self.tracks[no].setdefault(bank, []).append(event)
        else:
            self.closed[no] = as_day(event["happened_on"])
        return None

    def states(self) -> dict[str, tuple[Any, ...]]:
        """By need: state, since when, the bank that is furthest, the reason of a rejection, whether it is open."""
        found: dict[str, tuple[Any, ...]] = {}
        for no, need in self.needs.items():
            state, event = self.furthest(no)
            last, since = self.last_day(no), as_day((event or {}).get("happened_on") or need["posted_on"])
            if no in self.expired and last:
                state, since = "expired", last + ONE
            elif no in self.closed:
                state, since = "closed", self.closed[no]
            is_open = is_true(self.terms[state]["is_open"]) and last is not None and self.as_of <= last
            reason = event["reason"] if event and state == "rejected" else None
            found[no] = (state, since, event["bank"] if event else None, reason, is_open)
        return found

    def is_working(self, day: date) -> bool | None:
        """Whether a day is worked; None where the calendar does not have it."""
        if day.year not in self.years:
            return None
        return self.exceptions.get(day, day.weekday() < 5)

    def answers(self) -> dict[tuple[str, str], tuple[Any, ...]]:
        """By need and bank: how it answered, the last working day for it, how many working days went by."""
        found = {}
        for no, tracks in self.tracks.items():
            for bank, track in tracks.items():
                matched, start = track[0], as_day(track[0]["happened_on"])
                answered = as_day(track[1]["happened_on"]) if len(track) > 1 else None
                ended = answered or (self.last_day(no) if no in self.expired else self.closed.get(no, self.as_of))
                allowed = self.parameter("answer_days", start, bank, matched.get("product_id") or "")
                found[no, bank] = self._answer(start, ended, allowed, answered, no in self.expired or no in self.closed)
        return found

    def _answer(
        self, start: date, ended: date | None, allowed: Fraction | None, answered: date | None, is_over: bool
    ) -> tuple[Any, ...]:
        if self.is_working(start) is None or allowed is None or ended is None:
            return "not_known", None, None
        due, passed, day = None, 0, start
        while passed < allowed and self.is_working(day + ONE) is not None:
            day += ONE
            passed += bool(self.is_working(day))
            due = day if passed == allowed else None
        passed, day, is_covered = 0, start, True
        while day < ended and is_covered:
            is_covered = self.is_working(day + ONE) is not None
            day += ONE
            passed += bool(self.is_working(day))
        if passed > allowed:
            state = "answered_late" if answered else "late"
        elif not is_covered:
            state = "not_known"
        else:
            state = "answered" if answered else "not_needed" if is_over else "waiting"
        return state, due, passed if is_covered else None

    def offers(self) -> dict[tuple[str, str], dict[str, Any]]:
        """By open need and product: fit, what fails, the gaps."""
        stops = [row for row in self.given.get("pool_positions", ()) if row["line"] == "stop"]
        stopped = {row["party"] for row in stops if row["scope"] == "bank"}
        pools = {row["party"] for row in stops if row["scope"] == "pool"}
        stopped |= {row["bank"] for row in self.seeds["pool_agreements"] if row["pool_id"] in pools}
        states, found = self.states(), {}
        for no, need in self.needs.items():
            for offer in self.given.get("product_offers", ()):
                if states[no][-1] and offer["uscc"] == self.uscc(need):
                    found[no, offer["product_id"]] = self._offer(no, need, offer, stopped)
        return found

    def _barred(self, no: str, offer: Row, shelf: Row | None, stopped: set[str]) -> str | None:
        bank, product = offer["bank"], offer["product_id"]
        is_paused = any(
            row["bank"] == bank
            and row["product_id"] in ("", product)
            and is_within(self.as_of, row["paused_from"], row["paused_to"])
            for row in self.seeds["market_pauses"]
        )
        bars = (
            ("not_eligible", offer["decision"] != "eligible"),
            ("not_in_the_market", shelf is None),
            ("not_marketed", not is_true(offer["is_marketed"])),
            ("paused", is_paused),
            ("stopped", bool(shelf) and is_true(shelf["is_pool_backed"]) and bank in stopped),
            ("rejected", any(event["event"] == "rejected" for event in self.tracks[no].get(bank, ()))),
            (offer.get("unpriced_reason"), bool(offer.get("unpriced_reason"))),
        )
        return next((name for name, is_barred in bars if is_barred), None)

    def _offer(self, no: str, need: Row, offer: Row, stopped: set[str]) -> dict[str, Any]:
        key = (offer["product_id"], offer["version"])
        shelf = next((r for r in self.seeds["market_products"] if (r["product_id"], r["version"]) == key), None)
        barred = self._barred(no, offer, shelf, stopped)
        amount, rate = fen(need["amount_cny"]), number(offer.get("rate_pct"))
        limit = None if offer.get("limit_fen") in (None, "") else int(offer["limit_fen"])
        least, highest = fen(self.products[key]["min_limit_cny"]), number(need.get("highest_rate_pct"))
        takes = listed(shelf["collaterals"]) if shelf else set()
        missing = bool(shelf) and not ("none" in takes or takes & listed(need.get("collaterals")))
        gaps = {
            "amount": None if limit is None else max(amount - limit, least - amount, 0),
            "term": max(int(need["term_months"]) - int(offer["term_months"]), 0),
            "rate": None if rate is None else Fraction(0) if highest is None else max(rate - highest, Fraction(0)),
            "collateral": missing,
        }
        failing = barred or next((name for name, gap in gaps.items() if gap), None)
        near = {name: self.parameter(f"near_{name}", self.as_of) for name in ("amount_pct", "term_months", "rate_pct")}
        is_near = (
            failing is not None
            and barred is None
            and not missing
            and gaps["amount"] * 100 <= amount * near["amount_pct"]
            and gaps["term"] <= near["term_months"]
            and gaps["rate"] <= near["rate_pct"]
        )
        days = offer.get("answer_days") or self.parameter("answer_days", self.as_of, offer["bank"], offer["product_id"])
        return {
            "fit": "match" if failing is None else "near" if is_near else "no",
            "failing": failing,
            "gaps": gaps,
            "bank": offer["bank"],
            "uscc": offer["uscc"],
            "fields": {
                "rate_pct": rate,
                "limit_fen": number(limit),
                "answer_days": number(days),
                "term_months": number(offer["term_months"]),
            },
        }

    def placed(self, name: str, fields: Mapping[Any, Mapping[str, Any]]) -> dict[Any, tuple[int, int]]:
        """The place of each by the rows of a list, and how many share it; what is not known comes last."""
        orders = sorted((r for r in self.seeds["market_orders"] if r["list"] == name), key=lambda r: int(r["place"]))

        def key(values: Mapping[str, Any]) -> list[tuple[bool, Fraction]]:
            found = [(values[row["field"]], -1 if row["direction"] == "highest" else 1) for row in orders]
            return [(value is None, Fraction(0) if value is None else value * sign) for value, sign in found]

        keys = {one: key(values) for one, values in fields.items()}
        return {
            one: (1 + sum(k < own for k in keys.values()), list(keys.values()).count(own)) for one, own in keys.items()
        }

    def offer_places(self) -> dict[tuple[str, str], tuple[int, int]]:
        matches = {key: one["fields"] for key, one in self.offers().items() if one["fit"] == "match"}
        found = {}
        for no in self.needs:
            found |= self.placed("need_offers", {key: fields for key, fields in matches.items() if key[0] == no})
        return found

    def giver(self, consent: Row) -> str:
        return self.decided.get(consent["uscc"], consent["uscc"])

    def covers(self, consent: Row, day: date, used_for: str) -> bool:
        """Whether a consent is the newest word of its giver on a day, in force, and good for this use."""
        (use,) = (row for row in self.seeds["market_consents"] if row["used_for"] == used_for)
        withdrawn = day_or_none(consent.get("withdrawn_on"))
        return (
            is_within(day, consent["valid_from"], consent.get("valid_to"))
            and (withdrawn is None or day < withdrawn)
            and consent["purpose"] == use["purpose"]
            and use["data_class"] in {one.strip() for one in consent["data_classes"].split(",")}
            and not any(
                as_day(consent["valid_from"]) <= as_day(other["withdrawn_on"]) <= day
                for other in self.given["science.consents"]
                if other.get("withdrawn_on")
                and (self.giver(other), other["recipient"], other["purpose"])
                == (self.giver(consent), consent["recipient"], consent["purpose"])
            )
        )

    def newest_grant(self, uscc: str, bank: str) -> Row | None:
        """The consent that was given last by the business date, for the purpose of prospects."""
        (use,) = (row for row in self.seeds["market_consents"] if row["used_for"] == "bank_prospects")
        found = [
            one
            for one in self.given.get("science.consents", ())
            if (self.giver(one), one["recipient"], one["purpose"]) == (uscc, bank, use["purpose"])
            and as_day(one["valid_from"]) <= self.as_of
        ]
        return max(found, key=lambda one: (as_day(one["valid_from"]), *numbered(one["consent_id"])), default=None)

    def prospects(self) -> dict[tuple[str, str], tuple[int, int]]:
        """By need and product that its bank may see: the place in the bank's list, and how many share it."""
        facts = {row["uscc"]: row for row in self.given.get("enterprise_facts", ())}
        seen: dict[tuple[str, str], dict[tuple[str, str], dict[str, Any]]] = {}
        for key, offer in self.offers().items():
            need, fact = self.needs[key[0]], facts.get(offer["uscc"])
            grant = self.newest_grant(offer["uscc"], offer["bank"])
            may = grant is not None and self.covers(grant, self.as_of, "bank_prospects")
            if offer["fit"] == "match" and may and fact and offer["bank"] in listed(need.get("consented_banks")):
                seen.setdefault((offer["bank"], key[1]), {})[key] = {
                    **offer["fields"],
                    "score": number(fact["score"]),
                    "rank_overall": number(fact["rank_overall"])
                    if grant and "rank" in grant["data_classes"].split(",")
                    else None,
                    "amount_fen": fen(need["amount_cny"]),
                    "days_posted": (self.as_of - as_day(need["posted_on"])).days,
                }
        found = {}
        for fields in seen.values():
            found |= self.placed("bank_prospects", fields)
        return found

    def feedback(self) -> dict[str, tuple[str | None, bool]]:
        """By report: its problem, and whether it is the newest of its application."""
        consents = {one["consent_id"]: one for one in self.given.get("science.consents", ())}
        known, newest = {}, {}
        for row in sorted(
            self.given.get("finance.bank_feedback", ()),
            key=lambda r: (as_day(r["reported_on"]), *numbered(r["feedback_no"])),
        ):
            if as_day(row["reported_on"]) <= self.as_of:
                known[row["feedback_no"]] = problem = self._feedback_problem(row, consents.get(row.get("consent_id")))
                if problem is None:
                    newest[row["bank"], row["application_no"]] = row["feedback_no"]
        return {no: (problem, no in newest.values()) for no, problem in known.items()}

    def _feedback_problem(self, row: Row, consent: Row | None) -> str | None:
        need = self.needs.get(row.get("need_no") or "")
        if consent is None:
            return "no_consent"
        if self.giver(consent) != self.uscc(row) or consent["recipient"] != row["bank"]:
            return "consent_of_another"
        if not self.covers(consent, as_day(row["reported_on"]), "need_feedback"):
            return "consent_not_in_force"
        if row.get("need_no") and need is None:
            return "no_need"
        if need and self.uscc(need) != self.uscc(row):
            return "need_of_another"
        return "no_reason" if row["decision"] == "rejected" and not (row.get("reject_reason") or "").strip() else None


def agree(connection: duckdb.DuckDBPyConnection, wanted: Market) -> None:
    """Every row of the models is that of the reference."""
    states = {
        row["need_no"]: (row["state"], row["since"], row["bank"], row["reject_reason"], row["is_open"])
        for row in records(connection, "from need_states")
    }
    assert states == wanted.states()
    events = {row["event_no"]: row for row in records(connection, "from market_events")}
    assert {no: row["problem"] for no, row in events.items()} == wanted.problems
    assert all(row["is_applied"] is (row["problem"] is None) for row in events.values())
    answers = {
        (row["need_no"], row["bank"]): (row["state"], row["due_on"], row["working_days"])
        for row in records(connection, "from bank_answers")
    }
    assert answers == wanted.answers()
    offers, found = wanted.offers(), records(connection, "from need_offers")
    assert len(found) == len(offers)
    places = wanted.offer_places()
    for row in found:
        key = (row["need_no"], row["product_id"])
        gaps = (
            row["amount_gap_fen"],
            row["term_gap_months"],
            row["rate_gap_pct"],
            row["collateral_missing"] is not None,
        )
        assert (row["fit"], row["failing"]) == (offers[key]["fit"], offers[key]["failing"]), key
        assert gaps[:3] == tuple(offers[key]["gaps"].values())[:3], key
        if row["failing"] != "not_in_the_market":
            assert (
                gaps[3] is (offers[key]["gaps"]["collateral"] or row["failing"] == "collateral") or row["fit"] == "no"
            )
        assert ((row["place"], row["equals"]) if row["place"] else None) == places.get(key), key
    prospects = {
        (row["need_no"], row["product_id"]): (row["place"], row["equals"])
        for row in records(connection, "from bank_prospects")
    }
    assert prospects == wanted.prospects()
    feedback = {r["feedback_no"]: (r["problem"], r["is_newest"]) for r in records(connection, "from need_feedback")}
    assert feedback == wanted.feedback()
