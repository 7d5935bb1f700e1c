"""Outgoing webhooks on the wire: which addresses may be called, signatures, sending. `flow/webhooks` decides."""
