"""pandas: what is counted and summed of each enterprise, a series per indicator, and the wide frame of all of them."""

import pandas as pd
from pandas_values import Landed, Register, day, december, filings, name_key, of_year, ratio_pct, stage_numbers
from rules import MICRO

Series = dict[str, tuple[pd.Series, str]]
"""By indicator code: millionths by uscc, and the dataset whose coverage says what no record means."""


def _count(frame: pd.DataFrame) -> pd.Series:
    return frame.groupby("uscc").size() * MICRO


def patents(landed: Landed, register: Register) -> Series:
    """Inventions applied for in the year, and those held."""
    columns = ["application_no", "applicants", "ipc", "filed_on", "granted_on", "lapsed_on", "high_value_basis"]
    frame = landed.read("patent.applications", [*columns, "patent_type", "transferred_to", "transfer_recorded_on"])
    frame = frame[frame["patent_type"] == "发明"]
    is_valid = (frame["granted_on"] <= landed.as_of) & ~landed.is_gone(frame["lapsed_on"])
    is_moved = frame["transfer_recorded_on"] <= landed.as_of
    filed = register.owners(register.split(frame[landed.is_of_year(frame["filed_on"])]), "applicants", "filed_on")
    kept = register.owners(register.split(frame[is_valid & ~is_moved]), "applicants", "filed_on")
    moved = register.owners(frame[is_valid & is_moved], "transferred_to", "transfer_recorded_on")
    held = pd.concat([kept, moved]).sort_values("high_value_basis").drop_duplicates(["uscc", "application_no"])
    pct = landed.read("patent.pct_applications", ["international_no", "applicants", "ipc", "international_filed_on"])
    pct = register.split(pct[landed.is_of_year(pct["international_filed_on"])])
    pct = register.owners(pct, "applicants", "international_filed_on").rename(
        columns={"international_no": "application_no"}
    )
    return {
        "C05": (_related(filed, register), "patent.applications"),
        "C06": (_related(pct, register), "patent.pct_applications"),
        "L11": (_count(held), "patent.applications"),
        "L12": (_count(held[held["high_value_basis"].notna()]), "patent.applications"),
    }


def _related(filed: pd.DataFrame, register: Register) -> pd.Series:
    once = filed.sort_values("ipc").drop_duplicates(["uscc", "application_no"], keep="last")
    once = once.assign(ipc_subclass=once["ipc"].str.strip().str[:4].str.upper())
    return _count(once.merge(register.scopes.drop_duplicates(), on=["uscc", "ipc_subclass"]))


def by_name(landed: Landed, register: Register) -> Series:
    """Software, awards, standards and contests."""
    software = landed.read("patent.software_and_layouts", ["registration_no", "owner_name", "registered_on"])
    software = register.owners(software[software["registered_on"] <= landed.as_of], "owner_name", "registered_on")
    awards = landed.read("science.awards", ["award_no", "winner_name", "level", "award_year", "announced_on"])
    year = landed.ruleset.reporting_year
    is_counted = awards["award_year"].between(year - 1, year) & awards["level"].isin(["national", "provincial"])
    awards = register.owners(
        awards[is_counted & (awards["announced_on"] <= landed.as_of)], "winner_name", "announced_on"
    )
    standards = landed.read(
        "science.standards", ["standard_no", "drafter_name", "level", "published_on", "withdrawn_on"]
    )
    standards = standards[(standards["published_on"] <= landed.as_of) & ~landed.is_gone(standards["withdrawn_on"])]
    standards = register.owners(standards, "drafter_name", "published_on").drop_duplicates(["uscc", "standard_no"])
    standards = standards.assign(quantity=landed.quantity("L14", standards["level"]))
    return {
        "L13": (_count(software), "patent.software_and_layouts"),
        "C16": (_count(awards), "science.awards"),
        "L14": (standards.groupby("uscc")["quantity"].sum(), "science.standards"),
        **_contests(landed, register),
    }


