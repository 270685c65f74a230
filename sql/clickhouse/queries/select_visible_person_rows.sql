-- The same rows as they lie there, the oldest first.
SELECT *
FROM {table:Identifier}
WHERE org_id = {org_id:String} AND {column:Identifier} IN (SELECT key FROM persons)
    AND {time:Identifier} >= {since:DateTime64(3, 'UTC')}
ORDER BY {time:Identifier}
LIMIT {limit:UInt64};
