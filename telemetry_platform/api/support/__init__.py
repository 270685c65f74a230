"""The pages that people of support read: find, list, one session, and how the platform stands."""
