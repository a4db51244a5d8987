"""Suggestions for open names: names of the register ranked by similarity. A person decides; nothing is applied."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from editions.sql_text import sealed_table

LEAST_SCORE = Decimal("0.5")
"""The least score of a suggestion: names that share only a city and a trade are not similar."""
CANDIDATES = 40
"""How many names of the register, those that share the rarest pairs of characters, are compared with an open name."""
_FULL = "".join(chr(0xFF01 + place) for place in range(94))
_HALF = "".join(chr(0x21 + place) for place in range(94)).replace("'", "''")
MACROS = f"""
create macro narrow(name) as
    case when regexp_matches(name, '[０-９Ａ-Ｚａ-ｚ]') then translate(name, '{_FULL}', '{_HALF}') else name end;
create macro key_of(name) as regexp_replace(upper(narrow(name)), '[^0-9A-Z\\x{{3400}}-\\x{{9FFF}}]', '', 'g');
create macro pairs_of(key) as list_distinct(list_transform(range(1, length(key)), lambda i: substr(key, i, 2)));
"""
"""The form in which names are compared: half-width capitals, only Chinese characters, letters and digits; its pairs."""
NAMES = """
create table asked as select *, key_of(name) as key, pairs_of(key_of(name)) as pairs from given;
create table borne as
select
    row_number() over (order by borne_by, enterprise_name, valid_from) as borne_id, uscc, enterprise_name, borne_by,
    valid_from, valid_to, key_of(enterprise_name) as key, pairs_of(key_of(enterprise_name)) as pairs
from {register};
"""
# A pair that one name in twenty has distinguishes nothing: 科技, 有限, the city. In a small register up to 50 names may
# have it, or no pair would be left; in a large one 2,000 at most, since the names of each pair are compared.
ALIKE = """
with asked_pairs as (
    select place, unnest(pairs) as pair from asked
),

borne_pairs as (
    select borne_id, pair from (select borne_id, unnest(pairs) as pair from borne)
    semi join asked_pairs using (pair)
),

