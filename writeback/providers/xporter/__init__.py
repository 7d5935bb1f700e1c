"""Xporter (Groupcall): marks (13916, 14007), conduct (14174, 14286), detentions (14488) and what it does not describe
(14663-14830); results by callback (14119, 14351).

`adapter` does the I/O. Beside it, pure: `payloads` build requests, `outcomes` read answers with `messages`, `callbacks`
read what is called back, `readings` what the MIS holds, `lists` the lookups, `report` what is said of schools.
"""
