"""What happens when the fields of an agency differ from those its source file declares (`schema_contract`)."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from connectors.columns import Fault
from connectors.decoders.headers import MONEY
from connectors.errors import AgencyError
from connectors.spec import Column, Dataset, JsonDecoder, JsonLinesDecoder, XmlDecoder
from connectors.spelling import FALSE_WORDS
from connectors.vectors import TypedColumn
from ledger.hand_made import MISSING_WORDS, clean

MANY = 20
"""So many records are no single bad ones: a type, a value or a key that all of them lost is the agency's doing."""

_YUAN = "CNY"
_CODES = {"USD", "HKD", "EUR", "JPY", "GBP", "MOP", "TWD", "KRW", "SGD", "AUD", "CAD", "CHF"}
_NAMES = {f"{land}元" for land in ("美", "港", "欧", "日", "澳门", "韩", "新加坡", "澳", "加")}
_FOREIGN = _CODES | _NAMES | {"港币", "英镑", "新台币", "瑞士法郎"}
_UNITS = {word: word for word in (*MONEY, *_FOREIGN)}
_UNITS |= {"万": "万元", "亿": "亿元", "RMB": _YUAN, "人民币": _YUAN, "¥": _YUAN, "￥": _YUAN, _YUAN: _YUAN}
"""Words for a unit of money, and the unit that each means; the currency alone does not say in which unit of it."""

_ZERO = re.compile(r"\s*[-+]?(0+(\.0*)?)?\s*")
"""No amount, or one that is 0 in every unit."""

_DELETED_FIELD = re.compile(
    "(is)?del(eted?)?(flag|mark|at|on|time|date)?|(是否|已|逻辑)删除|(逻辑)?删除(标志|标识|标记|时间|日期)"
    "|(是否|已)作废|作废(标志|标识|标记)|zfbz1"
)
"""The names, folded, of fields that say that or when a record was deleted, or that it is void; tax offices: ZFBZ_1."""
_VALID_FIELD = re.compile("yxbz|(是否有效|有效(标志|标识|标记))")
_VOID = {"作废", "已作废"}
_NOT_VALID = {*FALSE_WORDS, "无效", *_VOID} - MISSING_WORDS
"""The names, folded, of fields that say whether a record still counts, and the words by which it does not. In lists of
patents or certificates 是否有效 tells those in force from expired ones: there only the words for void count."""
_OPERATION_FIELD = re.compile(
    "(op|oper(ation)?|dml|change|action|event|data|row|record)?(type|code|flag|kind|status|state)"
    "|op|operation|dml|action|(数据|记录)?(操作|更新)?(类型|标志|标识|方式|状态)"
)
"""The names, folded, of fields that say what was done to a record, or how it stands."""
_OF_RECORD = re.compile(r"(@|(meta(data)?|sys(tem)?|cdc|audit)\.)?(ab)?(cdc)?")
"""What may stand before such a name: an attribute of XML, a part about the record, a tool's own mark."""
DELETED = {"d", "del", "delete", "deleted", "remove", "removed", "删", "删除", "已删除", "逻辑删除"}
"""The words by which feeds say that a record is deleted: beside one that is declared, no other means anything else."""
_NOT_DELETED = {*FALSE_WORDS, *MISSING_WORDS, "", "未删除", "未删", "正常", "有效", "存在", "normal", "active", "valid"}
_NO_DELETION = re.compile(r"0+\.0+|0{4}.*|(0001|1753|1899|1900|1970|2099|2999|9999)\D?(0?1|12)\D?(0?1|3[01])(\D.*)?")
"""Zero, and the days that stand for none: the first and the last that a program knows."""

_DELETED_PLAINLY = {"delete", "deleted", "删除", "已删除", "逻辑删除"}

_OF_TYPE = ("type_mismatch", "nested_value", "digits_lost", "time_of_day")


