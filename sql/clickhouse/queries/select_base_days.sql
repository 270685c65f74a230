-- The days (UTC) of which a table has rows: what was never marked is found by looking, not by asking the marks.
SELECT DISTINCT toDate32({time:Identifier}) AS day
FROM {table:Identifier};
