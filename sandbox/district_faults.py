"""The engine that plants `district_faults.csv`: a row is one fault or edge, or a step towards the row after it.

- `kind` names what is planted; a row without one changes facts and notes nothing.
- `who` is a key of `WHO`: the first enterprise that fits and is still free, kept under a name by `as`. Empty: the one
  of the row before.
- `dataset` and `which` name the fact: `first`, `last`, or the first that begins with a year, month or bank. A word
  before it says what happens: `copy` adds a changed copy, `gone` removes it, `all` changes all, `only` drops the
  others, `note` stores nothing, `stray` sends a record of no enterprise beside it. `new` replaces all facts by a fresh
  one, `more` adds one, `granted` adds a granted patent; `call` runs a function that concerns several enterprises.
- `change` is what becomes true of the fact: a value, `+7` or `*0.5` of the old one, or nothing (blank).
- `sent` is what the agency writes instead of the truth, in its own fields: `''` is empty text, `#` a number.
- `besides` changes other facts of the enterprise.
- `expect` and `reason` are the truth: see `Planted`.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from ledger.files import read_csv
from sandbox import codes, model
from sandbox.district_feeds import FEEDS, record_of
from sandbox.draft import Draft
from sandbox.model import Enterprise, Record, Sending, Stray, WireValue
from sandbox.names import in_full_width, in_long_form, with_blanks, with_half_width_brackets

TABLE: Final = Path(__file__).with_suffix(".csv")
_VERBS: Final = ("new", "more", "granted", "copy", "gone", "all", "only", "note", "stray", "call")
_FILED_ON: Final = date(2024, 9, 12)
_REGISTER: Final = "science.enterprises"


# By what a fact is found, where a row says which: a year, a month or a bank.
_FOUND_BY: Final[Mapping[str, str]] = {
    "tax.statements": "fiscal_year",
    "tax.rd_deductions": "fiscal_year",
    "tax.vat_returns": "period_end",
    "talent.headcounts": "month",
    "talent.social_security": "month",
    "science.technology_contracts": "registered_on",
    "bank_a.loans": "bank",
    "bank_b.loans": "bank",
}
_EVENT: Final = model.CreditEvent(
    event_no="",
    uscc="{uscc}",
    name="{name}",
    event_type="administrative_penalty",
    severity=None,
    decided_on=date(2024, 10, 9),
    publicity_end_on=date(2025, 10, 9),
    removed_on=None,
    updated_at="2024-10-11T09:30:00+08:00",
)
_CONTEST: Final = ("创新创业大赛（样例）", "provincial", "contest", "1", "{name}", date(2023, 7, 1))
# What a fresh fact is but for what a row changes.
_FRESH: Final[Mapping[str, Any]] = {
    "tax.credit_grades": model.TaxGrade(2024, "C", date(2025, 4, 15)),
    "tax.arrears": model.Arrears("", "增值税", Decimal("120000.00"), date(2025, 5, 12), None),
    "patent.applications": model.Application(
        0, "CN{year}18{no}", "{name}", ("{uscc}",), "发明", "{scope} 3/14", _FILED_ON
    ),
    "patent.pct_applications": model.Application(
        0, "PCT/CN{year}/8{no}", "{name}", ("{uscc}",), "PCT", "{scope} 7/02", _FILED_ON
    ),
    "patent.software_and_layouts": model.Registration(
        0, "2024SR99{no}", "software", "样例软件V1.0", "{name}", ("{uscc}",), date(2024, 3, 7)
    ),
    "credit.evaluations": model.Evaluation("PJ202506-9980", date(2025, 6, 1), "B", "2025-06-20T10:00:00+08:00"),
    "credit.events": _EVENT,
    "credit.repairs": model.Repair("", "", date(2025, 5, 30), date(2025, 6, 12), "granted", ""),
    "talent.headcounts": model.Headcount(date(2024, 12, 31), 40, 9, 2, 0, 1, 9),
    "talent.talents": model.Talent("", "national", "国家级人才计划（样例）", "{long_form}", date(2022, 6, 1), None),
    "science.technology_contracts": model.Contract("", Decimal("880000.00"), date(2024, 5, 17)),
    "science.platforms": model.Platform("", "样例平台", "provincial", date(2024, 3, 1), None),
    "science.awards": model.Award("", "{name}", "national", 2024, date(2024, 11, 11)),
    "science.consents": model.Consent("", "bank_a", "score,rank,revenue_band", date(2024, 2, 1)),
    "science.enterprise_states": model.State("status", "active", date(2018, 1, 1)),
    "science.standards": model.Standard("", "{name}", "national", "lead", date(2019, 4, 1)),
    "science.contest_results": model.ContestResult("", *_CONTEST),
    "science.titles": model.Title("", "little_giant", date(2023, 6, 30), None),
    "science.cooperations": model.Cooperation("", "joint_project", "外地样例大学", date(2023, 7, 1), None),
    "science.recognised_products": model.Product("", "first_set", date(2022, 7, 1), None),
}
# A scope for an application that no enterprise of the district owns.
_SCOPES: Final = {"patents": "G06F", "pcts": "H04W"}
_GRANTED: Final = {
    "filed_on": "2022-10-10",
    "granted_on": "2024-11-05",
    "legal_status": "授权",
    "high_value_basis": "strategic_industry",
}


def _is_renamed_in_2024(e: Enterprise) -> bool:
    return len(e.names) == 2 and date(2024, 2, 1) < e.names[1].valid_from < date(2024, 11, 1) and bool(e.scopes)


def _is_young(e: Enterprise) -> bool:
    # Both statements with both figures, so that age alone decides.
    years = [filing.fiscal_year for filing in e.filings if filing.rd_expense]
    return e.founded_on >= date(2023, 1, 1) and years == [2023, 2024] and len(e.names) == 1


def _reports_research(e: Enterprise) -> bool:
    rd = e.filings[-1].rd_expense or Decimal(0)
    reports = [r for r in e.torch_reports if r.fiscal_year == 2024 and r.hnte_rd_expense_cny]
    return rd > 10_000 and bool(reports) and len([d for d in e.deductions if d.fiscal_year == 2024]) == 1


_Fits = Callable[[Enterprise], Any]
_NOT_ORDINARY: Final[Mapping[str, _Fits]] = {
    "renamed in 2024": _is_renamed_in_2024,
    "two names": lambda e: len(e.names) == 2 and not e.events,
    "young": _is_young,
    "founded since 2024": lambda e: e.founded_on > date(2024, 1, 1) and len(e.names) == 1 and not e.events,
    "one event": lambda e: len(e.events) == 1,
}
_ORDINARY: Final[Mapping[str, _Fits]] = {
    "ordinary": lambda _: True,
    "brackets": lambda e: "（" in e.name,
    "latin letters": lambda e: "Qx" in e.name,
    "limited company": lambda e: e.name.endswith("有限公司") and not e.name.endswith("股份有限公司"),
    "0 1 2 and 5 in the code": lambda e: set("0125") <= set(codes.as_organisation_code(e.uscc)),
    "8 in the code": lambda e: "8" in codes.as_organisation_code(e.uscc),
    "a claim": lambda e: e.deductions,
    "three claims": lambda e: len(e.deductions) == 3,
    "three reports": lambda e: len(e.torch_reports) == 3,
    "reports research": _reports_research,
    "two years of VAT": lambda e: len(e.vat_returns) == 24,
    "five staff": lambda e: all((row.staff_total or 0) >= 5 for row in e.headcounts),
    "forty staff": lambda e: (e.headcounts[35].staff_total or 0) >= 40,
    "names a person": lambda e: e.persons,
    "graded": lambda e: e.evaluations,
    "graded above D": lambda e: e.evaluations and e.evaluations[0].grade != "D",
    "contract of 2024": lambda e: any(c.registered_on.year == 2024 for c in e.contracts),
    "consents to bank_a": lambda e: any(consent.recipient == "bank_a" for consent in e.consents),
    "borrows from bank_a": lambda e: any(loan.bank == "bank_a" for loan in e.loans),
    "borrows from bank_b": lambda e: any(loan.bank == "bank_b" for loan in e.loans),
}
WHO: Final = (*_ORDINARY, *_NOT_ORDINARY, "owns no software")

_WORDS: Final[Mapping[str, Callable[[Enterprise], str]]] = {
    "uscc": lambda e: e.uscc,
    "wrong_check": lambda e: codes.with_wrong_check(e.uscc),
    **{
        f"letter_{letter}": lambda e, letter=letter: codes.with_forbidden_letter(e.uscc, letter)  # type: ignore[misc]
        for letter in codes.FORBIDDEN_LETTERS
    },
    "letters": lambda e: codes.with_letters_for_digits(e.uscc),
    "letter_for_8": lambda e: e.uscc[:8] + e.uscc[8:].replace("8", "O", 1),
    "short": lambda e: e.uscc[:17],
    "old_number": lambda e: codes.as_old_taxpayer_number(e.uscc),
    "another": lambda _: codes.make_code(random.Random("register")),
    "name": lambda e: e.name,
    "former": lambda e: e.names[0].name,
    "former_until": lambda e: str(e.names[1].valid_from - timedelta(days=1)),
    "half_width": lambda e: with_half_width_brackets(e.name),
    "full_width": lambda e: in_full_width(e.name),
    "long_form": lambda e: in_long_form(e.name),
    "blanks": lambda e: with_blanks(e.name),
    "upper": lambda e: e.name.upper(),
    "rd_expense": lambda e: str(next(f.rd_expense for f in e.filings if f.fiscal_year == 2024)),
}
"""What may stand in braces in a cell, of the row's enterprise; a kept one by its name and a field: `{first.uscc}`."""


