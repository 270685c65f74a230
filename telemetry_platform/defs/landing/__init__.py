"""The landing queue: its streams as external assets, the sensor that looks at it, the job that drains it."""