def _contests(landed: Landed, register: Register) -> Series:
    results = landed.read(
        "science.contest_results", ["result_no", "level", "kind", "place", "contestant_name", "held_on"]
    )
    results = register.owners(results[landed.is_recent(results["held_on"])], "contestant_name", "held_on")
    results = results.assign(
        what=(results["level"] + "_" + results["place"]).mask(results["kind"] == "challenge", "challenge")
    )
    is_high = results["level"].isin(["national", "provincial"])
    best, local = results[is_high & (results["kind"] == "contest")], results[~is_high]
    return {
        "L17": (landed.quantity("L17", best["what"]).groupby(best["uscc"]).max(), "science.contest_results"),
        "L18": (landed.quantity("L18", local["what"]).groupby(local["uscc"]).sum(), "science.contest_results"),
    }


def people(landed: Landed, register: Register) -> Series:
    """Talents by their employer's name, persons by unit; only the newest list counts."""
    talents = landed.newest(
        "talent.talents", ["level", "employer_name", "recognised_on", "valid_to", "left_on"], ["talent_no", "month"]
    )
    talents = talents[talents["month"] == talents.loc[talents["month"] <= landed.as_of, "month"].max()]
    talents = talents[
        landed.is_valid(talents["recognised_on"], talents["valid_to"]) & ~landed.is_gone(talents["left_on"])
    ]
    talents = register.owners(talents, "employer_name", "recognised_on")
    leading, other = (
        talents[talents["level"].isin(levels)] for levels in (["national", "provincial"], ["city", "zone"])
    )
    columns = ["degree", "is_postdoc", "title_level", "skill_level", "joined_on", "left_on"]
    persons = landed.newest("talent.persons", columns, ["person_hash", "unit_no", "month"])
    persons = persons[persons["month"] == persons.loc[persons["month"] <= landed.as_of, "month"].max()]
    persons = persons[(persons["joined_on"] <= landed.as_of) & ~landed.is_gone(persons["left_on"])].merge(
        register.units, on="unit_no"
    )
    is_doctor = (persons["degree"] == "doctor") | persons["is_postdoc"]
    is_senior = (persons["title_level"] == "senior") | (persons["skill_level"] == "senior_technician")
    return {
        "L01": (landed.quantity("L01", leading["level"]).groupby(leading["uscc"]).sum(), "talent.talents"),
        "L02": (landed.quantity("L02", other["level"]).groupby(other["uscc"]).sum(), "talent.talents"),
        "L03": (_count(persons[is_doctor].drop_duplicates(["uscc", "person_hash"])), "talent.persons"),
        "L04": (_count(persons[is_senior].drop_duplicates(["uscc", "person_hash"])), "talent.persons"),
    }


def recognised(landed: Landed) -> Series:
    """What the science bureau registers by code."""
    year = landed.ruleset.reporting_year
    platforms = landed.read("science.platforms", ["uscc", "level", "kind", "recognised_on", "valid_to"])
    platforms = platforms[landed.is_valid(platforms["recognised_on"], platforms["valid_to"])]
    is_station = platforms["kind"].str.endswith("_station")
    is_high = platforms["level"].isin(["national", "provincial"])
    recent = platforms[is_high & landed.is_recent(platforms["recognised_on"])]
    levels = {"L06": "national", "L07": "provincial", "L08": "municipal"}
    counted = {code: _count(platforms[(platforms["level"] == level) & ~is_station]) for code, level in levels.items()}
    counted |= {"C15": _count(recent), "L09": _count(platforms[is_station])}
    projects = landed.read("science.projects", ["uscc", "level", "approved_on"])
    in_years = projects["approved_on"].between(day(year - 1, 1, 1), day(year, 12, 31))
    projects = projects[in_years & projects["level"].isin(["national", "provincial"])]
    money = landed.read("science.venture_investments", ["uscc", "paid_in_cny", "paid_in_on"])
    contracts = landed.read("science.technology_contracts", ["seller_uscc", "turnover_cny", "registered_on", "status"])
    contracts = contracts[landed.is_of_year(contracts["registered_on"]) & (contracts["status"] == "registered")]
    cooperations = landed.read("science.cooperations", ["uscc", "started_on", "ended_on"])
    products = landed.read("science.recognised_products", ["uscc", "recognised_on", "valid_to"])
    titles = landed.read("science.titles", ["uscc", "title", "issued_on", "valid_to", "revoked_on"])
    titles = titles[landed.is_valid(titles["issued_on"], titles["valid_to"]) & ~landed.is_gone(titles["revoked_on"])]
    return {
        **{code: (series, "science.platforms") for code, series in counted.items()},
        "C17": (_count(projects), "science.projects"),
        # Fen are millionths of 万元.
        "C18": (
            money[landed.is_of_year(money["paid_in_on"])].groupby("uscc")["paid_in_cny"].sum(),
            "science.venture_investments",
        ),
        "C07": (contracts.groupby("seller_uscc")["turnover_cny"].sum(), "science.technology_contracts"),
        "L10": (
            _count(cooperations[landed.is_valid(cooperations["started_on"], cooperations["ended_on"])]),
            "science.cooperations",
        ),
        "L15": (
            _count(products[landed.is_valid(products["recognised_on"], products["valid_to"])]),
            "science.recognised_products",
        ),
        "L16": (landed.quantity("L16", titles["title"]).groupby(titles["uscc"]).max(), "science.titles"),
    }


