"""Bytes in, bytes out: agencies are pulled and landed, recipients are pushed to. No rule of the domain lives here."""
