"""pandas: landed records, names and numbers, as frames. Amounts are whole fen, values whole millionths."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rules import AS_OF, MICRO, Ruleset, months_before

BLANKS = (
    r"[\s\x{0B}\x{1C}-\x{1F}\x{85}\x{A0}\x{1680}\x{2000}-\x{200D}\x{2028}\x{2029}"
    r"\x{202F}\x{205F}\x{2060}\x{3000}\x{FEFF}]"
)
HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
CAP = 999_999_999_999 * MICRO


@dataclass(frozen=True)
class Landed:
    """The folder of records and the rule set."""

    inputs: Path
    ruleset: Ruleset

    @property
    def as_of(self) -> pd.Timestamp:
        """The business date."""
        return pd.Timestamp(AS_OF)

    def read(self, address: str, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of a dataset; decimals as whole hundredths, days as timestamps, texts as texts."""
        table = pq.read_table(self.inputs / address.replace(".", "/"), columns=list(columns), partitioning=None)
        for place, field in enumerate(table.schema):
            if pa.types.is_decimal(field.type):
                hundredths = pc.multiply(table[place], pa.scalar(100, pa.decimal128(3, 0)))
                table = table.set_column(place, field.name, hundredths.cast(pa.int64()))
        nullable = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.bool_(): pd.BooleanDtype()}
        return table.to_pandas(types_mapper=nullable.get, date_as_object=False)

    def newest(
        self, address: str, columns: Sequence[str], key: Sequence[str], newest_first: Sequence[str] = ()
    ) -> pd.DataFrame:
        """The newest delivery of each key, without those that it deletes."""
        order = [*newest_first, "_learned_on", "_batch", "_position"]
        frame = self.read(address, list(dict.fromkeys([*columns, *key, *order, "_deleted"])))
        frame = frame.sort_values(order, kind="stable").drop_duplicates(list(key), keep="last")
        return frame[~frame["_deleted"].fillna(False).astype(bool)]

    def is_valid(self, starts: pd.Series, ends: pd.Series) -> pd.Series:
        """Begun, and not yet over."""
        return (starts <= self.as_of) & (ends.isna() | (ends >= self.as_of))

    def is_gone(self, ends: pd.Series) -> pd.Series:
        """Ended on the day or before; what has no end is not."""
        return ends <= self.as_of

    def is_recent(self, day: pd.Series) -> pd.Series:
        """Within two years."""
        return (day > pd.Timestamp(self.ruleset.two_years_before)) & (day <= self.as_of)

    def is_of_year(self, day: pd.Series) -> pd.Series:
        """Within the reporting year."""
        return day.dt.year == self.ruleset.reporting_year

    def quantity(self, code: str, levels: pd.Series) -> pd.Series:
        """What each level counts, in millionths."""
        return levels.map(self.ruleset.levels[code]).astype("Int64")


def name_key(names: pd.Series) -> pd.Series:
    """A name as it is compared."""
    bare = names.str.replace(BLANKS, "", regex=True)
    is_wide = bare.str.contains("[！-～]", regex=True, na=False)
    bare.loc[is_wide] = bare[is_wide].str.translate(HALF_WIDTH)
    return bare.str.upper()


