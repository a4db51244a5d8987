"""Planted faults and edges of names and numbers of identity: who is meant by a text, on which day."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from sandbox.draft import Draft
from sandbox.model import Application, Award, CreditEvent, Enterprise, Name, Record, Stray
from sandbox.names import in_full_width, with_blanks, with_half_width_brackets
from sandbox.wire import event_record, patent_record, pct_record

_PATENTS: Final = ("patent", "applications")
_PCTS: Final = ("patent", "pct_applications")
_AWARDS: Final = ("science", "awards")
_EVENTS: Final = ("credit", "events")
_FILED_ON: Final = date(2024, 9, 12)
_OUTSIDER: Final = "外地样例大学"

FORMULA_NAME: Final = "=1+2有限公司"
SCRIPT_NAME: Final = "<script>alert(1)</script>公司"


def add_patent(
    draft: Draft, applicants: str, owners: tuple[Enterprise, ...], filed_on: date = _FILED_ON
) -> Application:
    """Add an invention application of the year; classified within the first owner's business, so that it counts."""
    record_no = draft.next_patent_no()
    subclass = owners[0].scopes[0] if owners else "G06F"
    application = Application(
        record_no=record_no,
        number=f"CN{filed_on.year}18{record_no}",
        applicants=applicants,
        owners=tuple(owner.uscc for owner in owners),
        patent_type="发明",
        ipc=f"{subclass} 3/14",
        filed_on=filed_on,
    )
    draft.patents.append(application)
    return application


def _pct(draft: Draft, applicants: str, owners: tuple[Enterprise, ...]) -> Application:
    record_no = draft.next_pct_no()
    subclass = owners[0].scopes[0] if owners else "H04W"
    number = f"PCT/CN{_FILED_ON.year}/8{record_no}"
    usccs = tuple(owner.uscc for owner in owners)
    application = Application(record_no, number, applicants, usccs, "PCT", f"{subclass} 7/02", _FILED_ON)
    draft.pcts.append(application)
    return application


def plant_patent(draft: Draft, kind: str, application: Application, expect: str, reason: str) -> None:
    """Note an application as planted, with all whom it concerns."""
    draft.plant(kind, _PATENTS, patent_record(application), expect, reason, next(iter(application.owners), None))
    draft.planted[-1] = replace(draft.planted[-1], usccs=application.owners)


def plant_written_variants(draft: Draft) -> None:
    """Write names as clerks do: other brackets, full-width letters, blanks; all of them the same name."""
    bracketed = draft.take_with(lambda e: "（" in e.name)
    application = add_patent(draft, with_half_width_brackets(bracketed.name), (bracketed,))
    plant_patent(draft, "half_width_brackets", application, "matched", "normalised_name")
    lettered = draft.take_with(lambda e: "Qx" in e.name)
    application = add_patent(draft, in_full_width(lettered.name), (lettered,))
    plant_patent(draft, "full_width_letters", application, "matched", "normalised_name")
    plain = draft.take()
    application = add_patent(draft, with_blanks(plain.name), (plain,))
    plant_patent(draft, "blanks_in_name", application, "matched", "normalised_name")
    upper = draft.take_with(lambda e: "Qx" in e.name)
    pct = _pct(draft, upper.name.upper(), (upper,))
    draft.plant("upper_case_letters", _PCTS, pct_record(pct), "matched", "normalised_name", upper.uscc)


def _renamed_in_2024(enterprise: Enterprise) -> bool:
    names = enterprise.names
    latest = names[-1].valid_from
    return len(names) == 2 and date(2024, 2, 1) < latest < date(2024, 11, 1) and bool(enterprise.scopes)


def plant_former_names(draft: Draft) -> None:
    """Use a former name while it was borne (matched) and after it ended (nobody bears it then)."""
    enterprise = draft.take(_renamed_in_2024)
    last_day = enterprise.names[1].valid_from - timedelta(days=1)
    application = add_patent(draft, enterprise.names[0].text, (enterprise,), last_day)
    plant_patent(draft, "former_name_on_its_last_day", application, "matched", "name_valid_at_filing")
    enterprise = draft.take(_renamed_in_2024)
    application = add_patent(draft, enterprise.names[0].text, (), date(2024, 12, 20))
    plant_patent(draft, "former_name_after_its_end", application, "unmatched", "no_longer_borne")
    enterprise = draft.take(_renamed_in_2024)
    award = Award("JL-9999-1", enterprise.names[0].text, "provincial", 2024, date(2024, 1, 15))
    draft.put(replace(enterprise, awards=(award,)))
    draft.plant("award_under_former_name", _AWARDS, award_row(award), "matched", "name_valid_at_award", enterprise.uscc)


