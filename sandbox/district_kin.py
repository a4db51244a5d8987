"""Planted edges that concern several enterprises: branches, mergers, splits, incorporations, a name of two."""

import random
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final

from sandbox import codes
from sandbox.district_feeds import record_of
from sandbox.draft import Draft
from sandbox.model import AS_IT_IS, CreditEvent, Enterprise, Name, Platform, Stray, Succession, Title

_DECEMBER: Final = date(2023, 12, 31)
_PATENTS: Final = "patent.applications"
# What a branch or an individual business does not file under its own code; persons and rights stay under its name.
_OWN_FACTS: Final = [
    fact.name for fact in fields(Enterprise) if fact.default == () and fact.name not in ("persons", "events")
]
_LABORATORY: Final = Platform("", "样例重点实验室", "provincial", date(2022, 5, 9), None, "key_laboratory")


def _granted(draft: Draft, enterprise: Enterprise) -> int:
    """Count the inventions that an enterprise alone holds in force."""
    return sum(
        one.owners == (enterprise.uscc,)
        and one.patent_type == "发明"
        and one.granted_on is not None
        and one.lapsed_on is None
        and one.holder is None
        and one.sending is AS_IT_IS
        for one in draft.patents
    )


def _has_scientists(enterprise: Enterprise) -> bool:
    return all((row.sci_tech_staff or 0) > 1 for row in enterprise.headcounts)


def _is_founded_in(year: int, enterprise: Enterprise) -> bool:
    years = [filing.fiscal_year for filing in enterprise.filings if filing.rd_expense]
    is_plain = enterprise.founded_on.year == year and len(enterprise.names) == 1 and bool(enterprise.headcounts)
    return is_plain and years == list(range(year, 2025)) and not enterprise.events


def share_a_name(draft: Draft) -> None:
    """Let two enterprises bear one name for a time: a filing of that time is ambiguous, a later one is not."""
    named = {owner for application in (*draft.patents, *draft.pcts) for owner in application.owners}
    bearer, twin = (draft.take_with(lambda e: e.uscc not in named and not e.awards) for _ in range(2))
    first = max(bearer.founded_on.replace(year=2018, day=1), twin.founded_on)
    draft.put(twin, names=(Name(bearer.name, first, date(2024, 6, 30)), Name(twin.name, date(2024, 7, 1))))
    for kind, owner, filed_on, expect, reason, usccs in (
        ("name_held_by_two", None, date(2024, 5, 6), "unmatched", "ambiguous", (bearer.uscc, twin.uscc)),
        ("name_held_by_one_again", bearer, date(2024, 8, 8), "matched", "name_valid_at_filing", (bearer.uscc,)),
    ):
        record_no = draft.patents[-1].record_no + 3
        application = draft.patents[-1]._replace(
            record_no=record_no,
            number=f"CN202418{record_no}",
            applicants=bearer.name,
            owners=(owner.uscc,) if owner else (),
            ipc=f"{owner.scopes[0] if owner else 'G06F'} 3/14",
            filed_on=filed_on,
        )
        draft.patents.append(application)
        uscc = owner.uscc if owner else None
        draft.plant(kind, _PATENTS, record_of(_PATENTS, bearer, application), expect, reason, uscc, usccs)


def claim_a_unit(draft: Draft) -> None:
    """Let a second enterprise claim a unit number, so that all that is filed under it is ambiguous."""
    owner, claimant = draft.take_with(bool), draft.take_with(bool)
    claimed: dict[str, str | int | None] = {"uscc": claimant.uscc, "scheme": "old_unit_no", "identifier": owner.unit_no}
    draft.strays.append(Stray("science", "enterprise_identifiers", claimed))
    unknown = tuple(row._replace(sending=replace(row.sending, is_usable=False)) for row in owner.headcounts)
    draft.put(owner, headcounts=unknown)
    sent = record_of(
        "talent.headcounts", owner, next(row for row in owner.headcounts if row.month == date(2024, 12, 31))
    )
    usccs = (owner.uscc, claimant.uscc)
    draft.plant("number_claimed_by_two", "talent.headcounts", sent, "unmatched", "ambiguous", owner.uscc, usccs)


