"""The service itself: health, documentation, schemas, what each error means."""
