-- Other databases of this server that a platform of ours lives in: they share its functions.
SELECT count()
FROM system.tables
WHERE name = 'schema_ledger' AND database != currentDatabase();
