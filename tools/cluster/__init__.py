"""Real Kubernetes components for the tests: pinned, built or fetched once, kept in the cache folder."""
