"""The one place that states the version; packaging, the CLI and the changelog test read it."""

__version__ = "0.1.0"
