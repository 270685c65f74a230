-- Under which key epochs the pseudonyms of a table's rows are, and how many rows each has. Rows of nobody have epoch 0.
SELECT ifNull({column:Identifier}, 0) AS epoch, count() AS rows
FROM {table:Identifier}
WHERE epoch > 0
GROUP BY epoch
ORDER BY epoch;
