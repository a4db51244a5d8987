"""Planted edges of who continues whom: branches, mergers, splits, individual businesses turned companies, states."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox import codes
from sandbox.draft import Draft, with_local
from sandbox.model import AS_IT_IS, CreditEvent, Enterprise, Name, Platform, Record
from sandbox.model_records import NO_LOCAL_FACTS, State, Succession, Title

_ENTERPRISES: Final = ("science", "enterprises")
_SUCCESSIONS: Final = ("science", "successions")
_STATES: Final = ("science", "enterprise_states")
_DECEMBER: Final = date(2023, 12, 31)


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


def _bare(enterprise: Enterprise) -> Enterprise:
    """Return an enterprise that files and reports nothing of its own; persons and rights under its name remain."""
    return replace(
        enterprise,
        scopes=(),
        filings=(),
        deductions=(),
        headcounts=(),
        torch_reports=(),
        contracts=(),
        platforms=(),
        awards=(),
        projects=(),
        investments=(),
        consents=(),
        evaluations=(),
        loans=(),
        local=replace(NO_LOCAL_FACTS, persons=enterprise.local.persons),
    )


def _succeed(draft: Draft, kind: str, before: Enterprise, after: Enterprise, on: date, share: int, expect: str) -> None:
    succession = Succession(before.uscc, after.uscc, kind, on, Decimal(share))
    draft.successions.append(succession)
    key: Record = {"predecessor_uscc": before.uscc, "successor_uscc": after.uscc, "kind": kind}
    draft.plant(f"{kind}_in_{on.year}", _SUCCESSIONS, key, expect, kind, after.uscc)
    draft.planted[-1] = replace(draft.planted[-1], usccs=(before.uscc, after.uscc))


def plant_branches(draft: Draft) -> None:
    """Make two enterprises branches of others: what stands under their code, name and unit is their parents'."""
    for number in range(2):
        parent = draft.take_with(lambda e: bool(e.local.persons))
        old = draft.take_with(lambda e: _granted(draft, e) >= 2 and bool(e.local.persons))
        name = Name(f"{parent.name}第{'一二'[number]}分公司", old.founded_on)
        branch = replace(_bare(old), names=(name,), parent_uscc=parent.uscc)
        platform = Platform(
            f"PT-9980-{number}", "样例重点实验室", "provincial", date(2022, 5, 9), None, "key_laboratory"
        )
        penalty = CreditEvent(
            event_no=f"SJ-2025-998{number}",
            uscc=branch.uscc,
            name=name.text,
            event_type="administrative_penalty",
            severity="minor",
            decided_on=date(2025, 4, 8),
            publicity_end_on=date(2025, 10, 8),
            removed_on=None,
            updated_at="2025-04-10T09:00:00+08:00",
        )
        # One person works in both units, and is one person.
        both = (*branch.local.persons, parent.local.persons[0])
        draft.put(with_local(replace(branch, platforms=(platform,), events=(penalty,)), persons=both))
        draft.rewrite(old, branch)
        record: Record = {"uscc": branch.uscc, "parent_uscc": parent.uscc}
        draft.plant("branch", _ENTERPRISES, record, "ineligible", "branch", branch.uscc)
        draft.planted[-1] = replace(draft.planted[-1], usccs=(branch.uscc, parent.uscc))


def _gone(enterprise: Enterprise, last: date) -> Enterprise:
    """Return an enterprise that ended on a day: cancelled, and nothing of it after that day."""
    local = enterprise.local
    return replace(
        enterprise,
        status="cancelled",
        member_to=last,
        filings=tuple(f for f in enterprise.filings if f.fiscal_year < last.year),
        deductions=tuple(d for d in enterprise.deductions if d.fiscal_year < last.year),
        headcounts=tuple(row for row in enterprise.headcounts if row.month <= last),
        torch_reports=tuple(r for r in enterprise.torch_reports if r.fiscal_year < last.year),
        evaluations=(),
        consents=(),
        loans=(),
        local=replace(
            local,
            vat_returns=tuple(one for one in local.vat_returns if one.period_end <= last),
            tax_grades=tuple(one for one in local.tax_grades if one.evaluation_year < last.year),
            insured=tuple(one for one in local.insured if one.month <= last),
            persons=(),
        ),
    )


def plant_absorptions(draft: Draft) -> None:
    """Absorb enterprises: in the year (its figures belong to the base), without figures, and the year before."""
    taken_in_2024 = date(2024, 9, 30)
    survivor = draft.take_with(_has_scientists)
    before = draft.take_with(lambda e: _has_scientists(e) and _granted(draft, e) >= 2)
    draft.put(_gone(before, taken_in_2024))
    _succeed(draft, "absorption", before, survivor, taken_in_2024, 100, "supplied")
    survivor, before = draft.take_with(_has_scientists), draft.take_with(_has_scientists)
    gone = _gone(before, taken_in_2024)
    filings = tuple(f for f in gone.filings if f.fiscal_year != _DECEMBER.year)
    people = tuple(row for row in gone.headcounts if row.month != _DECEMBER)
    draft.put(replace(gone, filings=filings, headcounts=people))
    _succeed(draft, "absorption", before, survivor, taken_in_2024, 100, "value_not_supplied")
    survivor, before = draft.take_with(_has_scientists), draft.take_with(_has_scientists)
    draft.put(_gone(before, date(2023, 5, 31)))
    _succeed(draft, "absorption", before, survivor, date(2023, 5, 31), 100, "supplied")