telling as (
    select pair, cast(1000 * ln((select count(*) from borne) / count(*)) as bigint) as weight
    from borne_pairs
    group by pair
    having count(*) <= (select least(greatest(count(*) // 20, 50), 2000) from borne)
),

likely as (
    select place, borne_id
    from asked_pairs inner join telling using (pair) inner join borne_pairs using (pair)
    group by place, borne_id
    qualify row_number() over (partition by place order by sum(weight) desc, borne_id) <= $candidates
    union
    select place, borne_id from asked inner join borne using (key)
),

-- Half the score is the share of pairs that both have, half that they are written, and begin, alike.
compared as (
    select
        asked.place, borne.*, asked.from_day >= borne.valid_from
        and (borne.valid_to is null or asked.to_day <= borne.valid_to) as is_borne_then,
        cast((jaro_winkler_similarity(asked.key, borne.key) + 2 * len(list_intersect(asked.pairs, borne.pairs))
            / greatest(len(asked.pairs) + len(borne.pairs), 1)) / 2 as decimal(7, 6)) as score
    from likely inner join asked using (place) inner join borne using (borne_id)
    qualify row_number() over (
        partition by asked.place, borne.uscc order by score desc, is_borne_then desc, borne_id
    ) = 1
)

select place, uscc, enterprise_name, borne_by, valid_from, valid_to, score, is_borne_then
from compared
where score >= $least
qualify row_number() over (partition by place order by score desc, is_borne_then desc, uscc) <= $most
order by place, score desc, is_borne_then desc, uscc
"""
NAMES_TABLE = "identity_names"
CONTRADICTING = "contradicting_decisions"
"""The reason of a code about which people made contradicting decisions for different datasets."""
REASONS = ("ambiguous", "not_yet_borne", "no_longer_borne", "unknown", CONTRADICTING)
"""The reasons of the review list, as its model accepts them."""
# An identifier of A-Z, digits and hyphens is a number or a code: similarity means nothing there.
_NUMBER = re.compile(r"[0-9A-Z-]+", re.ASCII)


@dataclass(frozen=True)
class OpenItem:
    """One line of the review list; the days are those of its first and last record, None where the record has none.

    `claimed_by` are the codes of the enterprises to which the register gives one number or code, where they are
    several, or which contradicting decisions name.
    """

    source: str
    dataset: str
    identifier: str
    reason: str
    count: int
    record_ref: str | None
    first_mentioned_on: date | None
    last_mentioned_on: date | None
    claimed_by: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """`source.dataset`."""
        return f"{self.source}.{self.dataset}"

    @property
    def is_name(self) -> bool:
        """Whether it is a name, and not an agency's number or a code."""
        return not _NUMBER.fullmatch(self.identifier)


@dataclass(frozen=True)
class Suggestion:
    """One enterprise that an open name may mean, with the similar name and the days on which it bore that name.

    `score` is the similarity of the names, 0 to 1, which ranks suggestions and decides nothing. It is None where the
    register or a decision gives the enterprise this number.
    """

    uscc: str
    enterprise_name: str
    borne_by: str
    valid_from: date | None
    valid_to: date | None
    score: Decimal | None
    is_borne_then: bool | None


def business_date(edition: Path) -> date:
    """The business date of an edition: its id begins with it."""
    return date.fromisoformat(edition.name[:10])


def open_items(edition: Path) -> list[OpenItem]:
    """The review list of an edition, lines with the most records first."""
    # Older editions have no column `claimed_by`.
    query = """
        select source, dataset, identifier, reason, count, record_ref, first_mentioned_on, last_mentioned_on,
            coalesce(claimed_by, '') as claimed_by
        from (select ''::varchar as claimed_by where false union all by name from {})
        order by count desc, source, dataset, identifier, reason
    """
    rows = _rows(edition, "unmatched_records", query)
    return [replace(OpenItem(*row), claimed_by=tuple(filter(None, row[-1].split(";")))) for row in rows]


def codes_held(edition: Path, codes: Iterable[str]) -> dict[str, str]:
    """Those of these codes that the register of an edition has, branches too, with the legal person of each."""
    query = "select distinct borne_by, uscc from {} where list_contains($codes, borne_by)"
    return dict(_rows(edition, NAMES_TABLE, query, codes=sorted(set(codes))))


def _rows(edition: Path, table: str, query: str, **values: Any) -> list[Any]:
    """The rows of a query over one sealed table; `{}` in the query stands for the table."""
    with duckdb.connect(":memory:") as db:
        return db.execute(query.format(sealed_table(edition, table)), values).fetchall()


def suggest(edition: Path, items: Sequence[OpenItem], most: int = 3) -> list[tuple[Suggestion, ...]]:
    """For each item the enterprises it may mean, likeliest first, at most `most`; for a number all who may have it.

    Each enterprise stands once, with its most similar name, and of equally similar ones the one that it bore on the
    days of the item. Equal editions and items give equal results.
    """
    found = [_claimants(edition, item.claimed_by) for item in items]
    asked = [
        (place, item.identifier, item.first_mentioned_on, item.last_mentioned_on)
        for place, item in enumerate(items)
        if item.is_name
    ]
    if not asked:
        return found
    with duckdb.connect(":memory:", config={"threads": 2}) as db:
        db.execute(MACROS)
        db.execute("create table given (place bigint, name varchar, from_day date, to_day date)")
        db.executemany("insert into given values (?, ?, ?, ?)", asked)
        db.execute(NAMES.format(register=sealed_table(edition, NAMES_TABLE)))
        rows = db.execute(ALIKE, {"candidates": CANDIDATES, "least": LEAST_SCORE, "most": most}).fetchall()
    alike: dict[int, list[Suggestion]] = {}
    for place, *facts in rows:
        alike.setdefault(place, []).append(Suggestion(*facts))
    return [tuple(alike.get(place, some)) for place, some in enumerate(found)]


def _claimants(edition: Path, claimed_by: Sequence[str]) -> tuple[Suggestion, ...]:
    query = """
        select uscc, enterprise_name, borne_by, valid_from, valid_to, null, null
        from {}
        where list_contains($codes, uscc) and borne_by = uscc
        qualify row_number() over (
            partition by uscc order by valid_to is null desc, valid_to desc, valid_from desc, enterprise_name
        ) = 1
        order by uscc
    """
    rows = _rows(edition, NAMES_TABLE, query, codes=list(claimed_by)) if claimed_by else ()
    return tuple(Suggestion(*row) for row in rows)
