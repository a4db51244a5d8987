"""README.txt of an edition: what each file is, for readers of the folder."""

from collections.abc import Mapping, Sequence
from typing import Any

from editions.export import Exported

HEAD = """\
企业创新积分 Enterprise innovation points
版次 edition:      {edition_id}
业务日期 as of:    {as_of}
规则 rule set:     {ruleset_id}

本文件夹已封存，只读；更正以新版次发布。用 Excel 看排名，请打开 tables/rankings.xlsx：按名次排序，18 位代码为文本，
不会变成 9.1E+17。CSV（带 BOM 的 UTF-8）供程序使用，数值不作改动；要在 Excel 中打开，请用“数据 → 从文本/CSV”并把
代码列的类型选为“文本”，不要双击。以 = + - @ 开头的文字前加了撇号，以免表格软件把它当作公式执行。空单元格表示
“未提供”或“不适用”，不等于零。
This folder is sealed and read-only; a correction is a new edition. To read the ranking in Excel open
tables/rankings.xlsx: sorted by rank, codes of 18 digits kept as text. The CSV files (UTF-8 with BOM) are for programs
and hold the values as they are; to open one in Excel use Data → From Text/CSV and set the type of the code column to
Text: a double click makes 9.1E+17 of a code that is all digits. A text that begins with = + - @ has an apostrophe
before it, so that no spreadsheet runs it. An empty cell means "not supplied" or "not applicable", never zero. The files
of one name hold the same rows.

manifest.json  每个文件的校验值、行数与来源批次 hash, bytes and rows of each file, and the inputs they were made from
SHA256SUMS     校验 check all files: sha256sum -c SHA256SUMS
*.minisig      签名（如有）signature, where there is one: minisign -V -P KEY -m SHA256SUMS
datapackage.json, contracts/  开放标准的表结构说明 columns in the words of Data Package v2 and of ODCS 3.1
verdict.json   发布前质量检查的结论 every check of the gate, and how it came out
report.json    构建与落地的计数 counts of the build and of the landing
"""
RESTRICTED = """\

extracts/ 含授权记录，不公开，按授权逐户发送 holds consents: not public, sent only as each consent allows
"""


def readme_text(facts: Mapping[str, Any], exported: Sequence[Exported]) -> str:
    """The text of README.txt: a head in Chinese and English, then each table with its columns as the models say."""
    public = [item for item in exported if item.relation.audience == "zone"]
    restricted = [item for item in exported if item.relation.audience != "zone"]
    parts = [HEAD.format(**facts), "\ntables/\n", *(_table(item) for item in public)]
    if restricted:
        parts += [RESTRICTED, *(_table(item) for item in restricted)]
    return "".join(parts)


def _table(item: Exported) -> str:
    lines = [f"\n  {item.relation.name} ({item.rows} 行 rows)"]
    if item.relation.description:
        lines.append(f"    {item.relation.description}")
    width = max(len(column.name) for column in item.columns)
    lines += [
        f"      {column.name:<{width}}  {column.type.lower()}  {column.description_zh}  {column.description}"
        for column in item.columns
    ]
    return "\n".join(lines) + "\n"
