CREATE SCHEMA IF NOT EXISTS privacy;
COMMENT ON SCHEMA privacy IS 'Pseudonym keys (wrapped) and dead letters (scrubbed).';
