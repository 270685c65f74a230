SELECT item, checksum, at_change, how
FROM schema_ledger
ORDER BY written_at DESC
LIMIT 1 BY item
