"""polars: what is counted and summed of each enterprise, by indicator code, and the wide frame of all of them."""

from collections.abc import Mapping
from datetime import date

import polars as pl
from polars_values import (
    Landed,
    Register,
    applicants,
    fen,
    filings,
    heads,
    is_gone,
    is_valid,
    with_ratios,
)
from rules import AS_OF, MICRO

Counted = tuple[pl.LazyFrame, Mapping[str, str]]
"""One row per enterprise with a column of millionths for each code; of which dataset each code's coverage is."""


def _number(condition: pl.Expr | None = None) -> pl.Expr:
    """How many rows of a group, in millionths; null where there is none, which is not to say zero."""
    found = pl.len() if condition is None else condition.sum()
    return pl.when(found > 0).then(found.cast(pl.Int64) * MICRO)


def _any(condition: pl.Expr, amount: pl.Expr) -> pl.Expr:
    """The sum over the rows of a group that fulfil it; null where none does."""
    return pl.when(condition.any()).then(amount.filter(condition).sum())


def patents(landed: Landed, register: Register) -> list[Counted]:
    """Inventions applied for in the year, and those held."""
    every = landed.scan("patent.applications").filter(pl.col("patent_type") == "发明")
    is_held = (pl.col("granted_on") <= AS_OF) & ~is_gone("lapsed_on")
    is_moved = pl.col("transfer_recorded_on").is_not_null() & (pl.col("transfer_recorded_on") <= AS_OF)
    columns = ["application_no", "high_value_basis", "uscc"]
    kept = register.owners(applicants(every.filter(is_held & ~is_moved)), "applicants", "filed_on").select(columns)
    moved = register.owners(every.filter(is_held & is_moved), "transferred_to", "transfer_recorded_on").select(columns)
    held = pl.concat([kept, moved]).group_by("uscc", "application_no").agg(pl.col("high_value_basis").max())
    filed = register.owners(applicants(every.filter(landed.is_of_year("filed_on"))), "applicants", "filed_on")
    pct = landed.scan("patent.pct_applications").filter(landed.is_of_year("international_filed_on"))
    pct = register.owners(applicants(pct), "applicants", "international_filed_on").with_columns(
        application_no="international_no"
    )
    return [
        (_related(filed, register).rename({"n": "C05"}), {"C05": "patent.applications"}),
        (_related(pct, register).rename({"n": "C06"}), {"C06": "patent.pct_applications"}),
        (
            held.group_by("uscc").agg(L11=_number(), L12=_number(pl.col("high_value_basis").is_not_null())),
            {"L11": "patent.applications", "L12": "patent.applications"},
        ),
    ]


def _related(filed: pl.LazyFrame, register: Register) -> pl.LazyFrame:
    once = filed.group_by("uscc", "application_no").agg(pl.col("ipc").max())
    once = once.with_columns(ipc_subclass=pl.col("ipc").str.strip_chars().str.slice(0, 4).str.to_uppercase())
    return once.join(register.scopes.unique(), on=["uscc", "ipc_subclass"]).group_by("uscc").agg(n=_number())


def by_name(landed: Landed, register: Register) -> list[Counted]:
    """Software, awards, standards and contests."""
    year, high = landed.ruleset.reporting_year, ["national", "provincial"]
    software = landed.scan("patent.software_and_layouts").filter(pl.col("registered_on") <= AS_OF)
    awards = landed.scan("science.awards").filter(
        pl.col("award_year").is_between(year - 1, year)
        & pl.col("level").is_in(high)
        & (pl.col("announced_on") <= AS_OF)
    )
    standards = landed.scan("science.standards").filter((pl.col("published_on") <= AS_OF) & ~is_gone("withdrawn_on"))
    standards = register.owners(standards, "drafter_name", "published_on").unique(["uscc", "standard_no"])
    is_challenge = pl.col("kind") == "challenge"
    what = pl.when(is_challenge).then(pl.lit("challenge")).otherwise(pl.col("level") + "_" + pl.col("place"))
    results = landed.scan("science.contest_results").filter(landed.is_recent("held_on"))
    results = register.owners(results, "contestant_name", "held_on").with_columns(what=what)
    is_high = pl.col("level").is_in(high)
    best, local = is_high & ~is_challenge, ~is_high
    contests = results.with_columns(best=landed.quantity("L17", what), local=landed.quantity("L18", what))
    return [
        (
            register.owners(software, "owner_name", "registered_on").group_by("uscc").agg(L13=_number()),
            {"L13": "patent.software_and_layouts"},
        ),
        (
            register.owners(awards, "winner_name", "announced_on").group_by("uscc").agg(C16=_number()),
            {"C16": "science.awards"},
        ),
        (
            standards.group_by("uscc").agg(L14=landed.quantity("L14", pl.col("level")).sum()),
            {"L14": "science.standards"},
        ),
        (
            contests.group_by("uscc").agg(L17=pl.col("best").filter(best).max(), L18=_any(local, pl.col("local"))),
            {"L17": "science.contest_results", "L18": "science.contest_results"},
        ),
    ]


