"""SQLite as a database for several at a time, for every Django that is supported. Django finds it by its name."""
