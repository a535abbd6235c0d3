"""Clouds without an account: provider plugins that the real Pulumi engine talks to."""
