"""Files made to break us: however they are built, the process stays within 512 MB and says what is wrong."""

import json
import subprocess
import sys

import pytest

from connectors.json_text import loads

LIMIT_MB = 512

CHILD = """
import gzip, io, json, os, resource, sys, zipfile
import duckdb, pyarrow.parquet
import connectors.drivers.rest, connectors.drivers.database
from connectors.decoders.decode import decode
from connectors.spec import Dataset

MB = 1 << 20

def workbook(sheet, texts=b"<s/>"):
    kinds = (b"worksheet", b"sheetData"), (b"sharedStrings", b"texts")
    links = b"".join(b'<Relationship Id="%s" Type="x/%s" Target="%s.xml"/>' % (n, k, n) for k, n in kinds)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", '<r><Relationship Id="a" Type="x/officeDocument" Target="xl/w.xml"/></r>')
        archive.writestr("xl/w.xml", '<w xmlns:r="q"><sheets><sheet name="s" r:id="sheetData"/></sheets></w>')
        archive.writestr("xl/_rels/w.xml.rels", b"<r>" + links + b"</r>")
        archive.writestr("xl/sheetData.xml", sheet)
        archive.writestr("xl/texts.xml", texts)
    return buffer.getvalue()

def zipped(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.csv", "w") as member:
            for block in content:
                member.write(block)
    return buffer.getvalue()

HEAD = b'<s><sheetData><row><c t="str"><v>a</v></c></row>'
BODIES = {
    "gzip": lambda: b"".join([gzip.compress(b"0" * (10 * MB))] * 14),
    "zip": lambda: zipped(b"0" * MB for _ in range(140)),
    "astral": lambda: gzip.compress(b"a,b\\n" + ("\\U0001f600" + "x" * 5000 + ",1\\n").encode() * 20_000, 1),
    "objects": lambda: b"[" + b"{}," * (20 * MB) + b"{}]",
    "lists": lambda: b"[" + b"[]," * (20 * MB) + b"[]]",
    "depth": lambda: b"[" * (60 * MB),
    "wide text": lambda: b'[{"a":"' + b"x" * (60 * MB) + "\\U0001f600".encode() + b'"}]',
    "many fields": lambda: b"[" + b",".join(b'{"%d":1}' % n for n in range(800_000)) + b"]",
    "long line": lambda: b"[" + b"[]," * (20 * MB) + b"{}]",
    "heavy lines": lambda: (b"[" + b"{}," * 650_000 + b"{}]\\n") * 8,
    "no line end": lambda: b"a" * (60 * MB),
    "one row": lambda: b"a,b\\n" + b'"\\n",' * (15 * MB),
    "header": lambda: b"a," * (30 * MB),
    "children": lambda: b"<x><r>" + b"<a/>" * (15 * MB) + b"</r></x>",
    "nested": lambda: b"<x>" + b"<a>" * (15 * MB),
    "attributes": lambda: b"<x><r " + b" ".join(b'a%d=""' % n for n in range(700_000)) + b"/></x>",
    "comment": lambda: b"<x><!--" + b"x" * (60 * MB) + b"--><r/></x>",
    "cells": lambda: workbook(HEAD + b"<row>" + b"<c/>" * (20 * MB) + b"</row></sheetData></s>"),
    "texts": lambda: workbook(HEAD + b"</sheetData></s>", b"<s>" + b"<si><t>a</t></si>" * (3 * MB) + b"</s>"),
}
column = {"name": "a", "data_type": "varchar", "source_field": "a", "required": True}
watch = {"unwatched": "made for a test"}
def outcome(name, decoder):
    dataset = Dataset.model_validate(dict(
        source="tax", name="x", description="x", critical=False, coverage="partial", load="snapshot", key=("a",),
        request={"folder": "x", "pattern": "*"}, decoder=decoder, volume={"floor": 0, "ceiling": 1},
        freshness=watch, continuity=watch, columns=(column,),
    ))
    told = None
    try:
        for chunk in decode(dataset, "f", BODIES[name]()):
            pass
    except Exception as error:
        told = type(error).__name__
    return {"name": name, "told": told, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}

# One process for each bomb, so that each has its own peak; forked, so that the imports are paid for once.
for name, decoder in json.loads(sys.argv[1]):
    if (child := os.fork()) == 0:
        print(json.dumps(outcome(name, decoder)), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""

CSV, JSON, LINES = {"kind": "csv"}, {"kind": "json"}, {"kind": "jsonl"}
XML, XLSX = {"kind": "xml", "record": "r"}, {"kind": "xlsx"}
BOMBS = [
    ("gzip", {**CSV, "archive": "gzip"}, "DataError"),
    ("zip", {**CSV, "archive": "zip"}, "DataError"),
    ("astral", {**CSV, "archive": "gzip"}, None),
    *((name, JSON, "DataError") for name in ("objects", "lists", "depth", "wide text", "many fields")),
    ("long line", LINES, "DataError"),
    ("heavy lines", LINES, None),
    *((name, CSV, "DataError") for name in ("no line end", "one row", "header")),
    *((name, XML, "DataError") for name in ("children", "nested", "attributes", "comment")),
    *((name, XLSX, "DataError") for name in ("cells", "texts")),
]


@pytest.fixture(scope="module")
def outcomes():
    asked = json.dumps([(name, decoder) for name, decoder, _ in BOMBS])
    done = subprocess.run([sys.executable, "-c", CHILD, asked], capture_output=True, text=True, timeout=300, check=True)
    return {found["name"]: found for found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize(("name", "told"), [(name, told) for name, _, told in BOMBS], ids=[bomb[0] for bomb in BOMBS])
def test_a_bomb_is_told_and_does_not_fill_memory(outcomes, name, told):
    assert outcomes[name]["told"] == told
    assert outcomes[name]["peak"] < LIMIT_MB


@pytest.mark.parametrize(
    "text", ["\\ud800", "\\u0000", "\\u202e", "\\ufeff"], ids=["surrogate", "nul", "bidi", "mark"]
)  # fmt: skip
def test_an_odd_character_reaches_its_column_as_it_was_sent(text):
    assert loads(f'[{{"a": "{text}"}}]'.encode()) == [{"a": json.loads(f'"{text}"')}]


def test_a_number_too_long_for_any_column_does_no_harm():
    assert loads(b'{"a": 1e999999999, "b": ' + b"1" * 4000 + b"}")["a"] == "1e999999999"
    with pytest.raises(ValueError, match=r".+"):
        loads(b"1" * 5000)
