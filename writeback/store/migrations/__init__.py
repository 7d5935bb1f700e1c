"""The schema's history, run by `writeback.store.sql.migrate`. One file a step, serving SQLite and PostgreSQL alike."""
