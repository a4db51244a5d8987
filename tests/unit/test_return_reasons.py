"""Every reason for which a record is refused is told to its agency in words, in both languages."""

import ast
import inspect
import re

from connectors import uscc
from connectors.reasons import UNEXPLAINED, explain, read_reasons
from ledger.settings import PROJECT_DIR


def emitted_codes():
    """Every reason code that stands as a text in the code that refuses: in a fault, a mark, or the code's own check."""
    found = set()
    for path in sorted((PROJECT_DIR / "connectors").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Fault", "Broken", "ValueFaultError"):
                texts = [one for argument in node.args[:2] for one in ast.walk(argument)]
                found |= {t.value for t in texts if isinstance(t, ast.Constant) and isinstance(t.value, str)}
            if isinstance(node, ast.keyword) and node.arg == "reason" and isinstance(node.value, ast.Constant):
                found |= {node.value.value}
    columns = ast.parse((PROJECT_DIR / "connectors" / "columns.py").read_text(encoding="utf-8"))
    (rule,) = [one for one in columns.body if isinstance(one, ast.FunctionDef) and one.name == "_broken_rule"]
    codes = [ast.parse(inspect.getsource(rule_of_code)) for rule_of_code in (uscc.fault, uscc.enterprise_fault)]
    for tree in (rule, *codes):
        for node in ast.walk(tree):
            if isinstance(node, ast.Return) and node.value is not None:
                found |= {t.value for t in ast.walk(node.value) if isinstance(t, ast.Constant) and t.value is not None}
    return {one for one in found if isinstance(one, str) and re.fullmatch(r"[a-z][a-z_]{3,}", one)}


def test_every_reason_code_that_is_emitted_anywhere_is_explained_in_both_languages():
    codes = emitted_codes()
    assert {"type_mismatch", "uscc_check_character", "field_count", "not_in_values", "conflicting_key"} <= codes
    assert sorted(code for code in codes if explain(code) is UNEXPLAINED) == []
    for reason in read_reasons().values():
        assert re.search("[一-鿿]", reason.zh)
        assert re.search("[一-鿿]", reason.do_zh)
        assert reason.en.isascii()
        assert reason.do_en.isascii()
