"""Version 4: runs are counted, so that the newest is known even after the clock was changed. Not released yet."""

from alembic.operations import Operations
from sqlalchemy import Column, Integer

_COUNTED = """
update runs
set run_no = counted.number
from (select run_id, row_number() over (order by started_at, run_id) as number from runs) as counted
where counted.run_id = runs.run_id
"""


def upgrade(op: Operations) -> None:
    """Make a ledger of version 4 out of one of version 3."""
    op.add_column("runs", Column("run_no", Integer))
    op.execute(_COUNTED)
