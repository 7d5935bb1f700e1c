"""The drop-in endpoints: apps written for Wonde or Xporter change their base URL to ours, and nothing else."""

from writeback.api.dropin.app import DropInApp

__all__ = ["DropInApp"]