def award_row(award: Award) -> Record:
    """Write an award as a row of the bureau's register."""
    return {**award._asdict(), "announced_on": award.announced_on.isoformat()}


def plant_unknown_names(draft: Draft) -> None:
    """Name applicants, winners and offenders that are in nobody's register."""
    for name in ("惠州无名样例科技有限公司", "INVENTED EXAMPLE CO., LTD."):
        plant_patent(draft, "unknown_applicant", add_patent(draft, name, ()), "unmatched", "unknown")
    pct = _pct(draft, "惠州无名样例科技有限公司", ())
    draft.plant("unknown_applicant", _PCTS, pct_record(pct), "unmatched", "unknown")
    award = Award("JL-9999-2", _OUTSIDER, "national", 2024, date(2024, 10, 10))
    draft.stray("unknown_winner", _AWARDS, award_row(award), "unmatched", "unknown")
    event = _event("SJ-2025-9901", None, "惠州无名样例科技有限公司")
    draft.stray("unknown_name", _EVENTS, event_record(event), "unmatched", "unknown")


def plant_shared_name(draft: Draft) -> None:
    """Let two enterprises bear one name at a time: a filing of that time is nobody's for sure, a later one is."""

    def is_silent(enterprise: Enterprise) -> bool:
        owned = any(enterprise.uscc in application.owners for application in (*draft.patents, *draft.pcts))
        return not owned and not enterprise.awards

    bearer = draft.take_with(is_silent)
    twin = draft.take_with(is_silent)
    first, ended_on = bearer.founded_on.replace(year=2018, day=1), date(2024, 6, 30)
    history = (Name(bearer.name, max(first, twin.founded_on), ended_on), Name(twin.name, date(2024, 7, 1)))
    draft.put(replace(twin, names=history))
    application = add_patent(draft, bearer.name, (), date(2024, 5, 6))
    plant_patent(draft, "name_held_by_two", application, "unmatched", "ambiguous")
    draft.planted[-1] = replace(draft.planted[-1], usccs=(bearer.uscc, twin.uscc))
    application = add_patent(draft, bearer.name, (bearer,), date(2024, 8, 8))
    plant_patent(draft, "name_held_by_one_again", application, "matched", "name_valid_at_filing")


def plant_joint_applicants(draft: Draft) -> None:
    """File together: two of the district, one with an outside university, one enterprise written twice."""
    first, second = draft.take(), draft.take()
    # Both must have declared the subclass for the patent to count for both, in full.
    subclass = first.scopes[0]
    draft.put(replace(second, scopes=tuple(sorted({*second.scopes, subclass}))))
    application = add_patent(draft, f"{first.name}；{second.name}", (first, second))
    plant_patent(draft, "joint_applicants", application, "matched", "each_in_full")
    application = add_patent(draft, f"{first.name}; {second.name}", (first, second), date(2024, 10, 9))
    plant_patent(draft, "joint_applicants_half_width", application, "matched", "each_in_full")
    third = draft.take()
    application = add_patent(draft, f"{_OUTSIDER}；{third.name}", (third,))
    plant_patent(draft, "joint_with_outsider", application, "matched", "each_in_full")
    plant_patent(draft, "outsider_of_joint_applicants", application._replace(owners=()), "unmatched", "unknown")
    fourth = draft.take_with(lambda e: "（" in e.name)
    written = f"{fourth.name}；{with_half_width_brackets(fourth.name)}"
    plant_patent(draft, "joint_with_itself", add_patent(draft, written, (fourth,)), "matched", "counted_once")


def plant_spoilt_applications(draft: Draft) -> None:
    """Spoil patent records: a kind that does not exist, no applicants, a day that is not in the calendar."""
    for kind, reason, wire in (
        ("outside_allowed_set", "not_in_values", {"type": "植物新品种"}),
        ("missing_key", "required_missing", {"applicants": None}),
        ("impossible_date", "type_mismatch", {"filedOn": "2024-02-30"}),
    ):
        enterprise = draft.take()
        application = add_patent(draft, enterprise.name, ())
        sending = application.sending
        sending = replace(sending, wire=tuple(wire.items()), is_usable=False)
        draft.patents[-1] = application._replace(sending=sending)
        plant_patent(draft, kind, draft.patents[-1], "quarantined", reason)


