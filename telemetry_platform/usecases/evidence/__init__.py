"""Evidence for an auditor: one archive for a period, and whether an archive is what it was made as."""
