"""Background services: they run beside the API, in the same process."""