def claim_extra(
    dataset: Dataset,
    columns: Mapping[str, list[Any]],
    claimed: AbstractSet[str],
    faults: dict[int, list[Fault]],
    notes: Counter[str],
) -> dict[int, dict[str, Any]]:
    """The fields that no column claims, by place, under `evolve`; other modes drop them, refuse the record or raise."""
    unclaimed = [name for name in columns if name not in claimed]
    extra: dict[int, dict[str, Any]] = {}
    mode = dataset.schema_contract.columns
    shown = {name: _names(name, columns[name], claimed) for name in unclaimed}
    if unclaimed and mode == "freeze":
        raise AgencyError(
            f"sends what no column claims: {', '.join(sorted(one for names in shown.values() for one in names))}.",
            dataset.address,
            "add it to the source file, or set schema_contract columns to evolve",
        )
    for name in unclaimed:
        for one in shown[name]:
            notes[f"unclaimed_field:{one}"] = 1
        for place, value in enumerate(columns[name]):
            if value is None or mode == "discard_value":
                continue
            if mode == "evolve":
                extra.setdefault(place, {})[name] = value
            else:
                faults.setdefault(place, []).append(Fault("unclaimed_field", "", name, True))
    return extra


def refuse_respelled(dataset: Dataset, columns: Mapping[str, list[Any]], faults: dict[int, list[Fault]]) -> None:
    """Refuse a record that has a claimed field under another spelling (`Amount`, `amount `) and not under its own.

    Where some record has both, they are two fields; where it is empty, no value is lost. Where the contract lets a
    field go, it may be gone like this too. The header of a table has one spelling for all its rows.
    """
    has_names = isinstance(dataset.decoder, (JsonDecoder, JsonLinesDecoder, XmlDecoder))
    if not has_names or dataset.schema_contract.data_type not in ("freeze", "discard_row"):
        return
    claimed = {_folded(column.source_field): column for column in dataset.columns}
    heads = {folded.partition(".")[0] for folded in claimed if "." in folded}
    names = {column.source_field for column in dataset.columns}
    for name in sorted(columns.keys() - names):
        spelled = {name, *(_parts(name, columns[name]) if _folded(name) in heads else ())} - names
        for one in sorted(spelled):
            if (column := claimed.get(_folded(one))) is None:
                continue
            own = columns.get(column.source_field)
            stated = [place for place, held in enumerate(_held(name, one, columns[name])) if held not in (None, "")]
            if own is None or all(own[place] is None for place in stated):
                for place in stated:
                    faults[place].append(Fault("unclaimed_field", column.name, one, True))


def refuse_other_units(
    dataset: Dataset, columns: Mapping[str, list[Any]], faults: dict[int, list[Fault]], notes: Counter[str]
) -> None:
    """Refuse a record that states another unit or currency of its amounts than their columns have: 万元, USD.

    It stands in a field that no column claims and that holds nothing but such words. One that is called after another
    field is of that alone: 注册资本币种 of 注册资本. Where other columns have a unit, it says nothing of one
    without, which may count tons; else that is taken to be in yuan where several units come, and where one comes it is
    counted, as above a table. A column whose field names yuan has them.
    """
    amounts = [one for one in dataset.columns if one.kind == "decimal" and one.unit != "%"]
    amounts = [one for one in amounts if not re.search("元|人民币|cny|rmb", one.source_field, re.IGNORECASE)]
    has_unit = any(one.unit for one in amounts)
    # What no record sends is stated in no unit.
    amounts = [one for one in amounts if one.source_field in columns]
    for name in columns.keys() - {column.source_field for column in dataset.columns} if amounts else ():
        if not any(columns[name]) or not {*map(_word, columns[name][:MANY])} <= {*_UNITS, ""}:
            continue
        stated = [_word(value) for value in columns[name]]
        if not {*stated} - {""} or not {*stated} <= {*_UNITS, ""}:
            continue
        # Of a currency 元 is the name, of a unit the size.
        is_currency = re.search("币|curr|ccy", name, re.IGNORECASE)
        units = [_YUAN if is_currency and word == "元" else _UNITS.get(word, _YUAN) for word in stated]
        home = {*units} - {_YUAN} - _FOREIGN
        owners = [one for one in columns if len(one) > 1 and one != name and name.startswith(one)]
        owner = max(owners, key=len, default="")
        is_general = "@" not in name and not any(map(_is_figure, columns.get(owner, ())[:MANY]))
        for column in (one for one in amounts if is_general or one.source_field in (owner, name.partition("@")[0])):
            allowed = {_YUAN, column.unit or "元"}
            if column.unit is None and (has_unit or len(home) == 1):
                allowed |= home
                notes |= Counter({f"stated_unit:{unit}": 1 for unit in home - {"元"} if not has_unit})
            for place, unit in enumerate(units):
                if unit not in allowed and not _ZERO.fullmatch(str(columns[column.source_field][place] or "")):
                    faults[place].append(Fault("other_unit", column.name, stated[place], True))


