"""The district's truth: what was planted, and what a right pipeline must find in spite of it."""

import json
import re
from datetime import date
from decimal import Decimal

import pytest

from sandbox.district import generate
from sandbox.model import Name
from sandbox.truth import tell
from sandbox.truth_evidence import reporting_year

KINDS = set(
    re.findall(
        r"\w+",
        """
    invalid_check_character forbidden_letter_I forbidden_letter_O forbidden_letter_Z forbidden_letter_S
    forbidden_letter_V code_too_short old_taxpayer_number missing_code missing_key garbled_number
    outside_allowed_set negative_headcount absurd_headcount absurd_share part_over_whole identical_duplicate
    conflicting_key late_correction filed_after_as_of half_width_brackets full_width_letters blanks_in_name
    former_name_on_its_last_day former_name_after_its_end unknown_applicant unknown_winner unknown_name
    name_held_by_two joint_applicants joint_with_outsider joint_with_itself unknown_unit_number
    number_claimed_by_two missing_december no_filing_of_last_year no_prior_filing blank_value real_zero_rd
    real_zero_scientists zero_staff zero_revenue zero_base negative_base negative_net_assets zero_net_assets
    young_firm founded_on_first_young_day founded_on_last_old_day revenue_20_million revenue_200_million
    platform_expired platform_two_years_old award_too_old withdrawn_contract cancelled_enterprise revoked_enterprise
    moved_out_enterprise joins_next_day left_the_zone consent_withdrawn consent_expired consent_not_yet_valid
    consent_other_bank_only consent_renewed consent_not_eligible event_active event_removed event_publicity_over
    event_by_name_alone name_is_a_formula name_is_a_script branch absorption_in_2024 absorption_in_2023 split_in_2024
    new_set_merger_in_2024 incorporation_in_2023 state_cancelled state_restored state_cancelled_next_day
    state_cancelled_on_as_of state_left_the_zone state_joined transferred_in transferred_within transfer_not_recorded
    transfer_recorded_too_late transfer_recorded_on_as_of transferred_out transferred_after_absorption lapsed_patent
    lapsed_on_as_of lapses_next_day limited_liability_in_full unknown_owner standard_withdrawn
    standard_withdrawn_next_day standard_not_yet_published drafter_printed_twice contest_two_years_old
    contest_within_two_years team_before_its_company unknown_contestant talent_expired talent_valid_on_last_day
    talent_left_on_as_of unknown_employer person_left_on_as_of person_on_earlier_list person_leaves_next_day
    title_expired title_valid_on_last_day title_revoked_on_as_of title_revoked_next_day cooperation_ends product_ends
    grade_reviewed grade_reviewed_too_late grade_of_an_earlier_year grade_published_too_late grade_by_name_alone
    event_repaired event_repaired_on_as_of event_repaired_too_late repair_refused organisation_code_with_hyphen
    organisation_code severity_not_stated letters_typed_for_digits letter_beyond_repair rd_calibers_reversed
    relief_does_not_follow vat_sales_far_off insured_far_off vat_return_corrected repair_unread arrears
    branch_of_a_branch absorbed_in_a_chain
    """,
    )
)


@pytest.fixture(scope="module")
def district():
    return generate()


@pytest.fixture(scope="module")
def truth(district):
    return json.loads(json.dumps(tell(district)))


def planted(truth, kind):
    return [entry for entry in truth["planted"] if entry["kind"] == kind]


def test_every_kind_of_fault_is_planted(truth):
    assert KINDS - {entry["kind"] for entry in truth["planted"]} == set()