def ratio_pct(above: pd.Series, below: pd.Series) -> pd.Series:
    """A hundred times a / b in millionths, rounded half away from zero, by long division within 64 bits."""
    a, b = above.abs().astype("Int64"), below.abs().astype("Int64")
    b = b.mask(b == 0)
    whole, rest = (a // b).clip(upper=10**10), a % b * 10_000
    found = whole * (100 * MICRO) + rest // b * 10_000 + (rest % b * 20_000 + b) // (2 * b)
    is_negative = (above < 0) != (below < 0)
    return found.clip(upper=CAP).mask(is_negative, -found.clip(upper=CAP))


class Register:
    """Who there is, what they are called and known by, and of whom records were refused."""

    def __init__(self, landed: Landed) -> None:
        self.landed = landed
        every = landed.read(
            "science.enterprises",
            ["uscc", "name", "founded_on", "status", "industry_code", "zone_member_from", "zone_member_to"],
        )
        is_eligible = (
            (every["status"] == "active")
            & (every["founded_on"] <= landed.as_of)
            & landed.is_valid(every["zone_member_from"], every["zone_member_to"])
        )
        self.codes = every["uscc"]
        self.eligible = every.loc[is_eligible, ["uscc", "founded_on", "industry_code"]].set_index("uscc")
        self.names = self._names(every)
        self.units = landed.read("science.enterprise_identifiers", ["uscc", "identifier"]).drop_duplicates()
        self.units = self.units[~self.units["identifier"].duplicated(keep=False)].rename(
            columns={"identifier": "unit_no"}
        )
        self.scopes = landed.read("science.business_scopes", ["uscc", "ipc_subclass"])
        self.scopes["ipc_subclass"] = self.scopes["ipc_subclass"].str.strip().str.upper()
        self.refused = self._refused()

    def _names(self, every: pd.DataFrame) -> pd.DataFrame:
        borne = self.landed.read("science.enterprise_names", ["uscc", "name", "valid_from", "valid_to"])
        borne["name_key"] = name_key(borne.pop("name"))
        present = every[["uscc", "name", "founded_on"]].assign(name_key=name_key(every["name"]))
        listed = present.merge(
            borne[["uscc", "name_key"]].drop_duplicates(), on=["uscc", "name_key"], how="left", indicator=True
        )
        unlisted = listed[listed["_merge"] == "left_only"]
        last = unlisted["uscc"].map(borne.groupby("uscc")["valid_to"].max())
        begun = unlisted.assign(valid_from=last.fillna(unlisted["founded_on"]), valid_to=pd.NaT)
        every_name = pd.concat([borne, begun[["uscc", "name_key", "valid_from", "valid_to"]]], ignore_index=True)
        return every_name.rename(columns={"valid_from": "borne_from", "valid_to": "borne_to"})

    def _refused(self) -> dict[str, set[str]]:
        told = self.landed.read("pipeline.refusals", ["source", "dataset", "uscc", "name"])
        told["address"] = told["source"] + "." + told["dataset"]
        by_code = told[told["uscc"].isin(self.codes)][["address", "uscc"]]
        stated = (
            told[["address", "name"]]
            .assign(name=told["name"].str.replace("；", ";").str.split(";"))
            .explode("name")
            .dropna()
        )
        stated["name_key"] = name_key(stated["name"])
        by_name = stated.merge(self.names[["name_key", "uscc"]], on="name_key")[["address", "uscc"]]
        touched = pd.concat([by_code, by_name])
        return {address: set(group) for address, group in touched.groupby("address")["uscc"]}

    def owners(self, mentions: pd.DataFrame, name: str, day: str) -> pd.DataFrame:
        """Mentions with the uscc of whoever bore the name on the day."""
        found = mentions.assign(name_key=name_key(mentions[name])).merge(self.names, on="name_key")
        is_borne = (found[day] >= found["borne_from"]) & (found["borne_to"].isna() | (found[day] <= found["borne_to"]))
        return found[is_borne]

    def split(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A row for each of joint applicants."""
        return frame.assign(applicants=frame["applicants"].str.replace("；", ";").str.split(";")).explode("applicants")


def december(landed: Landed, register: Register) -> pd.DataFrame:
    """Head counts of an enterprise at the end of the reporting year and of the year before, by (uscc, year)."""
    counts = ["staff_total", "sci_tech_staff", "master_or_above", "new_graduates"]
    frame = landed.newest("talent.headcounts", [*counts], ["unit_no", "month"])
    year = landed.ruleset.reporting_year
    frame["year"] = frame["month"].dt.year
    frame = frame[(frame["month"].dt.month == 12) & frame["year"].isin([year - 1, year])]
    frame = (
        frame.sort_values("month").drop_duplicates(["unit_no", "year"], keep="last").merge(register.units, on="unit_no")
    )
    by_enterprise = frame.groupby(["uscc", "year"])[counts]
    return by_enterprise.sum().where(by_enterprise.count().eq(by_enterprise.size(), axis=0))


def filings(landed: Landed) -> pd.DataFrame:
    """What was filed last for the reporting year and the year before, by (uscc, fiscal_year)."""
    amounts = ["operating_revenue_cny", "rd_expense_cny", "net_profit_cny"]
    balance = ["current_assets_cny", "noncurrent_assets_cny", "current_liabilities_cny", "noncurrent_liabilities_cny"]
    frame = landed.read("tax.statements", ["uscc", "fiscal_year", "filed_on", *amounts, *balance])
    year = landed.ruleset.reporting_year
    frame = frame[(frame["filed_on"] <= landed.as_of) & frame["fiscal_year"].isin([year - 1, year])]
    frame = frame.sort_values("filed_on").drop_duplicates(["uscc", "fiscal_year"], keep="last")
    frame["net_assets_cny"] = frame[balance[0]] + frame[balance[1]] - frame[balance[2]] - frame[balance[3]]
    return frame.set_index(["uscc", "fiscal_year"])[[*amounts, "net_assets_cny"]]


def of_year(frame: pd.DataFrame, year: int) -> pd.DataFrame:
    """The rows of a year of a frame by (uscc, year)."""
    return frame[frame.index.get_level_values(1) == year].droplevel(1)


def stage_numbers(ruleset: Ruleset, founded_on: pd.Series, revenue: pd.Series) -> pd.Series:
    """By age first and by revenue then, from 1; 0 where neither says."""
    found = pd.Series(0, index=founded_on.index)
    for number, stage in reversed(list(enumerate(ruleset.stages, 1))):
        is_in = revenue.notna() & (revenue >= (stage.low if stage.low is not None else -(2**62)))
        found = found.mask(
            (is_in & (revenue < (stage.high if stage.high is not None else 2**62))).fillna(False).astype(bool), number
        )
    for number, stage in reversed(list(enumerate(ruleset.stages, 1))):
        if stage.months is not None:
            found = found.mask(founded_on > pd.Timestamp(months_before(AS_OF, stage.months)), number)
    return found


def day(year: int, month: int, of_month: int) -> pd.Timestamp:
    """A day, as frames hold them."""
    return pd.Timestamp(date(year, month, of_month))
