-- The time of the oldest row; NULL for an empty table.
SELECT minOrNull({time:Identifier}) FROM {table:Identifier};
