-- A whole table as it lies there.
SELECT * FROM {table:Identifier};
