"""What people read of checks and of published tables is there in Chinese and in English."""

import re

from expectations.suites import SUITES, load_suites
from ledger.settings import PROJECT_DIR
from ledger.yaml_file import read_yaml

CHINESE, ENGLISH = re.compile(r"[\u4e00-\u9fff]{2}"), re.compile(r"[A-Za-z]{2}")


def lacking(texts):
    return [name for name, text in texts if not (CHINESE.search(text) and ENGLISH.search(text))]


def test_each_check_and_each_limit_says_why_in_both():
    checks = [(suite.table, check) for suite in load_suites(SUITES)[0] for check in suite.checks]
    reasons = [(f"{table}.{one.name}", one.why, one.why_zh) for table, one in checks]
    reasons += [(f"{one.name}.{limit.change}", limit.why, limit.why_zh) for _, one in checks for limit in one.limits]
    assert len(reasons) > 150
    assert [name for name, why, _ in reasons if not ENGLISH.search(why)] == []
    assert [name for name, _, zh in reasons if not CHINESE.search(zh)] == []


def test_each_published_table_is_described_in_both():
    files = sorted((PROJECT_DIR / "dbt_project" / "models").rglob("_*__models.yml"))
    models = [model for path in files for model in read_yaml(path.read_bytes())["models"]]
    told = [
        (model["name"], model["description"])
        for model in models
        if {"edition", "extract"} & set(model.get("config", {}).get("tags", ()))
    ]
    assert len(told) > 40
    assert lacking(told) == []