def refuse_deleted(dataset: Dataset, columns: Mapping[str, list[Any]], faults: dict[int, list[Fault]]) -> None:
    """Refuse a record that says in a field that no column claims that it was deleted (isDeleted: 1, op: D, 删除标志 2).

    So is one that says that it is void (YXBZ N, 作废标志 Y, 有效标志 作废). A list that an entry was removed from is no
    deletion: only words of deleting count, D and DEL of an operation alone.
    """
    for name in sorted(columns.keys() - {column.source_field for column in dataset.columns}):
        for one in (name, *_parts(name, columns[name])):
            called = _OF_RECORD.sub("", _folded(one), count=1)
            is_flag, is_valid = _DELETED_FIELD.fullmatch(called), _VALID_FIELD.fullmatch(called)
            if not is_flag and not is_valid and not _OPERATION_FIELD.fullmatch(called):
                continue
            words = _DELETED_PLAINLY | ({"d", "del"} if re.search("op|dml|操作", called) else set())
            words = (_VOID if is_valid[1] else _NOT_VALID) if is_valid else words
            for place, value in enumerate(_held(name, one, columns[name])):
                word = str("" if value is None else value).strip().casefold()
                stands = (
                    word in _NOT_DELETED or _NO_DELETION.fullmatch(word) if is_flag else word.lstrip("-") not in words
                )
                if not stands:
                    faults[place].append(Fault("deleted_record", "", f"{one}: {value}", True))


def _is_figure(value: Any) -> bool:
    return re.fullmatch(r"[-+]?[\d.,]+", str(value)) is not None


def _word(value: Any) -> str:
    """A word for a unit as it is compared: 人民币万元 is 万元."""
    word = value.strip().upper() if isinstance(value, str) else "" if value is None else "?"
    return word.removeprefix("人民币") or word


def _held(name: str, spelled: str, values: list[Any]) -> Iterable[Any]:
    """What a field holds, or a part of it; a text without its blanks."""
    part = spelled[len(name) + 1 :]
    inner = (value.get(part) if isinstance(value, dict) else None for value in values) if part else values
    return (one.strip() if isinstance(one, str) else one for one in inner)


def _parts(name: str, values: list[Any]) -> set[str]:
    return {f"{name}.{part}" for part in {part for value in values if isinstance(value, dict) for part in value}}


def _folded(name: str) -> str:
    """A name without letter case and signs; one between two figures tells names apart: b1_11 and b11_1."""
    return re.sub(r"(?<!\d)[\s_-]+|[\s_-]+(?!\d)", "", clean(name)).casefold()


def _names(name: str, values: list[Any], claimed: AbstractSet[str]) -> list[str]:
    """What a field is called: by its parts, where other parts of it are claimed."""
    if not any(one.startswith(f"{name}.") for one in claimed):
        return [name]
    parts = _parts(name, values)
    # Of an object keyed by numbers no list of names helps.
    return sorted(parts) if 0 < len(parts) <= MANY else [name]


def settle_retyped(
    dataset: Dataset,
    column: Column,
    found: TypedColumn,
    label: str,
    values: list[Any] | None,
    extra: dict[int, dict[str, Any]],
) -> TypedColumn:
    """Judge a column of which no value fits its type: stop, refuse the records, or let them stand without it."""
    wrong = {place: fault for place, fault in found.faults.items() if fault.reason in _OF_TYPE}
    if len(wrong) < MANY or found.values.null_count < len(found.values):
        return found
    mode = dataset.schema_contract.data_type
    if mode == "discard_row":
        return found
    reasons, first = sorted({fault.reason for fault in wrong.values()}), str(next(iter(wrong.values())).value)
    if mode == "freeze" or column.required:
        raise AgencyError(
            f"no value of {column.source_field} on {label} is of type {column.data_type}, such as "
            f"{first[:40]!r} ({', '.join(reasons)}).",
            dataset.address,
            _next_step(column, first),
        )
    forgiven = {place: replace(fault, refuses=False) for place, fault in wrong.items()}
    if mode == "evolve" and values is not None:
        for place in wrong:
            extra.setdefault(place, {})[column.source_field] = values[place]
    return replace(found, faults={**found.faults, **forgiven})


def _next_step(column: Column, shown: str) -> str:
    if shown.rstrip().endswith(("%", "％")) and column.unit != "%":
        return 'declare `unit: "%"` for this column, if per cent is what it is kept in'
    return "compare its type and unit in the source file with that, or ask the agency what it changed"
