"""Data subjects: all that is kept of one pupil or member of staff, given out and erased; schools and apps that leave.

`places.py` says where something of a person may lie; everything else here follows from it.
"""
