"""The HTTP front door: events come in here, are reduced here, and rest nowhere in raw form."""