def _bare(enterprise: Enterprise, name: str, **more: str | None) -> Enterprise:
    """Return an enterprise of another name that files and reports nothing of its own."""
    own = dict.fromkeys(_OWN_FACTS, ())
    return replace(enterprise, names=(Name(name, enterprise.founded_on),), **own, **more)  # type: ignore[arg-type]


def _plant_branch(draft: Draft, kind: str, branch: Enterprise, company: Enterprise) -> None:
    record: dict[str, str | int | None] = {"uscc": branch.uscc, "parent_uscc": branch.parent_uscc}
    usccs = (branch.uscc, company.uscc)
    draft.plant(kind, "science.enterprises", record, "ineligible", "branch", branch.uscc, usccs)


def make_branches(draft: Draft) -> None:
    """Make two enterprises branches of others: what stands under their code, name and unit is their parents'."""
    for number in range(2):
        parent = draft.take_with(lambda e: e.persons)
        old = draft.take_with(lambda e: _granted(draft, e) >= 2 and e.persons)
        branch = _bare(old, f"{parent.name}第{'一二'[number]}分公司", parent_uscc=parent.uscc)
        penalty = CreditEvent(
            event_no=f"SJ-2025-998{number}",
            uscc=branch.uscc,
            name=branch.name,
            event_type="administrative_penalty",
            severity="minor",
            decided_on=date(2025, 4, 8),
            publicity_end_on=date(2025, 10, 8),
            removed_on=None,
            updated_at="2025-04-10T09:00:00+08:00",
        )
        platform = _LABORATORY._replace(platform_no=f"PT-9980-{number}")
        # One person works in both units, and is one person.
        both = (*branch.persons, parent.persons[0])
        draft.put(branch, platforms=(platform,), events=(penalty,), persons=both)
        draft.rewrite(old, branch)
        _plant_branch(draft, "branch", branch, parent)


def _gone(enterprise: Enterprise, last: date) -> Enterprise:
    """Return an enterprise that ended on a day: cancelled, and nothing of it after that day."""
    return replace(
        enterprise,
        status="cancelled",
        member_to=last,
        filings=tuple(f for f in enterprise.filings if f.fiscal_year < last.year),
        deductions=tuple(d for d in enterprise.deductions if d.fiscal_year < last.year),
        headcounts=tuple(row for row in enterprise.headcounts if row.month <= last),
        torch_reports=tuple(r for r in enterprise.torch_reports if r.fiscal_year < last.year),
        vat_returns=tuple(one for one in enterprise.vat_returns if one.period_end <= last),
        tax_grades=tuple(one for one in enterprise.tax_grades if one.evaluation_year < last.year),
        insured=tuple(one for one in enterprise.insured if one.month <= last),
        evaluations=(),
        consents=(),
        loans=(),
        persons=(),
    )


def _succeed(
    draft: Draft, kind: str, before: Enterprise, after: Enterprise, on: date, share: int, expect: str, called: str = ""
) -> None:
    draft.successions.append(Succession(before.uscc, after.uscc, kind, on, Decimal(share)))
    key: dict[str, str | int | None] = {"predecessor_uscc": before.uscc, "successor_uscc": after.uscc, "kind": kind}
    usccs = (before.uscc, after.uscc)
    draft.plant(called or f"{kind}_in_{on.year}", "science.successions", key, expect, kind, after.uscc, usccs)


def absorb(draft: Draft) -> None:
    """Absorb enterprises: in the year (its figures belong to the base), without figures, and the year before."""
    for on, fits, has_figures, expect in (
        (date(2024, 9, 30), lambda e: _granted(draft, e) >= 2, True, "supplied"),
        (date(2024, 9, 30), bool, False, "value_not_supplied"),
        (date(2023, 5, 31), bool, True, "supplied"),
    ):
        survivor = draft.take_with(_has_scientists)
        before = draft.take_with(lambda e, fits=fits: _has_scientists(e) and fits(e))  # type: ignore[misc]
        gone = draft.put(_gone(before, on))
        if not has_figures:
            filings = tuple(f for f in gone.filings if f.fiscal_year != _DECEMBER.year)
            draft.put(gone, filings=filings, headcounts=tuple(row for row in gone.headcounts if row.month != _DECEMBER))
        _succeed(draft, "absorption", before, survivor, on, 100, expect)


