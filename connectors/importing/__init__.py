"""Reading what other tools declare about an agency (dlt, Airbyte) and writing it down as a source file of ours."""
