"""Where keys, counters and cached answers live, in memory, in SQLite or in Redis."""
