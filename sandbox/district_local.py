"""The district's local facts, added to enterprises that are made already: each topic by a stream of its own."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sandbox import district_results as made
from sandbox.codes import registration_number
from sandbox.district_crosschecks import crosschecked
from sandbox.district_finance import day_between
from sandbox.district_works import LAST_DAY
from sandbox.draft import Draft
from sandbox.model import Application, Enterprise, Registration

_FIRST_RECORD: Final = 500_001


def _unsure(draft: Draft) -> tuple[set[str], set[str]]:
    """Return the enterprises that shared a name once, and those whose unit number another claims.

    A filing about these by name or number is ambiguous, so nothing more of that kind is filed.
    """
    by_name = {uscc for p in draft.planted if p.kind == "name_held_by_two" for uscc in p.usccs}
    by_unit = {uscc for p in draft.planted if p.kind == "number_claimed_by_two" for uscc in p.usccs}
    return by_name, by_unit


def add_local_facts(draft: Draft) -> None:
    """Add to every enterprise what the local indicators and the cross-checks rest on.

    It comes after the planted faults of the statements and the register, so that no figure contradicts another but
    where that is planted in turn.
    """
    unsure_by_name, unsure_by_unit = _unsure(draft)
    stream = draft.stream
    found: list[Registration] = []
    for number, enterprise in enumerate(list(draft.enterprises.values())):
        is_old = enterprise.uscc.startswith("91") and enterprise.founded_on.year < 2015
        coded = replace(enterprise, registration_no=registration_number(number) if is_old else None)
        fuller = crosschecked(draft, number, draft.drawn(coded, number, made.CODED))
        if enterprise.uscc not in unsure_by_name:
            fuller = draft.drawn(fuller, number, made.NAMED)
            found += made.registrations(stream("software", number), number, enterprise)
        if enterprise.uscc not in unsure_by_unit:
            fuller = replace(fuller, persons=tuple(made.persons(stream("persons", number), number, fuller)))
        draft.put(fuller)
    found.sort(key=lambda one: (one.registered_on, one.registration_no))
    draft.registrations = [one._replace(record_no=_FIRST_RECORD + 3 * place) for place, one in enumerate(found)]
    draft.patents = [made.legal_state(stream("legal_state", one.record_no), one) for one in draft.patents]
    buyers = [e for e in draft.enterprises.values() if e.uscc not in unsure_by_name]
    draft.patents = [_transferred(stream("transfers", one.record_no), one, buyers) for one in draft.patents]


def _transferred(rng: random.Random, one: Application, buyers: Sequence[Enterprise]) -> Application:
    """Draw a recorded transfer within the district for one granted invention in ten."""
    if one.granted_on is None or one.patent_type != "发明" or not one.sending.is_usable or rng.random() > 0.1:
        return one
    recorded_on = day_between(rng, one.granted_on, LAST_DAY)
    buyer = rng.choice(buyers)
    if buyer.founded_on > recorded_on or buyer.uscc in one.owners:
        return one
    return one._replace(transferred_to=buyer.name_on(recorded_on), holder=buyer.uscc, transfer_recorded_on=recorded_on)