def credit(landed: Landed, register: Register) -> tuple[Series, pd.Series]:
    """Active events by kind; and the newest grade of each enterprise, which is of no dataset that covers everybody."""
    codes = pd.concat([register.codes, register.codes.str[8:17], register.codes.str[2:8] + register.codes.str[8:17]])
    known = pd.DataFrame({"code": codes, "uscc": pd.concat([register.codes] * 3)})
    known = known[~known["code"].duplicated(keep=False)]
    named = register.names[["name_key", "uscc"]].drop_duplicates()
    named = named[~named["name_key"].duplicated(keep=False)]

    def identified(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.rename(columns={"uscc": "code"})
        unnamed = frame[frame["code"].isna()]
        by_name = unnamed.assign(name_key=name_key(unnamed["enterprise_name"])).merge(named, on="name_key")
        return pd.concat([frame.dropna(subset="code").merge(known, on="code"), by_name])

    columns = ["uscc", "enterprise_name", "batch_month", "grade"]
    grades = landed.newest("credit.evaluations", columns, ["evaluation_no"], ["updated_at"])
    grades = (
        identified(grades[grades["batch_month"] <= landed.as_of])
        .sort_values("batch_month")
        .drop_duplicates("uscc", keep="last")
    )
    columns = ["uscc", "enterprise_name", "event_type", "severity", "decided_on", "publicity_end_on", "removed_on"]
    events = landed.newest("credit.events", columns, ["event_no"], ["updated_at"])
    repairs = landed.newest("credit.repairs", ["event_no", "decided_on", "result"], ["repair_no"], ["updated_at"])
    repaired = repairs.loc[(repairs["result"] == "granted") & (repairs["decided_on"] <= landed.as_of), "event_no"]
    is_active = landed.is_valid(events["decided_on"], events["publicity_end_on"]) & ~landed.is_gone(
        events["removed_on"]
    )
    active = identified(events[is_active & ~events["event_no"].isin(repaired)])
    penalties = active[active["event_type"] == "administrative_penalty"]
    quantities = landed.quantity("L22", penalties["severity"].fillna("unstated"))
    found: Series = {
        "L21": (
            _count(active[active["event_type"].isin(["serious_dishonesty", "judgment_defaulter"])]),
            "credit.events",
        ),
        "L22": (quantities.groupby(penalties["uscc"]).sum(), "credit.events"),
    }
    return found, landed.quantity("L19", grades.set_index("uscc")["grade"])


def measure(landed: Landed) -> pd.DataFrame:
    """The wide frame: millionths per code, `u_` where not defined, `has_` for records of partial datasets."""
    register, year = Register(landed), landed.ruleset.reporting_year
    supply = landed.read("pipeline.supply", ["source", "dataset", "is_supplied", "coverage"])
    is_whole = supply["is_supplied"] & (supply["coverage"] == "full")
    whole = set((supply["source"] + "." + supply["dataset"])[is_whole])
    wide = register.eligible.copy()
    events, grades = credit(landed, register)
    deductions = landed.read(
        "tax.rd_deductions", ["uscc", "fiscal_year", "filed_on", "additional_deduction_cny", "income_tax_rate_pct"]
    )
    deductions = deductions[(deductions["fiscal_year"] == year) & (deductions["filed_on"] <= landed.as_of)]
    deductions = deductions.sort_values("filed_on").drop_duplicates("uscc", keep="last").set_index("uscc")
    # Fen x hundredths of a percent: a millionth of 万元 is ten thousand of them.
    product = deductions["additional_deduction_cny"] * deductions["income_tax_rate_pct"]
    relief = (product + 5_000) // 10_000
    counted = {
        **patents(landed, register),
        **by_name(landed, register),
        **people(landed, register),
        **recognised(landed),
        **events,
        "C12": (relief, "tax.rd_deductions"),
    }
    for code, (series, dataset) in counted.items():
        wide[code] = series.astype("Int64")
        if dataset in whole:
            is_known = ~wide.index.isin(list(register.refused.get(dataset, ())))
            wide[code] = wide[code].mask(wide[code].isna() & is_known, 0)
    wide["L19"] = grades
    tax_grades = landed.read("tax.credit_grades", ["uscc", "evaluation_year", "grade", "published_on"])
    tax_grades = tax_grades[tax_grades["published_on"] <= landed.as_of].sort_values(["evaluation_year", "published_on"])
    wide["L20"] = landed.quantity("L20", tax_grades.drop_duplicates("uscc", keep="last").set_index("uscc")["grade"])
    wide["has_credit.evaluations_0"], wide["has_tax.credit_grades_0"] = wide["L19"].notna(), wide["L20"].notna()
    has_scope = wide.index.isin(register.scopes["uscc"])
    wide["has_science.business_scopes_0"] = has_scope
    wide["C05"], wide["C06"] = wide["C05"].where(has_scope), wide["C06"].where(has_scope)
    return _ratios(landed, register, wide)


def _ratios(landed: Landed, register: Register, wide: pd.DataFrame) -> pd.DataFrame:
    year = landed.ruleset.reporting_year
    filed, staff = filings(landed), december(landed, register)
    for back in (0, 1):
        wide[f"has_tax.statements_{back}"] = wide.index.isin(of_year(filed, year - back).index)
        wide[f"has_talent.headcounts_{back}"] = wide.index.isin(of_year(staff, year - back).index)
    now, before = (of_year(filed, y).reindex(wide.index) for y in (year, year - 1))
    heads, heads_before = (of_year(staff, y).reindex(wide.index) for y in (year, year - 1))
    torch = landed.read(
        "science.torch_reports", ["uscc", "fiscal_year", "high_tech_product_revenue_cny", "reported_on"]
    )
    torch = torch[
        (torch["fiscal_year"] == year) & (torch["reported_on"].isna() | (torch["reported_on"] <= landed.as_of))
    ].set_index("uscc")
    wide["has_science.torch_reports_0"] = wide.index.isin(torch.index)
    rd, revenue, profit = now["rd_expense_cny"], now["operating_revenue_cny"], now["net_profit_cny"]
    rd_before, revenue_before = before["rd_expense_cny"], before["operating_revenue_cny"]
    sci_tech, sci_tech_before = heads["sci_tech_staff"], heads_before["sci_tech_staff"]
    wide["C01"], wide["C09"], wide["C08"] = rd, revenue, torch["high_tech_product_revenue_cny"]
    wide["C14"] = heads["new_graduates"] * MICRO
    is_young = wide["founded_on"] > pd.Timestamp(landed.ruleset.young_after)
    for code, above, below, said, can_be_young in (
        ("C02", rd - rd_before, rd_before, rd, True),
        ("C03", rd, revenue, rd, False),
        ("C04", sci_tech, heads["staff_total"], sci_tech, False),
        ("C10", revenue - revenue_before, revenue_before, revenue, True),
        ("C11", heads["master_or_above"], heads["staff_total"], heads["master_or_above"], False),
        ("C13", profit, now["net_assets_cny"], profit, False),
        ("L05", sci_tech - sci_tech_before, sci_tech_before, sci_tech, True),
    ):
        is_undefined = (said.notna() & (below <= 0)).fillna(False).astype(bool)
        wide[f"u_{code}"] = is_undefined | is_young if can_be_young else is_undefined
        wide[code] = ratio_pct(above, below).mask(wide[f"u_{code}"])
    wide["stage_no"] = stage_numbers(landed.ruleset, wide["founded_on"], revenue)
    return wide
