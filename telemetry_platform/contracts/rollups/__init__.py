"""One file per rollup, each with ROLLUP: what is counted, by what, and from which base."""
