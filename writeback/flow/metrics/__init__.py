"""What Prometheus is shown. Called by the API's /metrics and by the port of a worker; changes nothing."""
