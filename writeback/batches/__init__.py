"""Files of many rows, as schools send them: read into rows, rows into records, bad rows back into a file. Pure.

It knows nothing of SQL, HTTP or the validators; `flow.batches` calls it.
"""
