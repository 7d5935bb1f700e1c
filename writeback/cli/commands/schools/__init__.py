"""`writeback schools`: the registry, how a school comes into it, and its lists."""