def _event(event_no: str, uscc: str | None, name: str) -> CreditEvent:
    return CreditEvent(
        event_no=event_no,
        uscc=uscc,
        name=name,
        event_type="administrative_penalty",
        severity="general",
        decided_on=date(2025, 3, 3),
        publicity_end_on=date(2026, 3, 3),
        removed_on=None,
        updated_at="2025-03-05T09:00:00+08:00",
    )


def plant_event_names(draft: Draft) -> None:
    """Key credit events by name alone, by a name with other brackets, and by a code beside an outdated name."""
    enterprise = draft.take()
    event = _event("SJ-2025-9902", None, enterprise.name)
    draft.put(replace(enterprise, events=(event,)))
    draft.plant("event_by_name_alone", _EVENTS, event_record(event), "matched", "exact_name", enterprise.uscc)
    enterprise = draft.take_with(lambda e: "（" in e.name)
    event = _event("SJ-2025-9903", None, with_half_width_brackets(enterprise.name))
    draft.put(replace(enterprise, events=(event,)))
    draft.plant("event_by_name_alone", _EVENTS, event_record(event), "matched", "normalised_name", enterprise.uscc)
    enterprise = draft.take(lambda e: len(e.names) == 2 and not e.events)
    event = _event("SJ-2025-9904", enterprise.uscc, enterprise.names[0].text)
    draft.put(replace(enterprise, events=(event,)))
    draft.plant("event_by_code_old_name", _EVENTS, event_record(event), "matched", "code_wins", enterprise.uscc)


def plant_unit_numbers(draft: Draft) -> None:
    """Report head counts of a unit nobody knows, and of a number that two enterprises claim under two schemes."""
    unknown: Record = {"单位编号": "0075299999999", "单位名称": "惠州无名样例科技有限公司"}
    row: Record = {"统计月份": "2024-12-31", "职工人数": 40, "科技人员数": 9, "硕士及以上人数": 2, "博士及以上人数": 0}
    row |= {"当年应届毕业生人数": 1, "技术人员数": 9, "科技人员占比": "22.50"}
    draft.stray("unknown_unit_number", ("talent", "headcounts"), {**unknown, **row}, "unmatched", "unknown")
    owner, claimant = draft.take(), draft.take()
    identifier: Record = {"uscc": claimant.uscc, "scheme": "old_unit_no", "identifier": owner.unit_no}
    draft.strays.append(Stray("science", "enterprise_identifiers", identifier))
    # Nothing filed under the number can be told apart any more, so the owner's people are unknown.
    rows = tuple(row._replace(sending=replace(row.sending, is_usable=False)) for row in owner.headcounts)
    draft.put(replace(owner, headcounts=rows))
    claimed: Record = {"单位编号": owner.unit_no, "统计月份": "2024-12-31"}
    draft.plant("number_claimed_by_two", ("talent", "headcounts"), claimed, "unmatched", "ambiguous", owner.uscc)
    draft.planted[-1] = replace(draft.planted[-1], usccs=(owner.uscc, claimant.uscc))


def plant_hostile_names(draft: Draft) -> None:
    """Name two enterprises so that a careless table or page would run the name instead of showing it."""
    for kind, text in (("name_is_a_formula", FORMULA_NAME), ("name_is_a_script", SCRIPT_NAME)):
        enterprise = draft.take_with(lambda e: any(consent.recipient == "bank_a" for consent in e.consents))
        names = (replace(enterprise.names[0], text=text),)
        draft.put(replace(enterprise, names=names, awards=()))
        for applications in (draft.patents, draft.pcts):
            applications[:] = [
                application._replace(applicants=text) if application.owners == (enterprise.uscc,) else application
                for application in applications
            ]
        record: Record = {"uscc": enterprise.uscc, "name": text}
        draft.plant(kind, ("science", "enterprises"), record, "matched", "text_is_text", enterprise.uscc)


NAME_FAULTS: Final = (
    plant_written_variants,
    plant_former_names,
    plant_unknown_names,
    plant_shared_name,
    plant_joint_applicants,
    plant_spoilt_applications,
    plant_event_names,
    plant_unit_numbers,
    plant_hostile_names,
)
