"""What the providers' documents say, row by row, and where that is done and tested here: docs/coverage/*.toml."""
