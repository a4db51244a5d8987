"""What is published: a candidate is built, sealed into an edition, verified, and pointed at by `current`."""
