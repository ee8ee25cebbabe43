"""What every generated package shares: copied verbatim, so that a package needs httpx and pydantic and nothing else."""
