-- The events that a batch has already stored: what a second attempt reads back before it inserts what is missing.
SELECT toString(event_id) AS event_id, org_id
FROM {table:Identifier}
WHERE batch_id = {batch_id:String}
    AND {time:Identifier} >= {since:DateTime64(3, 'UTC')};
