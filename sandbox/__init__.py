"""Agencies, banks and channels on loopback, with two populations to serve: for the demo and the tests.

- `district.py` makes the made-up population: `model.py` says what is true of an enterprise, each `district_<topic>.py`
  draws some of it, and `district_feeds.py` writes it down as each agency does. What is wrong or rare on purpose is
  planted by `district_faults.csv`, `district_kin.py` and `district_<topic>_edges.py`.
- `listed.py` cuts the other population out of real data; `listed_zone.yml` says what it does not have.
- `standin/` is the one engine of agencies: any of them, made from its source file. `samples/` are source files, one of
  every kind, and `faults/` what an agency can do wrong.
- `serve.py` is the process of all agencies, `start.py` starts it and gives it orders.
- `acceptance/` judges a source against its stand-in, or against the real agency.
- `planting/` and `clean_nights/` are sweeps of developers: faults planted into a night, and nights without any.
"""
