"""What holds for every law that Hypothesis tries here: a slow machine is no failure.

In CI the same examples are drawn every time, so that what has not changed does not fail; at a desk new ones
are, so that what nobody has thought of is found.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
