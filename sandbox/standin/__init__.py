"""A simulated agency made from nothing but a source file: seeded records, its way of answering, and planned faults.

`records.py` holds what the agency has (`rows.py` and `values.py` make it up), `encode.py` and `sheets.py` turn it into
bytes. An `office.py` answers HTTP: `routes.py` and `gate.py` see what is asked and by whom, `pages.py` cuts the list,
`wire.py` sends. `files.py` and `sftp.py` show folders, `tables.py` a database. A fault of the plan (`faults.py`,
`kinds.py`) begins at a stage: `planted.py` and `drift.py` change records, `struck.py` answers, `spoilt_files.py` files.
"""
