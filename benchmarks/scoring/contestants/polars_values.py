"""polars: landed records, names and numbers, as lazy frames. Amounts are whole fen, values whole millionths."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rules import AS_OF, MICRO, Ruleset, months_before

BLANKS = (
    r"[\s\x{0B}\x{1C}-\x{1F}\x{85}\x{A0}\x{1680}\x{2000}-\x{200D}\x{2028}\x{2029}"
    r"\x{202F}\x{205F}\x{2060}\x{3000}\x{FEFF}]"
)
FULL_WIDTH = [chr(code) for code in range(0xFF01, 0xFF5F)]
HALF_WIDTH = [chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)]
CAP = 999_999_999_999 * MICRO


@dataclass(frozen=True)
class Landed:
    """The folder of records and the rule set."""

    inputs: Path
    ruleset: Ruleset

    def scan(self, address: str) -> pl.LazyFrame:
        """A dataset; what is not selected from it is not read."""
        return pl.scan_parquet(self.inputs / address.replace(".", "/") / "*.parquet", hive_partitioning=False)

    def newest(self, address: str, key: Sequence[str], newest_first: Sequence[str] = ()) -> pl.LazyFrame:
        """The newest delivery of each key, without those that it deletes."""
        order = [*newest_first, "_learned_on", "_batch", "_position"]
        found = self.scan(address).sort(order).unique(subset=list(key), keep="last", maintain_order=False)
        return found.filter(~pl.col("_deleted").fill_null(value=False))

    def quantity(self, code: str, level: pl.Expr) -> pl.Expr:
        """What each level counts, in millionths."""
        return level.replace_strict(self.ruleset.levels[code], default=None, return_dtype=pl.Int64)

    def is_recent(self, day: str) -> pl.Expr:
        """Within two years."""
        return (pl.col(day) > self.ruleset.two_years_before) & (pl.col(day) <= AS_OF)

    def is_of_year(self, day: str) -> pl.Expr:
        """Within the reporting year."""
        return pl.col(day).dt.year() == self.ruleset.reporting_year


def is_valid(starts: str, ends: str) -> pl.Expr:
    """Begun, and not yet over."""
    return (pl.col(starts) <= AS_OF) & (pl.col(ends).is_null() | (pl.col(ends) >= AS_OF))


def is_gone(ends: str) -> pl.Expr:
    """Ended on the day or before; what has no end is not."""
    return pl.col(ends).is_not_null() & (pl.col(ends) <= AS_OF)


def fen(column: str) -> pl.Expr:
    """An amount in yuan as whole fen, which are millionths of 万元."""
    return (pl.col(column) * 100).cast(pl.Int64)


def name_key(name: str) -> pl.Expr:
    """A name as it is compared."""
    bare = pl.col(name).str.replace_all(BLANKS, "")
    return bare.str.replace_many(FULL_WIDTH, HALF_WIDTH).str.to_uppercase()


def ratio_pct(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """A hundred times a / b in millionths, rounded half away from zero, by long division within 64 bits."""
    a, b = above.abs(), pl.when(below != 0).then(below.abs())
    whole, rest = pl.min_horizontal(a // b, pl.lit(10**10)), a % b * 10_000
    found = whole * (100 * MICRO) + rest // b * 10_000 + (rest % b * 20_000 + b) // (2 * b)
    return pl.when(b.is_not_null() & a.is_not_null()).then(
        above.sign() * below.sign() * pl.min_horizontal(found, pl.lit(CAP))
    )


def applicants(frame: pl.LazyFrame) -> pl.LazyFrame:
    """A row for each of joint applicants."""
    return frame.with_columns(pl.col("applicants").str.replace_all("；", ";").str.split(";")).explode("applicants")


class Register:
    """Who there is, what they are called and known by, and of whom records were refused."""

    def __init__(self, landed: Landed) -> None:
        every = landed.scan("science.enterprises")
        self.landed = landed
        self.codes = every.select("uscc").collect()
        is_eligible = (
            (pl.col("status") == "active")
            & (pl.col("founded_on") <= AS_OF)
            & is_valid("zone_member_from", "zone_member_to")
        )
        self.eligible = every.filter(is_eligible).select("uscc", "founded_on", "industry_code")
        self.names = self._names(every).collect().lazy()
        units = landed.scan("science.enterprise_identifiers").select("uscc", unit_no="identifier")
        self.units = _unequivocal(units, "unit_no")
        self.scopes = landed.scan("science.business_scopes").select(
            "uscc", ipc_subclass=pl.col("ipc_subclass").str.strip_chars().str.to_uppercase()
        )
        self.refused = self._refused().collect()

    def _names(self, every: pl.LazyFrame) -> pl.LazyFrame:
        history = self.landed.scan("science.enterprise_names")
        borne = history.select("uscc", name_key("name").alias("name_key"), borne_from="valid_from", borne_to="valid_to")
        last = borne.group_by("uscc").agg(pl.col("borne_to").max().alias("last_to"))
        unlisted = (
            every.select("uscc", "founded_on", name_key("name").alias("name_key"))
            .join(borne, on=["uscc", "name_key"], how="anti")
            .join(last, on="uscc", how="left")
            .select(
                "uscc",
                "name_key",
                pl.coalesce("last_to", "founded_on").alias("borne_from"),
                pl.lit(None, pl.Date).alias("borne_to"),
            )
        )
        return pl.concat([borne, unlisted])

    def _refused(self) -> pl.LazyFrame:
        told = self.landed.scan("pipeline.refusals").with_columns(dataset=pl.col("source") + "." + pl.col("dataset"))
        by_code = told.join(self.codes.lazy(), on="uscc", how="semi").select("dataset", "uscc")
        stated = told.select("dataset", applicants=pl.col("name")).filter(pl.col("applicants").is_not_null())
        stated = applicants(stated).with_columns(name_key("applicants").alias("name_key"))
        by_name = stated.join(self.names, on="name_key").select("dataset", "uscc")
        return pl.concat([by_code, by_name]).unique()

    def owners(self, mentions: pl.LazyFrame, name: str, day: str) -> pl.LazyFrame:
        """Mentions with the uscc of whoever bore the name on the day."""
        found = mentions.with_columns(name_key(name).alias("name_key")).join(self.names, on="name_key")
        return found.filter(
            (pl.col(day) >= pl.col("borne_from")) & (pl.col("borne_to").is_null() | (pl.col(day) <= pl.col("borne_to")))
        )

    def identified(self, frame: pl.LazyFrame, columns: list[str]) -> pl.LazyFrame:
        """Records that bear any code of an enterprise, or its name alone; what means two means neither."""
        own, organisation = self.codes.lazy(), pl.col("uscc").str.slice(8, 9)
        codes = [pl.col("uscc"), organisation, pl.col("uscc").str.slice(2, 6) + organisation]
        known = _unequivocal(pl.concat([own.select("uscc", code.alias("code")) for code in codes]), "code")
        frame = frame.rename({"uscc": "code"})
        unnamed = frame.filter(pl.col("code").is_null()).with_columns(name_key("enterprise_name").alias("name_key"))
        found = [frame.join(known, on="code"), unnamed.join(_unequivocal(self.names, "name_key"), on="name_key")]
        return pl.concat([one.select("uscc", *columns) for one in found])


def _unequivocal(frame: pl.LazyFrame, key: str) -> pl.LazyFrame:
    """The enterprise of each key that has one alone."""
    found = frame.group_by(key).agg(pl.col("uscc").first(), n=pl.col("uscc").n_unique())
    return found.filter(pl.col("n") == 1).drop("n")


def filings(landed: Landed) -> pl.LazyFrame:
    """What was filed last for the reporting year and the year before; one row per enterprise."""
    year = landed.ruleset.reporting_year
    amounts = {"rd": fen("rd_expense_cny"), "revenue": fen("operating_revenue_cny"), "profit": fen("net_profit_cny")}
    amounts["net_assets"] = fen("current_assets_cny") + fen("noncurrent_assets_cny")
    amounts["net_assets"] -= fen("current_liabilities_cny") + fen("noncurrent_liabilities_cny")
    filed = (
        landed.scan("tax.statements")
        .filter((pl.col("filed_on") <= AS_OF) & pl.col("fiscal_year").is_in([year - 1, year]))
        .select("uscc", "fiscal_year", "filed_on", **amounts)
    )
    latest = filed.group_by("uscc", "fiscal_year").agg(pl.col(list(amounts)).sort_by("filed_on").last())
    now = latest.filter(pl.col("fiscal_year") == year).drop("fiscal_year").with_columns(has_now=True)
    before = latest.filter(pl.col("fiscal_year") == year - 1).select(
        "uscc", rd_before="rd", revenue_before="revenue", has_before=True
    )
    return now.join(before, on="uscc", how="full", coalesce=True).rename(
        {"has_now": "has_tax.statements_0", "has_before": "has_tax.statements_1"}
    )


def heads(landed: Landed, register: Register) -> pl.LazyFrame:
    """Head counts of an enterprise at the end of the reporting year and of the year before; one row per enterprise."""
    year, counts = landed.ruleset.reporting_year, ["staff_total", "sci_tech_staff", "master_or_above", "new_graduates"]
    december = (
        landed.newest("talent.headcounts", ["unit_no", "month"])
        .filter((pl.col("month").dt.month() == 12) & pl.col("month").dt.year().is_in([year - 1, year]))
        .with_columns(year=pl.col("month").dt.year())
        .group_by("unit_no", "year")
        .agg(pl.col(counts).sort_by("month").last())
        .join(register.units, on="unit_no")
        .group_by("uscc", "year")
        # Where one of several units leaves a count out, the enterprise's count is not known.
        .agg(pl.when(pl.col(one).null_count() == 0).then(pl.col(one).sum()).alias(one) for one in counts)
    )
    now = december.filter(pl.col("year") == year).drop("year").with_columns(has_now=True)
    before = december.filter(pl.col("year") == year - 1).select(
        "uscc", sci_tech_before="sci_tech_staff", has_before=True
    )
    return now.join(before, on="uscc", how="full", coalesce=True).rename(
        {"has_now": "has_talent.headcounts_0", "has_before": "has_talent.headcounts_1"}
    )


def stage_number(ruleset: Ruleset) -> pl.Expr:
    """By age first and by revenue then, from 1; 0 where neither says."""
    found = pl.lit(0)
    for number, stage in reversed(list(enumerate(ruleset.stages, 1))):
        is_in = pl.col("revenue").is_not_null()
        is_in = is_in if stage.low is None else is_in & (pl.col("revenue") >= stage.low)
        is_in = is_in if stage.high is None else is_in & (pl.col("revenue") < stage.high)
        found = pl.when(is_in).then(number).otherwise(found)
    for number, stage in reversed(list(enumerate(ruleset.stages, 1))):
        if stage.months is not None:
            found = pl.when(pl.col("founded_on") > months_before(AS_OF, stage.months)).then(number).otherwise(found)
    return found.cast(pl.Int8)


def with_ratios(landed: Landed, wide: pl.LazyFrame) -> pl.LazyFrame:
    """Filings, heads and what is made of both, beside what was counted."""
    is_young = pl.col("founded_on") > landed.ruleset.young_after
    c = pl.col
    formulas = (
        ("C02", c("rd") - c("rd_before"), "rd_before", "rd", True),
        ("C03", c("rd"), "revenue", "rd", False),
        ("C04", c("sci_tech_staff"), "staff_total", "sci_tech_staff", False),
        ("C10", c("revenue") - c("revenue_before"), "revenue_before", "revenue", True),
        ("C11", c("master_or_above"), "staff_total", "master_or_above", False),
        ("C13", c("profit"), "net_assets", "profit", False),
        ("L05", c("sci_tech_staff") - c("sci_tech_before"), "sci_tech_before", "sci_tech_staff", True),
    )
    undefined, ratios = [], []
    for code, above, below, said, can_be_young in formulas:
        is_undefined = (c(said).is_not_null() & (c(below) <= 0)).fill_null(value=False)
        undefined.append((is_undefined | is_young if can_be_young else is_undefined).alias(f"u_{code}"))
        ratios.append(pl.when(~c(f"u_{code}")).then(ratio_pct(above, c(below))).alias(code))
    has_scope = c("has_science.business_scopes_0").is_not_null()
    return wide.with_columns(undefined).with_columns(
        *ratios,
        stage_number(landed.ruleset).alias("stage_no"),
        pl.when(has_scope).then(c("C05")).alias("C05"),
        pl.when(has_scope).then(c("C06")).alias("C06"),
        c("L19").is_not_null().alias("has_credit.evaluations_0"),
        c("L20").is_not_null().alias("has_tax.credit_grades_0"),
        C01=c("rd"),
        C09=c("revenue"),
        C14=c("new_graduates") * MICRO,
    )
