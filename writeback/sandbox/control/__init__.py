"""The control plane, `/_sandbox/…`. It is ours and plays no provider; errors are `{"error": {"code", "message"}}`."""
