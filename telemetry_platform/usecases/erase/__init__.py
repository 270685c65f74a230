"""The right to erasure: asked for, swept out of every table, and certified."""
