"""What a school says of itself, for all of its records: defaults, its year, words for codes."""