def plant_chains(draft: Draft) -> None:
    """Absorb one that absorbed another in the year, and let a branch have a branch: both are followed to the end."""
    survivor = draft.take_with(_has_scientists)
    middle, first = draft.take_with(_has_scientists), draft.take_with(_has_scientists)
    for before, after, on in ((first, middle, date(2024, 3, 31)), (middle, survivor, date(2024, 10, 31))):
        draft.put(_gone(before, on))
        _succeed(draft, "absorption", before, after, on, 100, "supplied")
        draft.planted[-1] = replace(draft.planted[-1], kind="absorbed_in_a_chain")
    parent, above = draft.take(), draft.take()
    draft.put(
        branch := replace(
            _bare(above), names=(Name(f"{parent.name}东区分公司", above.founded_on),), parent_uscc=parent.uscc
        )
    )
    draft.rewrite(above, branch)
    old = draft.take_with(lambda e: _granted(draft, e) >= 2)
    below = replace(_bare(old), names=(Name(f"{parent.name}东区门市部", old.founded_on),), parent_uscc=branch.uscc)
    platform = Platform("PT-9985-0", "样例重点实验室", "provincial", date(2022, 5, 9), None, "key_laboratory")
    draft.put(replace(below, platforms=(platform,)))
    draft.rewrite(old, below)
    for one in (branch, below):
        record: Record = {"uscc": one.uscc, "parent_uscc": one.parent_uscc}
        draft.plant("branch_of_a_branch", _ENTERPRISES, record, "ineligible", "branch", one.uscc)
        draft.planted[-1] = replace(draft.planted[-1], usccs=(one.uscc, parent.uscc))


def plant_splits_and_new_companies(draft: Draft) -> None:
    """Split a part off into an enterprise that stood before, and merge two into a new one: growth is not defined."""
    after, before = draft.take_with(_has_scientists), draft.take_with(_has_scientists)
    _succeed(draft, "split", before, after, date(2024, 4, 1), 40, "not_defined")
    merged = draft.take(_is_founded_in_2024)
    for share in (60, 40):
        before = draft.take()
        draft.put(_gone(before, merged.founded_on))
        _succeed(draft, "new_set_merger", before, merged, merged.founded_on, share, "not_defined")


def _is_founded_in_2024(enterprise: Enterprise) -> bool:
    years = [filing.fiscal_year for filing in enterprise.filings if filing.rd_expense]
    is_plain = enterprise.founded_on.year == 2024 and len(enterprise.names) == 1 and bool(enterprise.headcounts)
    return is_plain and years == [2024] and not enterprise.events


def _is_founded_in_2023(enterprise: Enterprise) -> bool:
    years = [filing.fiscal_year for filing in enterprise.filings if filing.rd_expense]
    is_plain = enterprise.founded_on.year == 2023 and len(enterprise.names) == 1 and bool(enterprise.headcounts)
    return is_plain and years == [2023, 2024] and not enterprise.events


def plant_incorporations(draft: Draft) -> None:
    """Let two individual businesses become companies: rights and persons go on, age counts from the company's day."""
    for number in range(2):
        company = draft.take(_is_founded_in_2023)
        old = draft.take_with(lambda e: e.name.startswith("惠州") and _granted(draft, e) >= 1)
        title = Title(f"ZS-IN-998{number}", "innovative_sme", date(2022, 9, 1), date(2025, 8, 31))
        business = replace(
            _bare(old),
            uscc=codes.make_code(random.Random(f"incorporation:{number}"), "92"),
            names=(Name(f"{old.name[:5]}经营部", old.founded_on),),
            status="cancelled",
            member_to=company.founded_on,
            registration_no=None,
        )
        draft.recode(old.uscc, with_local(business, titles=(title,)))
        draft.rewrite(old, business)
        _succeed(draft, "incorporation", business, company, company.founded_on, 100, "not_defined")


def plant_dated_states(draft: Draft) -> None:
    """Date status and membership, so that they overrule what the register's columns say of today."""
    long_ago = date(2018, 1, 1)
    cases: tuple[tuple[str, str, str, str, date, dict[str, Any], str], ...] = (
        ("state_cancelled", "status", "active", "cancelled", date(2025, 5, 20), {}, "ineligible"),
        ("state_restored", "status", "cancelled", "active", date(2025, 6, 1), {"status": "cancelled"}, "eligible"),
        ("state_cancelled_next_day", "status", "active", "cancelled", date(2025, 7, 1), {}, "eligible"),
        ("state_cancelled_on_as_of", "status", "active", "cancelled", date(2025, 6, 30), {}, "ineligible"),
        ("state_left_the_zone", "zone_member", "yes", "no", date(2025, 6, 1), {}, "ineligible"),
        ("state_joined", "zone_member", "no", "yes", date(2025, 1, 1), {"member_from": date(2025, 7, 1)}, "eligible"),
    )
    for kind, aspect, before, after, turn, columns, expect in cases:
        enterprise = draft.take()
        states = (State(aspect, before, long_ago, turn - timedelta(days=1)), State(aspect, after, turn))
        changed = with_local(replace(enterprise, **columns), states=(*enterprise.local.states, *states))
        # Who takes no part consents to nothing.
        draft.put(replace(changed, consents=(), loans=()) if expect == "ineligible" else changed)
        record: Record = {"uscc": enterprise.uscc, "aspect": aspect, "valid_from": turn.isoformat(), "value": after}
        draft.plant(kind, _STATES, record, expect, "dated_state", enterprise.uscc)


SUCCESSION_EDGES: Final = (
    plant_branches,
    plant_absorptions,
    plant_chains,
    plant_splits_and_new_companies,
    plant_incorporations,
    plant_dated_states,
)
