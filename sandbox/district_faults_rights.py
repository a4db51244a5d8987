"""Planted edges of rights and names: transfers, lapses, standards, owners and contestants as clerks write them."""

from datetime import date, timedelta
from typing import Final

from sandbox.district_faults_names import add_patent, plant_patent
from sandbox.draft import Draft, with_local
from sandbox.model import Application, Enterprise, Record
from sandbox.model_records import ContestResult, Registration, Standard, Talent
from sandbox.names import in_full_width, with_blanks, with_half_width_brackets
from sandbox.wire_local import registration_record, talent_record

_SOFTWARE: Final = ("patent", "software_and_layouts")
_TALENTS: Final = ("talent", "talents")
_STANDARDS: Final = ("science", "standards")
_CONTESTS: Final = ("science", "contest_results")
_OUTSIDER: Final = "外地样例大学"
_UNKNOWN: Final = "惠州无名样例科技有限公司"
_GRANTED_ON: Final = date(2024, 11, 5)


def in_long_form(name: str) -> str:
    """Return a limited company's name with its legal form written in full."""
    return name.removesuffix("有限公司") + "有限责任公司"


def _is_limited(enterprise: Enterprise) -> bool:
    return enterprise.name.endswith("有限公司") and not enterprise.name.endswith("股份有限公司")


def _granted(draft: Draft, applicants: str, owners: tuple[Enterprise, ...]) -> Application:
    """Add a granted invention filed in 2022, of high value."""
    add_patent(draft, applicants, owners, date(2022, 10, 10))
    basis = "strategic_industry"
    draft.patents[-1] = draft.patents[-1]._replace(granted_on=_GRANTED_ON, legal_status="授权", high_value_basis=basis)
    return draft.patents[-1]


def plant_transfers(draft: Draft) -> None:
    """Transfer granted inventions in, out, within the district, without a record, and with one made too late."""
    seller, buyer = draft.take(), draft.take()
    recorded_on, outside = date(2025, 2, 14), "外地样例集团股份有限公司"
    for kind, applicants, owners, to, holder, on, reason in (
        ("transferred_in", _OUTSIDER, (), buyer.name, buyer, recorded_on, "recorded_transfer"),
        ("transferred_within", seller.name, (seller,), buyer.name, buyer, recorded_on, "recorded_transfer"),
        ("transferred_in_other_brackets", seller.name, (seller,), with_blanks(buyer.name), buyer, recorded_on, "same"),
        ("transfer_not_recorded", seller.name, (seller,), buyer.name, None, None, "holder_unchanged"),
        ("transfer_recorded_too_late", seller.name, (seller,), buyer.name, buyer, date(2025, 7, 1), "holder_unchanged"),
        ("transfer_recorded_on_as_of", seller.name, (seller,), buyer.name, buyer, draft.as_of, "recorded_transfer"),
        ("transferred_out", seller.name, (seller,), outside, None, recorded_on, "recorded_transfer"),
    ):
        _granted(draft, applicants, owners)
        code = holder.uscc if holder else None
        draft.patents[-1] = draft.patents[-1]._replace(transferred_to=to, holder=code, transfer_recorded_on=on)
        plant_patent(draft, kind, draft.patents[-1], "unmatched" if to == outside else "matched", reason)
    before = next(s.predecessor_uscc for s in draft.successions if s.kind == "absorption")
    after = next(s.successor_uscc for s in draft.successions if s.predecessor_uscc == before)
    owned = [place for place, one in enumerate(draft.patents) if one.owners == (before,) and one.granted_on]
    moved = draft.patents[owned[0]]._replace(
        transferred_to=draft.enterprises[after].name, holder=after, transfer_recorded_on=date(2024, 10, 20)
    )
    draft.patents[owned[0]] = moved
    plant_patent(draft, "transferred_after_absorption", moved, "matched", "recorded_transfer")


