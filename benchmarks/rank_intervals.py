"""CPU and memory of the rank intervals over made-up points: 40 indicators, a tenth of them missing, 1,000 draws."""

import argparse
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from editions.rank_intervals import fill_rank_intervals

MODEL = Path(__file__).resolve().parents[1] / "dbt_project" / "models" / "programme" / "rank_intervals.sql"
MADE_UP = """
create table points as
select firm as uscc, code as indicator_code, cast(hash(firm * 100 + code) % 1000 as decimal(18, 6)) / 100 as points,
    cast(10 as decimal(18, 6)) as points_maximum, hash(firm * 7 + code) % 10 <> 0 as is_counted
from range({firms}) as firms(firm) cross join range(40) as codes(code);
create table rankings as
select uscc, stage, rank() over (order by score desc) as rank_overall,
    rank() over (partition by stage order by score desc) as rank_in_stage, true as is_ranked
from (
    select uscc, hash(uscc) % 5 as stage,
        100 * cast(cast(sum(points) * 1000000 as bigint) as double)
        / cast(cast(sum(points_maximum) * 1000000 as bigint) as double) as score
    from points where is_counted group by uscc
);
create table ruleset_in_force as select date '2025-06-30' as as_of;
create table public_lists (list_id varchar, version varchar, valid_from date, valid_to date);
insert into public_lists values ('list', '1', '2025-01-01', null);
create table public_list_bands (list_id varchar, version varchar, band_no integer, top_pct decimal(9, 4));
insert into public_list_bands values ('list', '1', 1, 5), ('list', '1', 2, 10), ('list', '1', 3, 20);
create table public_list (band_no integer);
"""


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("firms", nargs="*", type=int, default=[700, 10_000, 100_000])
    sys.stdout.write("enterprises   CPU s   peak MB\n")
    for firms in parser.parse_args().firms:
        with tempfile.TemporaryDirectory() as folder:
            warehouse = Path(folder) / "candidate.duckdb"
            with duckdb.connect(str(warehouse)) as connection:
                connection.execute(MADE_UP.format(firms=firms))
                columns = re.sub(r"{{ ref\('(\w+)'\) }}", r"\1", MODEL.read_text(encoding="utf-8"))
                connection.execute(f"create table rank_intervals as {columns}")
            begun = time.process_time()
            fill_rank_intervals(warehouse, Path(folder))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            sys.stdout.write(f"{firms:11,} {time.process_time() - begun:7.1f} {peak:9,}\n")


if __name__ == "__main__":
    main()
