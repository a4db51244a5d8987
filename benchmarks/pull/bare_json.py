"""The floor with the standard library's reader: requests, json, a Parquet row group a page; nothing kept or checked.

python benchmarks/pull/bare_json.py BASE_URL OUT
"""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import requests
from clock import Clock

SIZE = 1000


def main(base_url: str, out: Path) -> None:
    """Ask page after page until an empty one; write each as it comes."""
    clock = Clock()
    path, page, writer = out / "statements.parquet", 1, None
    with requests.Session() as session:
        session.headers["X-Api-Key"] = "bench"
        while True:
            answer = session.get(f"{base_url}/statements", params={"page": str(page), "size": str(SIZE)}, timeout=30)
            answer.raise_for_status()
            items = json.loads(answer.content)["data"]["items"]
            if not items:
                break
            table = pa.Table.from_pylist(items)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            page += 1
    if writer is not None:
        writer.close()
    clock.report(path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
