"""The science bureau's database: its tables by URL, dropped, made and filled (PostgreSQL or SQLite)."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Date, Integer, MetaData, Numeric, String, Table, create_engine, insert
from sqlalchemy.engine import Engine

from sandbox.model import Record, WireValue

_TABLES: Final = {
    "enterprises": {
        "uscc": "key of text",
        "name": "text",
        "founded_on": "day",
        "status": "text",
        "industry_code": "text",
        "industry_name": "text",
        "zone_member_from": "day",
        "zone_member_to": "day",
        "parent_uscc": "text",
        "registration_no": "text",
    },
    "enterprise_names": {
        "uscc": "key of text",
        "name": "key of text",
        "valid_from": "key of day",
        "valid_to": "day",
    },
    "enterprise_identifiers": {"uscc": "text", "scheme": "key of text", "identifier": "key of text"},
    "business_scopes": {"uscc": "key of text", "ipc_subclass": "key of text"},
    "torch_reports": {
        "uscc": "key of text",
        "fiscal_year": "key of year",
        "high_tech_product_revenue_cny": "money",
        "staff_total": "number",
        "hnte_rd_expense_cny": "money",
        "reported_on": "day",
    },
    "technology_contracts": {
        "contract_no": "key of text",
        "seller_uscc": "text",
        "turnover_cny": "money",
        "registered_on": "day",
        "status": "text",
    },
    "platforms": {
        "platform_no": "key of text",
        "uscc": "text",
        "platform_name": "text",
        "kind": "text",
        "level": "text",
        "recognised_on": "day",
        "valid_to": "day",
    },
    "awards": {
        "award_no": "key of text",
        "winner_name": "text",
        "level": "text",
        "award_year": "year",
        "announced_on": "day",
    },
    "projects": {"project_no": "key of text", "uscc": "text", "level": "text", "approved_on": "day"},
    "venture_investments": {
        "investment_no": "key of text",
        "uscc": "text",
        "paid_in_cny": "money",
        "paid_in_on": "day",
    },
    "cooperations": {
        "cooperation_no": "key of text",
        "uscc": "text",
        "kind": "text",
        "partner": "text",
        "started_on": "day",
        "ended_on": "day",
    },
    "standards": {
        "standard_no": "key of text",
        "drafter_name": "key of text",
        "level": "text",
        "role": "text",
        "published_on": "day",
        "withdrawn_on": "day",
    },
    "recognised_products": {
        "product_no": "key of text",
        "uscc": "text",
        "kind": "text",
        "recognised_on": "day",
        "valid_to": "day",
    },
    "titles": {
        "certificate_no": "key of text",
        "uscc": "text",
        "title": "text",
        "issued_on": "day",
        "valid_to": "day",
        "revoked_on": "day",
    },
    "contest_results": {
        "result_no": "key of text",
        "contest": "text",
        "level": "text",
        "kind": "text",
        "place": "text",
        "contestant_name": "text",
        "held_on": "day",
    },
    "successions": {
        "predecessor_uscc": "key of text",
        "successor_uscc": "key of text",
        "kind": "key of text",
        "effective_on": "day",
        "share_pct": "share",
    },
    "enterprise_states": {
        "uscc": "key of text",
        "aspect": "key of text",
        "value": "text",
        "valid_from": "key of day",
        "valid_to": "day",
    },
    "consents": {
        "consent_id": "key of text",
        "uscc": "text",
        "recipient": "text",
        "purpose": "text",
        "data_classes": "text",
        "valid_from": "day",
        "valid_to": "day",
        "withdrawn_on": "day",
        "evidence_hash": "text",
    },
}


def tables() -> MetaData:
    """Return the bureau's tables. It keeps its keys in order, but lets any text stand in a code or a status."""
    metadata = MetaData()
    for name, columns in _TABLES.items():
        Table(name, metadata, *(_column(column, kind) for column, kind in columns.items()))
    return metadata


def _column(name: str, kind: str) -> Column[Any]:
    """Make a column of a kind: text, day, year, number, money or share; "key of" makes it part of the primary key."""
    word = kind.removeprefix("key of ")
    is_key = word != kind
    if word == "day":
        return Column(name, Date, primary_key=is_key)
    if word == "number":
        return Column(name, BigInteger)
    if word == "share":
        return Column(name, Numeric(7, 4))
    if word == "year":
        return Column(name, Integer, primary_key=is_key, autoincrement=False)
    if word == "money":
        return Column(name, Numeric(20, 2))
    return Column(name, String(200), primary_key=is_key)


def sqlite_url(state: Path) -> str:
    """Return the URL of the SQLite file in a state folder, the bureau's database where no other is named."""
    return f"sqlite:///{(state / 'science.sqlite').absolute()}"


def _typed(column: Column[Any], value: WireValue) -> date | Decimal | WireValue:
    if value is None:
        return None
    if isinstance(column.type, Date):
        return date.fromisoformat(str(value))
    return Decimal(str(value)) if isinstance(column.type, Numeric) else value


def _fill(engine: Engine, metadata: MetaData, rows: Mapping[str, Sequence[Record]]) -> None:
    with engine.begin() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection, tables=[metadata.tables[name] for name in rows])
        for name, records in rows.items():
            table = metadata.tables[name]
            typed = [{c.name: _typed(c, record[c.name]) for c in table.columns} for record in records]
            if typed:
                connection.execute(insert(table), typed)


def fill(url: str, rows: Mapping[str, Sequence[Record]]) -> None:
    """Drop the bureau's tables at a URL, then make and fill those that the population supplies.

    Every row names all columns of its table. Whatever stood in tables of these names is lost.
    """
    engine = create_engine(url)
    try:
        _fill(engine, tables(), rows)
    finally:
        engine.dispose()
