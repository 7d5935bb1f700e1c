"""Wonde: every kind that its document has (`operations`), statuses by poll (8744), lookups by page.

`adapter` does the I/O through `client`. Pure: `payloads` build requests, `outcomes` and `errors` read answers, `hooks`
webhooks, `readings` what the MIS holds, `lists` and `attributes` the lookups, `report` and `schools` the schools.
"""