def people(landed: Landed, register: Register) -> list[Counted]:
    """Talents by their employer's name, persons by unit; only the newest list counts."""
    talents = landed.newest("talent.talents", ["talent_no", "month"]).filter(pl.col("month") <= AS_OF)
    talents = talents.filter(pl.col("month") == pl.col("month").max())
    talents = talents.filter(is_valid("recognised_on", "valid_to") & ~is_gone("left_on"))
    leading = pl.col("level").is_in(["national", "provincial"])
    worth = [landed.quantity(code, pl.col("level")).alias(code) for code in ("L01", "L02")]
    talents = register.owners(talents, "employer_name", "recognised_on").with_columns(worth)
    persons = landed.newest("talent.persons", ["person_hash", "unit_no", "month"]).filter(pl.col("month") <= AS_OF)
    persons = persons.filter(pl.col("month") == pl.col("month").max())
    persons = persons.filter((pl.col("joined_on") <= AS_OF) & ~is_gone("left_on")).join(register.units, on="unit_no")
    doctor = (pl.col("degree") == "doctor") | pl.col("is_postdoc")
    senior = (pl.col("title_level") == "senior") | (pl.col("skill_level") == "senior_technician")
    once = persons.group_by("uscc", "person_hash").agg(doctor=doctor.any(), senior=senior.any())
    return [
        (
            talents.group_by("uscc").agg(L01=_any(leading, pl.col("L01")), L02=_any(~leading, pl.col("L02"))),
            {"L01": "talent.talents", "L02": "talent.talents"},
        ),
        (
            once.group_by("uscc").agg(L03=_number(pl.col("doctor")), L04=_number(pl.col("senior"))),
            {"L03": "talent.persons", "L04": "talent.persons"},
        ),
    ]


def recognised(landed: Landed) -> list[Counted]:
    """What the science bureau registers by code."""
    year, high = landed.ruleset.reporting_year, pl.col("level").is_in(["national", "provincial"])
    is_station = pl.col("kind").str.ends_with("_station")
    levels = {"L06": "national", "L07": "provincial", "L08": "municipal"}
    platforms = landed.scan("science.platforms").filter(is_valid("recognised_on", "valid_to")).group_by("uscc")
    counted = {code: _number((pl.col("level") == level) & ~is_station) for code, level in levels.items()}
    counted |= {"L09": _number(is_station), "C15": _number(high & landed.is_recent("recognised_on"))}
    projects = landed.scan("science.projects").filter(
        high & pl.col("approved_on").is_between(date(year - 1, 1, 1), date(year, 12, 31))
    )
    money = landed.scan("science.venture_investments").filter(landed.is_of_year("paid_in_on"))
    contracts = landed.scan("science.technology_contracts").filter(
        landed.is_of_year("registered_on") & (pl.col("status") == "registered")
    )
    running = landed.scan("science.cooperations").filter(is_valid("started_on", "ended_on"))
    products = landed.scan("science.recognised_products").filter(is_valid("recognised_on", "valid_to"))
    titles = landed.scan("science.titles").filter(is_valid("issued_on", "valid_to") & ~is_gone("revoked_on"))
    return [
        (platforms.agg(**counted), dict.fromkeys(counted, "science.platforms")),
        (projects.group_by("uscc").agg(C17=_number()), {"C17": "science.projects"}),
        (money.group_by("uscc").agg(C18=fen("paid_in_cny").sum()), {"C18": "science.venture_investments"}),
        (
            contracts.group_by(uscc="seller_uscc").agg(C07=fen("turnover_cny").sum()),
            {"C07": "science.technology_contracts"},
        ),
        (running.group_by("uscc").agg(L10=_number()), {"L10": "science.cooperations"}),
        (products.group_by("uscc").agg(L15=_number()), {"L15": "science.recognised_products"}),
        (titles.group_by("uscc").agg(L16=landed.quantity("L16", pl.col("title")).max()), {"L16": "science.titles"}),
    ]


