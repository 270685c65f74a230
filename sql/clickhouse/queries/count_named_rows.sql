-- Rows of a person from before a moment, also superseded versions; their pseudonyms travel beside the statement (`persons`).
SELECT count() AS found
FROM {table:Identifier}
WHERE org_id = {org_id:String} AND {column:Identifier} IN (SELECT key FROM persons)
    AND least(received_at, {time:Identifier}) <= {erased_at:DateTime64(3, 'UTC')};
