"""Settings of how the service is seen from outside: what Prometheus may ask of a worker, and of whom it is told."""

from pydantic import BaseModel, Field


class MetricsSettings(BaseModel):
    """The API shows its metrics at /metrics; a worker has a port for them."""

    host: str = "127.0.0.1"
    """The address that a worker listens at for Prometheus. Ids of schools are in them: keep it to your own network."""
    port: int = Field(default=0, ge=0, le=65_535)
    """The port; each worker of a machine needs its own. 0: a worker shows none."""
    schools: int = Field(default=20, ge=0, le=200)
    """Of so many schools, those whose writebacks have waited longest, there are numbers by school; 0: of none."""
