"""What every test shares."""

import os

# Before anything imports Prefect or dbt: no telemetry, no hidden server, none of the caller's own settings.
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
for name in [name for name in os.environ if name.startswith("JIFEN_") and name != "JIFEN_REAL_DATA"]:
    del os.environ[name]
