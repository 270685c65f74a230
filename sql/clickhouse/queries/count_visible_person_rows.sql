-- The same as count_person_rows of a table whose rows expire: those that have are not shown, whether or not they are gone.
SELECT count() AS found, toString(minOrNull({time:Identifier})) AS first, toString(maxOrNull({time:Identifier})) AS last
FROM {table:Identifier}
WHERE org_id = {org_id:String} AND {column:Identifier} IN (SELECT key FROM persons)
    AND {time:Identifier} >= {since:DateTime64(3, 'UTC')};
