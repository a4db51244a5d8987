"""One file for each way to reach another party. Only these modules open a connection."""
