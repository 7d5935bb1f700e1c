"""Settings of how the service is seen from outside: metrics and traces."""

from pydantic import BaseModel, Field


class MetricsSettings(BaseModel):
    """The API shows its metrics at /metrics; a worker has a port for them."""

    host: str = "127.0.0.1"
    """The address that a worker listens at for Prometheus. Ids of schools are in them: keep it to your own network."""
    port: int = Field(default=0, ge=0, le=65_535)
    """The port; each worker of a machine needs its own. 0: a worker shows none."""
    schools: int = Field(default=20, ge=0, le=200)
    """Of so many schools, those whose writebacks have waited longest, there are numbers by school; 0: of none."""


class TracingSettings(BaseModel):
    """Traces, by OpenTelemetry. They have ids, times and words of our own, and nothing of pupils."""

    endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Where a collector takes OTLP over HTTP, e.g. `http://collector:4318`; empty: nothing is traced. Headers, and how
    much is kept, are OpenTelemetry's own variables: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`."""
