"""Figures with their floors: `make bench` prints one JSON object a line.

Each figure is measured beside a floor in the same run on the same machine, and only their ratio means anything
elsewhere. Floors are what the engines themselves cost for the same bytes.
"""
