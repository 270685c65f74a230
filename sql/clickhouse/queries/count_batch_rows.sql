-- How many rows a batch has stored: an insert that was acknowledged is believed only when they are there.
SELECT uniqExact(org_id, event_id) AS stored
FROM {table:Identifier}
WHERE batch_id = {batch_id:String}
    AND {time:Identifier} >= {since:DateTime64(3, 'UTC')};
