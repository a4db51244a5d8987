"""What happened: runs, batches, pages, editions, deliveries and messages, in one small database; and the settings."""
