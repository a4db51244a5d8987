"""The 22 local indicators of one enterprise of the district, worked out from the model alone."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from sandbox.district_people import LISTS
from sandbox.model import CreditEvent
from sandbox.truth_core import growth
from sandbox.truth_evidence import Evidence
from sandbox.truth_levels import QUANTITIES
from sandbox.truth_parts import (
    NOT_DEFINED,
    RECORD_NOT_SUPPLIED,
    VALUE_NOT_SUPPLIED,
    Finding,
    is_not_yet,
    is_valid,
    supplied,
    years_before,
)

_LISTS_OF_DISHONESTY: Final = ("serious_dishonesty", "judgment_defaulter")


def _sum(code: str, levels: Iterable[str]) -> Finding:
    """Add up the quantities of levels; a level that the indicator does not know is an error of the model."""
    return supplied(sum((QUANTITIES[code][level] for level in levels), Decimal(0)))


def _best(code: str, levels: Iterable[str]) -> Finding:
    return supplied(max((QUANTITIES[code][level] for level in levels), default=Decimal(0)))


def _from_talents(evidence: Evidence) -> dict[str, Finding]:
    """Work out L01 and L02 from recognitions that are good on the day, of those who have not left."""
    as_of = evidence.as_of
    levels = [
        one.level
        for one in evidence.each("talents")
        if is_valid(as_of, one.recognised_on, one.valid_to) and is_not_yet(as_of, one.left_on)
    ]
    return {code: _sum(code, [level for level in levels if level in QUANTITIES[code]]) for code in ("L01", "L02")}


def _from_persons(evidence: Evidence) -> dict[str, Finding]:
    """Work out L03 and L04 from the newest list: a person is one, however many units name it."""
    as_of = evidence.as_of
    newest = max(month for month in LISTS if month <= as_of)
    here = [
        one
        for one in evidence.each("persons")
        if one.last_listed >= newest and one.joined_on <= as_of and is_not_yet(as_of, one.left_on)
    ]
    doctors = {one.person_hash for one in here if one.degree == "doctor" or one.is_postdoc}
    seniors = {one.person_hash for one in here if one.title_level == "senior" or one.skill_level == "senior_technician"}
    return {"L03": supplied(len(doctors)), "L04": supplied(len(seniors))}


def _rd_staff_growth(evidence: Evidence) -> Finding:
    """Work out L05 from two Decembers, with those of whom the enterprise took over within the year."""
    december, before = evidence.people, evidence.prior_people
    now = december.sci_tech_staff if december else None
    rows = [
        next((row for row in e.headcounts if row.month.isoformat() == f"{evidence.year - 1}-12-31"), None)
        for e in evidence.predecessors
    ]
    known = [row if row is not None and row.sending.is_usable else None for row in rows]
    bases = [None if row is None else row.sci_tech_staff for row in (before, *known)]
    found = growth(evidence, now, bases)
    is_absent = december is None or before is None
    return Finding(None, RECORD_NOT_SUPPLIED) if is_absent and found.status != NOT_DEFINED else found


def _from_platforms(evidence: Evidence) -> dict[str, Finding]:
    """Work out L06 to L09: stations apart from the platforms of each level."""
    valid = [one for one in evidence.each("platforms") if is_valid(evidence.as_of, one.recognised_on, one.valid_to)]
    levels = [one.level for one in valid if not one.kind.endswith("_station")]
    stations = sum(one.kind.endswith("_station") for one in valid)
    counted = {"L06": "national", "L07": "provincial", "L08": "municipal"}
    return {**{code: supplied(levels.count(level)) for code, level in counted.items()}, "L09": supplied(stations)}


def _from_rights(evidence: Evidence) -> dict[str, Finding]:
    """Work out L11 to L13 from inventions held and software registered."""
    return {
        "L11": supplied(len(evidence.held)),
        "L12": supplied(sum(one.high_value_basis is not None for one in evidence.held)),
        "L13": supplied(sum(one.registered_on <= evidence.as_of for one in evidence.registrations)),
    }


def _from_recognitions(evidence: Evidence) -> dict[str, Finding]:
    """Work out L10 and L14 to L16 from what is recognised and in force."""
    as_of = evidence.as_of
    cooperations = sum(is_valid(as_of, one.started_on, one.ended_on) for one in evidence.each("cooperations"))
    # A standard that names an enterprise twice is one standard.
    standards = {
        one.standard_no: one.level
        for one in evidence.each("standards")
        if one.published_on <= as_of and is_not_yet(as_of, one.withdrawn_on)
    }
    products = sum(is_valid(as_of, one.recognised_on, one.valid_to) for one in evidence.each("products"))
    titles = [
        one.title
        for one in evidence.each("titles")
        if is_valid(as_of, one.issued_on, one.valid_to) and is_not_yet(as_of, one.revoked_on)
    ]
    return {
        "L10": supplied(cooperations),
        "L14": _sum("L14", standards.values()),
        "L15": supplied(products),
        "L16": _best("L16", titles),
    }


def _from_contests(evidence: Evidence) -> dict[str, Finding]:
    """Work out L17 (the best place of two years in the country or province) and L18 (all in the city and zone)."""
    as_of = evidence.as_of
    recent = [one for one in evidence.each("results") if years_before(as_of, 2) < one.held_on <= as_of]
    high = [
        f"{one.level}_{one.place}"
        for one in recent
        if one.level in ("national", "provincial") and one.kind == "contest"
    ]
    local = [
        "challenge" if one.kind == "challenge" else f"{one.level}_{one.place}"
        for one in recent
        if one.level in ("city", "zone")
    ]
    return {"L17": _best("L17", high), "L18": _sum("L18", local)}


def _grades(evidence: Evidence) -> dict[str, Finding]:
    """Work out L19 and L20 from the newest grade known on the day; who has none has no grade, not the worst."""
    as_of = evidence.as_of
    public = [one for one in evidence.enterprise.evaluations if one.batch_month <= as_of and one.sending.is_usable]
    tax = [one for one in evidence.enterprise.tax_grades if one.published_on <= as_of]
    found = dict.fromkeys(("L19", "L20"), Finding(None, RECORD_NOT_SUPPLIED))
    if public:
        found["L19"] = _sum("L19", [max(public, key=lambda one: one.batch_month).grade])
    if tax:
        found["L20"] = _sum("L20", [max(tax, key=lambda one: (one.evaluation_year, one.published_on)).grade])
    return found


def is_active(event: CreditEvent, evidence: Evidence) -> bool:
    """Tell whether an event is used on the day: decided, not removed, not past its publicity, not repaired."""
    as_of = evidence.as_of
    is_public = event.publicity_end_on is None or event.publicity_end_on >= as_of
    is_kept = is_not_yet(as_of, event.removed_on) and event.event_no not in evidence.repaired
    return event.sending.is_usable and event.decided_on <= as_of and is_public and is_kept


def _from_events(evidence: Evidence) -> dict[str, Finding]:
    """Work out L21 and L22 from the events that are used on the day; one that may be repaired leaves them unknown."""
    active = [event for event in evidence.each("events") if is_active(event, evidence)]
    penalties = [event for event in active if event.event_type == "administrative_penalty"]
    entries = [event for event in active if event.event_type in _LISTS_OF_DISHONESTY]
    found = {
        "L21": supplied(len(entries)),
        "L22": _sum("L22", [event.severity or "unstated" for event in penalties]),
    }
    for code, events in (("L21", entries), ("L22", penalties)):
        if any(event.event_no in evidence.doubted for event in events):
            found[code] = Finding(None, VALUE_NOT_SUPPLIED)
    return found


def local_findings(evidence: Evidence) -> dict[str, Finding]:
    """Return the 22 local indicators of one enterprise by code."""
    return {
        **_from_talents(evidence),
        **_from_persons(evidence),
        "L05": _rd_staff_growth(evidence),
        **_from_platforms(evidence),
        **_from_rights(evidence),
        **_from_recognitions(evidence),
        **_from_contests(evidence),
        **_grades(evidence),
        **_from_events(evidence),
    }
