"""One file per way of reaching another house. Only these modules open a connection."""
