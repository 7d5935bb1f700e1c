"""Takes writebacks from school apps and tracks each until there is evidence that it is in the MIS."""

__version__ = "0.1.0"
