"""`writeback_client` under the name that it had before it was a distribution of its own."""

from writeback_client import *  # noqa: F403
from writeback_client import __all__ as __all__
