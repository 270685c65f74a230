"""The tables that events come to rest in, and what must be true of them."""
