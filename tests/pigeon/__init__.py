"""A third provider, which takes session marks and nothing else: what docs/extending.md asks for, and no more.

`descriptor` says what the rest of the code needs to know, `adapter` does the I/O. Pure: `payloads` build requests,
`outcomes` read answers, `readings` what the MIS holds. `rules.toml` are its rules, `loft` is its simulated side, which
knows nothing of the others.
"""
