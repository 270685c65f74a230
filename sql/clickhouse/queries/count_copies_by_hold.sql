-- For which holds there are copies in a table, and how many.
SELECT hold_id, count() AS copies
FROM {held:Identifier}
GROUP BY hold_id;
