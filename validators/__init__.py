"""Pure validation: a payload, a school and its lookups go in, findings come out."""
