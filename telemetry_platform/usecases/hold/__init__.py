"""Legal holds: placed on a person, kept through retention and erasure, and released."""
