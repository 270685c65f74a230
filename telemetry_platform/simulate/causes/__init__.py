"""Sessions whose true cause is known: what line, CDN, device and API do to a player, and what it says of it."""
