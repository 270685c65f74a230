-- Rows from before the cut-off, superseded versions too, and the oldest of them. Partitions after it are not read.
SELECT count() AS expired, minOrNull({time:Identifier}) AS oldest
FROM {table:Identifier}
WHERE {time:Identifier} < {cut_off:DateTime64(3, 'UTC')};
