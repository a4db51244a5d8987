# Two commands matter: `make demo` and `make test`. Both set up all they need in .venv first.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
# Nothing here phones home; what is installed is compiled once, whatever the shell says.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export UV_PYTHON_DOWNLOADS := never
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup parse demo test unit lint lint-python lint-types lint-imports lint-sql lock clean bench-pull bench-score bench-night foreign-clients planted-faults clean-nights sbom audit dictionary

help:
	@echo "make demo   set up, then run one whole night on loopback and show what came of it"
	@echo "make test   set up, lint, and run every test"
	@echo "make unit   the fast tests only"
	@echo "make lint   ruff, mypy --strict, sqlfluff, import directions"
	@echo "make foreign-clients  have dlt and Airbyte read all records of the sandbox's REST agencies"
	@echo "make bench-pull  pull 200,000 records with each client and print CPU, time and memory: minutes"
	@echo "make bench-score score 10,000 and 100,000 made-up enterprises four ways, and print the same: ten minutes"
	@echo "make bench-night the night after ingest by step, over 702, 10,000 and 100,000 enterprises: ten minutes"
	@echo "make dictionary  the data dictionary and lineage as one page, from dbt's own docs"
	@echo "make sbom   what is installed, as CycloneDX; make audit: what is known to be unsafe of it (needs a network)"
	@echo "make lock   resolve the dependencies anew into requirements/"

setup: .venv/ready
	@$(if $(filter setup,$(MAKECMDGOALS)),echo "ready. Next: make demo",:)

.venv/ready: requirements/all.lock requirements/uv.lock pyproject.toml
	@echo "setting up .venv: about a minute, once"
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. Debian: apt-get install python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python has no venv. Installing it needs root: apt-get install python3-venv"; \
		[ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements/all.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(MAKE) --no-print-directory parse
	@touch $@

# dbt's parse of the project, which a first night takes over: 3 to 4 s of it.
parse:
	@JIFEN_INPUTS=inputs JIFEN_AS_OF=2025-06-30 JIFEN_RULESET= JIFEN_WAREHOUSE=candidate.duckdb \
		$(BIN)/dbt --quiet parse --project-dir $(CURDIR)/dbt_project --profiles-dir $(CURDIR)/dbt_project --target night --log-path dbt_project/logs \
		|| { echo "dbt cannot read the models: fix what it names. A source stands in connectors/sources/ before a model reads it; jifen ruleset check says more."; exit 1; }

demo: setup
	@command -v gpg >/dev/null || [ "$$(id -u)" != 0 ] || { echo "installing GnuPG, which seals packages to banks: apt-get install gnupg"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gnupg >/dev/null; } || true
	$(BIN)/jifen demo

# One worker more than cores, since tests of deadlines wait; four at most, since each may hold a warehouse of its own.
# tests/workers.py says which tests stay together. A test by hand needs none of it: `.venv/bin/pytest tests/...`.
test: lint
	@command -v mariadbd >/dev/null || [ "$$(id -u)" != 0 ] || { echo "installing MariaDB for its tests: apt-get install mariadb-server"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mariadb-server >/dev/null; } || true
	@test -x /usr/lib/openssh/sftp-server -o -x /usr/libexec/openssh/sftp-server || [ "$$(id -u)" != 0 ] || { \
		echo "installing OpenSSH's sftp-server for its tests: apt-get install openssh-sftp-server"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-sftp-server >/dev/null; } || true
	@command -v minisign >/dev/null || [ "$$(id -u)" != 0 ] || { echo "installing minisign for its tests: apt-get install minisign"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends minisign >/dev/null; } || true
	@command -v gpg >/dev/null || [ "$$(id -u)" != 0 ] || { echo "installing GnuPG for its tests: apt-get install gnupg"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gnupg >/dev/null; } || true
	@command -v age >/dev/null || [ "$$(id -u)" != 0 ] || { echo "installing age for its tests: apt-get install age"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends age >/dev/null; } || true
	@command -v apache2 >/dev/null || [ "$$(id -u)" != 0 ] || { echo "installing Apache, whose WebDAV takes packages in tests: apt-get install apache2"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends apache2 >/dev/null; } || true
	$(BIN)/pytest --numprocesses $$(( $$(nproc) < 4 ? $$(nproc) + 1 : 4 ))

unit: setup
	$(BIN)/pytest tests/unit

# Two at a time, the two dear ones first.
lint: setup
	@$(MAKE) --no-print-directory --jobs 2 lint-types lint-sql lint-python lint-imports

lint-types: setup
	$(BIN)/mypy

# What is linted is what runs: the models as dbt compiles them, upon empty tables in memory.
lint-sql: setup
	$(BIN)/dbt --quiet build --project-dir dbt_project --profiles-dir dbt_project --target scratch --vars '{as_of: "2025-06-30"}' \
		--exclude-resource-type test unit_test --target-path $(CURDIR)/dbt_project/target/lint --log-path dbt_project/logs
	$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 dbt_project/target/lint/compiled/jifen/models

lint-python: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-imports: setup
	$(BIN)/lint-imports

foreign-clients: setup
	$(BIN)/pytest tests/foreign

bench-pull: setup
	$(BIN)/python benchmarks/pull/run.py

bench-score: setup
	$(BIN)/python benchmarks/scoring/run.py

bench-night: setup
	$(BIN)/python benchmarks/night/run.py

# Every kind of planted fault at three strengths, and what stopped it: seven minutes on two cores.
planted-faults: setup
	$(BIN)/python -m sandbox.planting

# Two hundred nights in which nothing is wrong, and what was held all the same: some 20 minutes on two cores.
clean-nights: setup
	$(BIN)/python -m sandbox.clean_nights

# What is installed, with versions and licences, as CycloneDX; and what is known to be unsafe of it. The audit fetches its tool and
# asks PyPI, and fails where it could not ask: on a machine without a way out, carry requirements/all.lock to one that has.
SBOM ?= sbom.cdx.json
sbom: setup
	$(BIN)/cyclonedx-py environment --no-validate --output-reproducible --output-format JSON --pyproject pyproject.toml -o $(SBOM) .venv

audit: setup
	$(BIN)/uv tool run --quiet --from 'pip-audit>=2.9,<3' pip-audit --strict --require-hashes --disable-pip -r requirements/all.lock

# Every model, column and where it comes from, in Chinese and English: one page, without a server.
DICTIONARY = --project-dir dbt_project --profiles-dir dbt_project --target scratch --vars '{as_of: "2025-06-30"}' \
	--target-path $(CURDIR)/dbt_project/target/dictionary --log-path dbt_project/logs
dictionary: setup
	@$(BIN)/dbt --quiet parse $(DICTIONARY)
	@$(BIN)/dbt --quiet docs generate --static --empty-catalog --no-compile $(DICTIONARY)
	@echo "dbt_project/target/dictionary/static_index.html"

lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade pyproject.toml --group dev -o requirements/all.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade requirements/uv.in -o requirements/uv.lock

clean:
	rm -rf .venv data/demo-* data/sandbox benchmarks/.venvs
