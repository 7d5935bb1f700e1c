"""What people do with writebacks: resubmit, cancel, resolve, check."""
