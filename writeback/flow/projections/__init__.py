"""What is derived from the log of events: search, rollups, live streams; and what people are shown of it."""