def credit(landed: Landed, register: Register) -> list[Counted]:
    """The newest grade, and active events by kind; by any code the office may use, or by name alone."""
    grades = landed.newest("credit.evaluations", ["evaluation_no"], ["updated_at"]).filter(
        pl.col("batch_month") <= AS_OF
    )
    grades = (
        register.identified(grades, ["batch_month", "grade"])
        .group_by("uscc")
        .agg(pl.col("grade").sort_by("batch_month").last())
    )
    repaired = landed.newest("credit.repairs", ["repair_no"], ["updated_at"]).filter(
        (pl.col("result") == "granted") & (pl.col("decided_on") <= AS_OF)
    )
    events = landed.newest("credit.events", ["event_no"], ["updated_at"])
    events = events.filter(is_valid("decided_on", "publicity_end_on") & ~is_gone("removed_on")).join(
        repaired, on="event_no", how="anti"
    )
    active = register.identified(events, ["event_type", "severity"])
    is_penalty = pl.col("event_type") == "administrative_penalty"
    worth = landed.quantity("L22", pl.col("severity").fill_null("unstated"))
    return [
        (grades.select("uscc", L19=landed.quantity("L19", pl.col("grade"))), {"L19": "credit.evaluations"}),
        (
            active.with_columns(worth=worth)
            .group_by("uscc")
            .agg(L21=_number(~is_penalty), L22=_any(is_penalty, pl.col("worth"))),
            {"L21": "credit.events", "L22": "credit.events"},
        ),
    ]


def taxed(landed: Landed) -> list[Counted]:
    """Relief of the newest claim, the newest grade, and the year's report to the statisticians."""
    year = landed.ruleset.reporting_year
    claims = landed.scan("tax.rd_deductions").filter((pl.col("fiscal_year") == year) & (pl.col("filed_on") <= AS_OF))
    # Fen x hundredths of a percent: a millionth of 万元 is ten thousand of them.
    relief = (fen("additional_deduction_cny") * fen("income_tax_rate_pct") + 5_000) // 10_000
    claims = (
        claims.select("uscc", "filed_on", C12=relief).group_by("uscc").agg(pl.col("C12").sort_by("filed_on").last())
    )
    grades = landed.scan("tax.credit_grades").filter(pl.col("published_on") <= AS_OF)
    grades = grades.group_by("uscc").agg(pl.col("grade").sort_by("evaluation_year", "published_on").last())
    torch = landed.scan("science.torch_reports").filter(
        (pl.col("fiscal_year") == year) & (pl.col("reported_on").is_null() | (pl.col("reported_on") <= AS_OF))
    )
    return [
        (claims, {"C12": "tax.rd_deductions"}),
        (grades.select("uscc", L20=landed.quantity("L20", pl.col("grade"))), {"L20": "tax.credit_grades"}),
        (
            torch.select(
                "uscc",
                pl.lit(value=True).alias("has_science.torch_reports_0"),
                C08=fen("high_tech_product_revenue_cny"),
            ),
            {},
        ),
    ]


def measure(landed: Landed) -> pl.LazyFrame:
    """The wide frame: millionths per code, `u_` where not defined, `has_` for records of partial datasets."""
    register = Register(landed)
    supply = landed.scan("pipeline.supply").collect()
    whole = {
        f"{row['source']}.{row['dataset']}"
        for row in supply.iter_rows(named=True)
        if row["is_supplied"] and row["coverage"] == "full"
    }
    counted = [
        *patents(landed, register),
        *by_name(landed, register),
        *people(landed, register),
        *recognised(landed),
        *credit(landed, register),
        *taxed(landed),
    ]
    wide = register.eligible
    for frame in (*(frame for frame, _ in counted), filings(landed), heads(landed, register)):
        wide = wide.join(frame, on="uscc", how="left")
    declared = (
        register.scopes.select("uscc").unique().with_columns(pl.lit(value=True).alias("has_science.business_scopes_0"))
    )
    wide = wide.join(declared, on="uscc", how="left")
    dataset_of = {code: dataset for _, datasets in counted for code, dataset in datasets.items()}
    touched = {dataset: group["uscc"].implode() for (dataset,), group in register.refused.group_by("dataset")}
    zeroes = [
        pl.when(pl.col(code).is_null() & ~pl.col("uscc").is_in(touched.get(dataset, [])))
        .then(0)
        .otherwise(pl.col(code))
        .alias(code)
        for code, dataset in dataset_of.items()
        if dataset in whole
    ]
    return with_ratios(landed, wide.with_columns(zeroes))
