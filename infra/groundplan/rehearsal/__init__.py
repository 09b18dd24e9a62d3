"""A stack's whole life, tried out: under the real engine in the simulated cloud, or in-process as a plan."""