def test_a_planted_record_is_named_by_its_key_as_sent(truth):
    for entry in truth["planted"]:
        assert entry["record"]
        assert entry["sent"]
        if entry["expect"] == "quarantined" and entry["reason"] != "required_missing":
            assert None not in entry["record"].values(), entry["kind"]


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("zero_base", "C02", "not_defined"),
        ("negative_base", "C10", "not_defined"),
        ("young_firm", "C02", "not_defined"),
        ("founded_on_first_young_day", "C10", "not_defined"),
        ("founded_on_last_old_day", "C10", "supplied"),
        ("negative_net_assets", "C13", "not_defined"),
        ("zero_net_assets", "C13", "not_defined"),
        ("zero_revenue", "C03", "not_defined"),
        ("zero_staff", "C04", "not_defined"),
        ("no_filing_of_last_year", "C01", "record_not_supplied"),
        ("no_filing_of_last_year", "C02", "record_not_supplied"),
        ("no_prior_filing", "C10", "record_not_supplied"),
        ("negative_headcount", "C11", "value_not_supplied"),
        ("absurd_headcount", "C04", "value_not_supplied"),
        ("part_over_whole", "C14", "record_not_supplied"),
        ("missing_december", "C14", "record_not_supplied"),
        ("number_claimed_by_two", "C04", "record_not_supplied"),
        ("real_zero_rd", "C01", "supplied"),
        ("no_claim", "C12", "supplied"),
        ("split_in_2024", "C02", "not_defined"),
        ("split_in_2024", "L05", "not_defined"),
        ("new_set_merger_in_2024", "C10", "not_defined"),
        ("incorporation_in_2023", "C10", "not_defined"),
        ("absorption_in_2023", "C10", "supplied"),
        ("grade_published_too_late", "L20", "record_not_supplied"),
    ],
)
def test_a_planted_edge_has_the_state_it_was_planted_for(truth, kind, code, status):
    for entry in planted(truth, kind):
        assert truth["statuses"][entry["uscc"]][code] == status


def test_a_real_zero_is_a_value_and_a_missing_one_is_none(truth):
    zero, absent = planted(truth, "real_zero_rd")[0]["uscc"], planted(truth, "no_filing_of_last_year")[0]["uscc"]
    assert truth["indicators"][zero]["C01"] == "0.000000"
    assert truth["indicators"][absent]["C01"] is None


def test_a_correction_filed_in_time_is_what_counts(truth):
    entry = planted(truth, "late_correction")[1]
    assert entry["expect"] == "matched"
    assert Decimal(truth["indicators"][entry["uscc"]]["C09"]) == (Decimal(entry["sent"]["yysr"]) / 10_000).quantize(
        Decimal("0.000001")
    )


def test_values_are_told_to_the_millionth(truth):
    for values in truth["indicators"].values():
        assert all(value is None or re.fullmatch(r"-?\d+\.\d{6}", value) for value in values.values())
        assert list(values) == [
            *(f"C{number:02d}" for number in range(1, 19)),
            *(f"L{number:02d}" for number in range(1, 23)),
        ]


def test_consents_that_hold_today_hold_on_any_later_day(district, truth):
    shares = {bank: len(consented) / 702 for bank, consented in truth["consented"].items()}
    assert 0.5 < shares["bank_a"] < 0.65
    assert 0.2 < shares["bank_b"] < 0.35
    for enterprise in district.enterprises:
        for consent in enterprise.consents:
            if consent.holds_on(district.as_of):
                assert (consent.valid_to, consent.withdrawn_on) == (None, None)


def test_an_eligible_enterprise_without_valid_consent_is_in_no_banks_list(truth):
    for kind in (
        "consent_withdrawn",
        "consent_expired",
        "consent_not_yet_valid",
        "consent_data_class",
        "consent_not_eligible",
    ):
        for entry in planted(truth, kind):
            renewed = entry["uscc"] in {other["uscc"] for other in planted(truth, "consent_renewed")}
            assert (entry["uscc"] in truth["consented"][entry["record"]["recipient"]]) == renewed


@pytest.mark.parametrize(("day", "year"), [("2025-05-31", 2023), ("2025-06-01", 2024), ("2025-06-30", 2024)])
def test_a_year_is_reported_once_its_returns_are_due(day, year):
    assert reporting_year(date.fromisoformat(day)) == year


def test_a_name_holds_on_its_first_and_last_day(district):
    name = Name("某", district.as_of, district.as_of)
    assert name.holds_on(district.as_of)
