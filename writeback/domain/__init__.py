"""What a writeback is: states, records, outcomes, kinds. Pure: no I/O, no clock."""
