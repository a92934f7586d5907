"""Settings of every test: a busy machine must not fail a property by its own slowness."""

from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