def plant_lapses(draft: Draft) -> None:
    """Let granted inventions lapse on the business date (no longer held) and on the next day (still held)."""
    for kind, lapsed_on, expect in (
        ("lapsed_patent", date(2025, 3, 3), "ignored"),
        ("lapsed_on_as_of", draft.as_of, "ignored"),
        ("lapses_next_day", draft.as_of + timedelta(days=1), "matched"),
    ):
        enterprise = draft.take()
        _granted(draft, enterprise.name, (enterprise,))
        draft.patents[-1] = draft.patents[-1]._replace(lapsed_on=lapsed_on, legal_status="失效")
        plant_patent(draft, kind, draft.patents[-1], expect, "lapsed")


def _registered(draft: Draft, owner_name: str, owners: tuple[Enterprise, ...]) -> Registration:
    number = draft.next_registration_no()
    owned_by = tuple(owner.uscc for owner in owners)
    one = Registration(number, f"2024SR99{number}", "software", "样例软件V1.0", owner_name, owned_by, date(2024, 3, 7))
    draft.registrations.append(one)
    return one


def plant_owners_of_software(draft: Draft) -> None:
    """Write owners of software in the long form, in full width, unknown; and spoil the only record of one."""
    enterprise = draft.take_with(_is_limited)
    one = _registered(draft, in_long_form(enterprise.name), (enterprise,))
    record = registration_record(one)
    draft.plant("limited_liability_in_full", _SOFTWARE, record, "matched", "normalised_name", enterprise.uscc)
    enterprise = draft.take_with(lambda e: "Qx" in e.name)
    record = registration_record(_registered(draft, in_full_width(enterprise.name), (enterprise,)))
    draft.plant("full_width_letters", _SOFTWARE, record, "matched", "normalised_name", enterprise.uscc)
    record = registration_record(_registered(draft, _UNKNOWN, ()))
    draft.plant("unknown_owner", _SOFTWARE, record, "unmatched", "unknown")
    owning = {owner for one in draft.registrations for owner in one.owners}
    enterprise = draft.take_with(lambda e: e.uscc not in owning)
    one = _registered(draft, enterprise.name, ())._replace(is_usable=False, wire=(("kind", "video"),))
    draft.registrations[-1] = one
    record = registration_record(one)
    draft.plant("outside_allowed_set", _SOFTWARE, record, "quarantined", "not_in_values", enterprise.uscc)


def plant_long_form_applicant(draft: Draft) -> None:
    """File a patent under the legal form written in full."""
    enterprise = draft.take_with(_is_limited)
    application = add_patent(draft, in_long_form(enterprise.name), (enterprise,))
    plant_patent(draft, "limited_liability_in_full", application, "matched", "normalised_name")


def plant_standards(draft: Draft) -> None:
    """Withdraw standards, publish one too late, and print one drafter twice."""
    for number, (kind, published_on, withdrawn_on, expect) in enumerate(
        (
            ("standard_withdrawn", date(2019, 4, 1), draft.as_of, "ignored"),
            ("standard_withdrawn_next_day", date(2019, 4, 1), date(2025, 7, 1), "matched"),
            ("standard_not_yet_published", date(2025, 7, 5), None, "ignored"),
        )
    ):
        enterprise = draft.take()
        one = Standard(f"GB/T 9998{number}-2019", enterprise.name, "national", "lead", published_on, withdrawn_on)
        draft.put(with_local(enterprise, standards=(one,)))
        _plant_standard(draft, kind, enterprise, one, expect, "standard_dates")
    enterprise = draft.take_with(lambda e: "（" in e.name)
    one = Standard("SJ/T 99990-2024", enterprise.name, "industry", "lead", date(2024, 2, 2))
    again = one._replace(drafter_name=with_half_width_brackets(enterprise.name), role="join")
    draft.put(with_local(enterprise, standards=(one, again)))
    _plant_standard(draft, "drafter_printed_twice", enterprise, again, "matched", "counted_once")


def _plant_standard(draft: Draft, kind: str, who: Enterprise, one: Standard, expect: str, reason: str) -> None:
    record: Record = {"standard_no": one.standard_no, "drafter_name": one.drafter_name}
    draft.plant(kind, _STANDARDS, record, expect, reason, who.uscc)


