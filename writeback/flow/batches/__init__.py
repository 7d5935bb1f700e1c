"""Batches: files of many rows. Upload, read, check, queue; what is bad comes back as the same file.

Each step goes through the file in pieces, and each piece is one transaction that also moves the batch's cursor: what
dies in the middle goes on from the last piece, and no row is taken twice.
"""
