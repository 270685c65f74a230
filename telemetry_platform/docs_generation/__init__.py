"""Pages of `docs/` that follow from code: written by `make docs`, never by hand, and held current by a test."""
