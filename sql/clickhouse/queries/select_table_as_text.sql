-- All that a table holds, with what a lightweight delete only hides.
SELECT * FROM {database:Identifier}.{table:Identifier};
