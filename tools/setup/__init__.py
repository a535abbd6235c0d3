"""Set-up of the repository: a virtual environment and a Pulumi engine. Standard library only."""
