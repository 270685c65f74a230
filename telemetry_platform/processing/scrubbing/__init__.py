"""The rules of the scrubber, one file for each kind of what identifies a person; `processing/scrub.py` applies them."""