def plant_contests(draft: Draft) -> None:
    """Hold contests just inside and outside two years; let a team win before its company existed, and one unknown."""

    def won(number: int, name: str, held_on: date) -> ContestResult:
        return ContestResult(f"DS-998{number}-0", "创新创业大赛（样例）", "provincial", "contest", "1", name, held_on)

    for number, (kind, held_on, expect) in enumerate(
        (
            ("contest_two_years_old", date(2023, 6, 30), "ignored"),
            ("contest_within_two_years", date(2023, 7, 1), "matched"),
        )
    ):
        enterprise = draft.take_with(lambda e: "（" in e.name)
        one = won(number, with_half_width_brackets(enterprise.name), held_on)
        draft.put(with_local(enterprise, results=(one,)))
        draft.plant(kind, _CONTESTS, one._asdict() | {"held_on": str(held_on)}, expect, "two_years", enterprise.uscc)
    company = draft.take(lambda e: e.founded_on > date(2024, 1, 1) and len(e.names) == 1 and not e.events)
    for number, kind, name, reason in (
        (2, "team_before_its_company", company.name, "not_yet_borne"),
        (3, "unknown_contestant", "星样例创业团队", "unknown"),
    ):
        record = won(number, name, date(2023, 11, 18))._asdict() | {"held_on": "2023-11-18"}
        draft.stray(kind, _CONTESTS, record, "unmatched", reason)


def plant_talents(draft: Draft) -> None:
    """End recognitions: run out the day before, on the day, left on the day; name an unknown employer."""
    for number, (kind, valid_to, left_on, expect) in enumerate(
        (
            ("talent_expired", date(2025, 6, 29), None, "ignored"),
            ("talent_valid_on_last_day", draft.as_of, None, "matched"),
            ("talent_left_on_as_of", None, draft.as_of, "ignored"),
        )
    ):
        enterprise = draft.take_with(_is_limited)
        name, since = in_long_form(enterprise.name), date(2022, 6, 1)
        one = Talent(f"RC-998{number}-0", "national", "国家级人才计划（样例）", name, since, valid_to, left_on)
        draft.put(with_local(enterprise, talents=(one,)))
        draft.plant(kind, _TALENTS, talent_record(one, draft.as_of), expect, "talent_dates", enterprise.uscc)
    unknown = Talent("RC-9989-0", "city", "市级人才计划（样例）", _UNKNOWN, date(2023, 5, 5), None)
    draft.stray("unknown_employer", _TALENTS, talent_record(unknown, draft.as_of), "unmatched", "unknown")


def plant_persons(draft: Draft) -> None:
    """Let the only doctor leave on the business date, stand on the earlier list alone, and stay."""
    for kind, change, expect in (
        ("person_left_on_as_of", {"left_on": draft.as_of}, "ignored"),
        ("person_on_earlier_list", {"last_listed": date(2025, 5, 31), "left_on": None}, "ignored"),
        ("person_leaves_next_day", {"left_on": date(2025, 7, 1), "last_listed": draft.as_of}, "matched"),
    ):
        enterprise = draft.take_with(lambda e: bool(e.local.persons))
        doctor = enterprise.local.persons[0]._replace(degree="doctor", is_postdoc=False)
        doctor = doctor._replace(**{"last_listed": draft.as_of, **change})  # type: ignore[arg-type]
        draft.put(with_local(enterprise, persons=(doctor,)))
        month = doctor.last_listed.isoformat()
        key: Record = {"人员标识": doctor.person_hash, "单位编号": enterprise.unit_no, "统计月份": month}
        draft.plant(kind, ("talent", "persons"), key, expect, "person_dates", enterprise.uscc)


RIGHTS_EDGES: Final = (
    plant_transfers,
    plant_lapses,
    plant_owners_of_software,
    plant_long_form_applicant,
    plant_standards,
    plant_contests,
    plant_talents,
    plant_persons,
)
