"""What compliance relies on: keys, exclusions, erasures, and the checks that they were respected."""
