"""Batches: files of many rows. Upload, read, check, queue; what is bad comes back as the same file.

Each step goes through the file in pieces. A piece is one transaction that also moves the batch's cursor: after a crash,
work resumes at the last piece, and no row is taken twice.
"""