def chain(draft: Draft) -> None:
    """Absorb one that absorbed another in the year, and let a branch have a branch: both are followed to the end."""
    survivor, middle, first = (draft.take_with(_has_scientists) for _ in range(3))
    for before, after, on in ((first, middle, date(2024, 3, 31)), (middle, survivor, date(2024, 10, 31))):
        draft.put(_gone(before, on))
        _succeed(draft, "absorption", before, after, on, 100, "supplied", "absorbed_in_a_chain")
    parent, above = draft.take_with(bool), draft.take_with(bool)
    branch = draft.put(_bare(above, f"{parent.name}东区分公司", parent_uscc=parent.uscc))
    draft.rewrite(above, branch)
    old = draft.take_with(lambda e: _granted(draft, e) >= 2)
    below = _bare(old, f"{parent.name}东区门市部", parent_uscc=branch.uscc)
    draft.put(below, platforms=(_LABORATORY._replace(platform_no="PT-9985-0"),))
    draft.rewrite(old, below)
    for one in (branch, below):
        _plant_branch(draft, "branch_of_a_branch", one, parent)


def split_and_merge(draft: Draft) -> None:
    """Split a part off into an enterprise that stood before, and merge two into a new one: growth is not defined."""
    after, before = draft.take_with(_has_scientists), draft.take_with(_has_scientists)
    _succeed(draft, "split", before, after, date(2024, 4, 1), 40, "not_defined")
    merged = draft.take(partial(_is_founded_in, 2024))
    for share in (60, 40):
        before = draft.take()
        draft.put(_gone(before, merged.founded_on))
        _succeed(draft, "new_set_merger", before, merged, merged.founded_on, share, "not_defined")


def incorporate(draft: Draft) -> None:
    """Let two individual businesses become companies: rights and persons go on, age counts from the company's day."""
    for number in range(2):
        company = draft.take(partial(_is_founded_in, 2023))
        old = draft.take_with(lambda e: e.name.startswith("惠州") and _granted(draft, e) >= 1)
        business = replace(
            _bare(old, f"{old.name[:5]}经营部"),
            uscc=codes.make_code(random.Random(f"incorporation:{number}"), "92"),
            status="cancelled",
            member_to=company.founded_on,
            registration_no=None,
            titles=(Title(f"ZS-IN-998{number}", "innovative_sme", date(2022, 9, 1), date(2025, 8, 31)),),
        )
        # It bears another code from now on, at the old one's place in the register.
        known = draft.enterprises.items()
        draft.enterprises = dict((business.uscc, business) if uscc == old.uscc else (uscc, e) for uscc, e in known)
        draft.taken.add(business.uscc)
        draft.rewrite(old, business)
        _succeed(draft, "incorporation", business, company, company.founded_on, 100, "not_defined")


def transfer_after_absorption(draft: Draft) -> None:
    """Record the transfer of a patent to the enterprise that absorbed its owner."""
    absorbed = next(s for s in draft.successions if s.kind == "absorption")
    before, after = absorbed.predecessor_uscc, absorbed.successor_uscc
    place = next(place for place, one in enumerate(draft.patents) if one.owners == (before,) and one.granted_on)
    draft.patents[place] = moved = draft.patents[place]._replace(
        transferred_to=draft.enterprises[after].name, holder=after, transfer_recorded_on=date(2024, 10, 20)
    )
    sent = record_of(_PATENTS, draft.enterprises[before], moved)
    draft.plant("transferred_after_absorption", _PATENTS, sent, "matched", "recorded_transfer", before, (before,))


CALLS: Final[dict[str, Callable[[Draft], None]]] = {
    call.__name__: call
    for call in (
        share_a_name,
        claim_a_unit,
        make_branches,
        absorb,
        chain,
        split_and_merge,
        incorporate,
        transfer_after_absorption,
    )
}
