"""What the columns of a file are: proposed by looking, confirmed by a person; and how rows are read by that. Pure.

Read in this order: `mapping` (what was decided), `proposal` (what looking at a file comes to), `propose`, `unfold`.
"""
