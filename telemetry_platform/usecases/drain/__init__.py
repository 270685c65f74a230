"""The drain: moves the landing queue into the stores, exactly once in effect. `run.drain` is the whole of it."""
