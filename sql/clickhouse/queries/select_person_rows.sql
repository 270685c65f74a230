-- The same rows as they lie there, the oldest first.
SELECT *
FROM {table:Identifier}
WHERE org_id = {org_id:String} AND {column:Identifier} IN (SELECT key FROM persons)
ORDER BY {time:Identifier}
LIMIT {limit:UInt64};
