"""Columns, contract, merge key, a flag for deleted records, a paginator that dlt shall find by itself."""

from dlt.sources.rest_api import rest_api_source

source = rest_api_source(
    {
        "client": {
            "base_url": "https://payroll.example/api",
            "auth": {"type": "api_key", "name": "X-Key", "api_key": "${PAYROLL_KEY}", "location": "header"},
        },
        "resources": [
            {
                "name": "payroll_runs",
                "merge_key": "month",
                "write_disposition": "merge",
                "schema_contract": {"tables": "evolve", "columns": "discard_value", "data_type": "freeze"},
                "max_table_nesting": 1,
                "columns": {
                    "run_no": {"data_type": "text", "primary_key": True, "nullable": False},
                    "month": {"data_type": "date", "nullable": False},
                    "paid": {"data_type": "decimal", "precision": 18, "scale": 2},
                    "head_count": {"data_type": "bigint"},
                    "deleted": {"data_type": "bool", "hard_delete": True},
                    "lines": {"data_type": "json"},
                },
                "endpoint": {"path": "runs", "data_selector": "data", "params": {"limit": 100}},
            },
            {
                "name": "run_files",
                "primary_key": "file_no",
                "write_disposition": "append",
                "endpoint": {
                    "path": "files",
                    "data_selector": "data",
                    "paginator": "single_page",
                    "params": {"run": "{resources.payroll_runs.run_no}"},
                },
            },
        ],
    }
)
