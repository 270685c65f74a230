-- Rows of a table whose rows are versions: FINAL, since a merge may not have happened yet.
SELECT count() FROM {table:Identifier} FINAL;