class _Words(dict[str, Any]):
    """What is in braces: kept enterprises, a record's own fields, and the words above."""

    def __init__(self, it: Enterprise, known: Mapping[str, Any]) -> None:
        super().__init__(known)
        self._it = it

    def __missing__(self, word: str) -> str:
        return _WORDS[word](self._it)


def _cell(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(" & ") if text else ():
        name, _, value = part.partition("=")
        yield name, value


@cache
def _kinds(of: type[Any]) -> dict[str, tuple[Any, ...]]:
    """The types that each field of a model may have."""
    return {name: get_args(hint) or (hint,) for name, hint in get_type_hints(of).items()}


def _typed(kinds: tuple[Any, ...], old: Any, text: str) -> Any:
    """Read a cell's value as the field's type."""
    if isinstance(old, tuple):
        return tuple(sorted({*old, text[1:]})) if text.startswith("+") else tuple(text.split())
    if text == "":
        return None
    if date in kinds:
        return date.fromisoformat(text)
    if bool in kinds:
        return text == "yes"
    number = int if int in kinds else Decimal if Decimal in kinds else None
    return text if number is None else _reckoned(number, old, text)


def _reckoned(number: type[int | Decimal], old: Any, text: str) -> Any:
    """Read a number; `+` and `*` reckon from the old value, or from the number before them."""
    found = re.fullmatch(r"(-?[\d.]+)?(?:([+*])([\d.]+))?", text)
    if found is None:
        raise ValueError(f"no number: {text}")
    base = old if found[1] is None else number(found[1])
    if found[2] == "+":
        return base + number(found[3])
    return number(round(base * Decimal(found[3]), 2)) if found[2] else base


def _changed(fact: Any, change: str, words: _Words) -> Any:
    kinds = _kinds(fact.__class__)
    values = {name: value.format_map(words) for name, value in _cell(change)}
    typed = {name: _typed(kinds[name], getattr(fact, name), value) for name, value in values.items()}
    return replace(fact, **typed) if isinstance(fact, Enterprise) else fact._replace(**typed)


def _sent(record: Record, cell: str, words: _Words) -> Iterator[tuple[str, WireValue]]:
    for name, text in _cell(cell):
        value = text.format_map(words)
        if value.startswith("#"):
            yield name, int(value[1:])
        elif value.startswith("+"):
            yield name, int(str(record[name])) + int(value)
        else:
            yield name, None if value == "" else value.strip("'")


class _Planter:
    """One walk through the table; `it` is the enterprise of the row."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._kept: dict[str, Enterprise] = {}
        self._it = next(iter(draft.enterprises.values()))

    def take(self, who: str) -> None:
        fits, _, name = who.partition(" as ")
        if fits == "owns no software":
            owning = {owner for one in self._draft.registrations for owner in one.owners}
            self._it = self._draft.take_with(lambda e: e.uscc not in owning)
        elif fits in _ORDINARY:
            self._it = self._draft.take_with(_ORDINARY[fits])
        else:
            self._it = self._draft.take(_NOT_ORDINARY[fits])
        if name:
            self._kept[name] = self._it

    def plant(self, row: Mapping[str, str]) -> None:
        words = _Words(self._it, self._kept)
        verb, _, at = row["which"].partition(" ")
        if verb not in _VERBS:
            verb, at = "", row["which"]
        if row["dataset"] == _REGISTER:
            self._plant_in_register(row, verb, words)
            return
        address, name = row["dataset"], FEEDS[row["dataset"]].facts
        is_of_draft = hasattr(self._draft, name)
        facts = list(getattr(self._draft if is_of_draft else self._it, name))
        place = _place(facts, at, _FOUND_BY.get(address, "")) if at else None
        fact = self._fresh(address, verb, row["change"], words) if place is None else facts[place]
        if place is not None and verb not in ("all", "gone"):
            fact = _changed(fact, row["change"], words)
        record = record_of(address, self._it, fact)
        wire_values = dict(_sent(record, row["sent"], _Words(self._it, {**self._kept, **record})))
        if verb != "stray" and (wire_values or row["expect"] in ("quarantined", "dropped")):
            copies = 2 if row["expect"] == "dropped" else 1
            sending = Sending(tuple(wire_values.items()), copies, row["expect"] != "quarantined")
            fact = fact._replace(sending=sending)
        if verb == "all" and place is not None:
            facts = [_changed(one, row["change"], words) for one in facts]
            record = record_of(address, self._it, facts[place])
        else:
            facts = _stored(facts, place, fact, verb)
        if is_of_draft:
            setattr(self._draft, name, facts)
        elif verb != "stray":
            self._it = self._draft.put(self._it, **{name: tuple(facts)})
        self._end(row, {**record, **wire_values}, fact, is_stray=verb == "stray", words=words)

    def _plant_in_register(self, row: Mapping[str, str], verb: str, words: _Words) -> None:
        old = self._it
        changes = dict(_cell(row["change"]))
        if name := changes.pop("name", None):
            self._it = self._draft.put(old, names=(old.names[0]._replace(name=name),))
            self._draft.rewrite(old, self._it)
        else:
            self._it = self._draft.put(_changed(old, row["change"], words))
        if "founded_on" in changes:
            names = (self._it.names[0]._replace(valid_from=self._it.founded_on),)
            self._it = self._draft.put(self._it, names=names)
        record = record_of(_REGISTER, self._it, self._it)
        record |= dict(_sent(record, row["sent"], words))
        self._end(row, record, None, is_stray=verb == "stray", words=words)

    def _fresh(self, address: str, verb: str, change: str, words: _Words) -> Any:
        """Make a fact from the dataset's pattern; a right gets the next number, and a class that its owner declared."""
        wanted = dict(_cell(change))
        granted = {name: value for name, value in _GRANTED.items() if verb == "granted" and name not in wanted}
        facts = FEEDS[address].facts
        rights = getattr(self._draft, facts, None)
        pattern = _FRESH[address]._asdict()
        if rights is not None:
            owners = wanted.get("owners", "{uscc}").format_map(words).split()
            scope = self._draft.enterprises[owners[0]].scopes[0] if owners else _SCOPES.get(facts, "")
            number = rights[-1].record_no + 3
            year = wanted.get("filed_on", granted.get("filed_on", str(_FILED_ON))).format_map(words)[:4]
            words = _Words(self._it, {**words, "scope": scope, "no": number, "year": year})
            pattern["record_no"] = number
        for name, value in pattern.items():
            if isinstance(value, str) and name not in wanted:
                pattern[name] = value.format_map(words)
            elif isinstance(value, tuple) and name not in wanted:
                pattern[name] = tuple(one.format_map(words) for one in value)
        fact = _FRESH[address]._replace(**pattern)
        cells = " & ".join(part for part in (*(f"{n}={v}" for n, v in granted.items()), change) if part)
        return _changed(fact, cells, words)

    def _end(self, row: Mapping[str, str], record: Record, fact: Any, *, is_stray: bool, words: _Words) -> None:
        """Note what was planted, and change what else is true of the enterprise."""
        source, _, name = row["dataset"].partition(".")
        owners = getattr(fact, "owners", None)
        if is_stray:
            self._draft.strays.append(Stray(source, name, record))
            uscc = None
        elif owners is not None:
            uscc = next(iter(owners), None)
        else:
            uscc = self._it.uscc
        if row["kind"]:
            usccs = owners if row["dataset"] == "patent.applications" and owners else ()
            self._draft.plant(row["kind"], row["dataset"], record, row["expect"], row["reason"], uscc, usccs)
        self.change_besides(row, words)

    def change_besides(self, row: Mapping[str, str], words: _Words) -> None:
        # Who takes no part consents to nothing.
        cells = [row["besides"], "consents= & loans=" if row["expect"] == "ineligible" else ""]
        for cell in filter(None, cells):
            if cell == "torch_reports=capped":
                self._it = self._draft.put(self._it, torch_reports=_capped(self._it))
            else:
                self._it = self._draft.put(_changed(self._it, cell, words))


def _place(facts: list[Any], at: str, found_by: str) -> int:
    if at in ("first", "last"):
        return 0 if at == "first" else len(facts) - 1
    return next(place for place, one in enumerate(facts) if str(getattr(one, found_by)).startswith(at))


def _stored(facts: list[Any], place: int | None, fact: Any, verb: str) -> list[Any]:
    match verb:
        case "new" | "only":
            return [fact]
        case "more" | "granted":
            return [*facts, fact]
        case "copy" if place is not None:
            return [*facts[: place + 1], fact, *facts[place + 1 :]]
        case "gone":
            return [one for one in facts if one is not fact]
        case "" if place is not None:
            return [*facts[:place], fact, *facts[place + 1 :]]
    return facts


def _capped(enterprise: Enterprise) -> tuple[Any, ...]:
    """Keep high-tech revenue a part of revenue, so that the planted figure is the only oddity."""
    revenue = next(f.revenue for f in enterprise.filings if f.fiscal_year == 2024) or Decimal("0.00")
    return tuple(
        report._replace(high_tech_product_revenue_cny=min(report.high_tech_product_revenue_cny or revenue, revenue))
        if report.fiscal_year == 2024
        else report
        for report in enterprise.torch_reports
    )


def read_table() -> list[dict[str, str]]:
    """Read the table of planted faults."""
    return read_csv(TABLE)


def plant_all(draft: Draft, calls: Mapping[str, Callable[[Draft], None]]) -> None:
    """Plant every row in its order; `calls` are the functions that a row may call."""
    planter = _Planter(draft)
    for row in read_table():
        if row["who"]:
            planter.take(row["who"])
        if row["which"].startswith("call "):
            calls[row["which"].removeprefix("call ")](draft)
        elif row["dataset"]:
            planter.plant(row)
