"""The drop-in doors: apps written for Wonde or Xporter change their base URL to ours, and nothing else."""

from writeback.api.dropin.app import Door

__all__ = ["Door"]
