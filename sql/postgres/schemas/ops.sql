CREATE SCHEMA IF NOT EXISTS ops;
COMMENT ON SCHEMA ops IS 'What operations keep: the ledger of schema changes.';
