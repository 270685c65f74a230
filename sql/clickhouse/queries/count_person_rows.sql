-- What is held of a person in a table: rows of their tenant under one of their pseudonyms, which travel beside the
-- statement (`persons`), so that no query log keeps them. Superseded versions of a row are held as well.
SELECT count() AS found, toString(minOrNull({time:Identifier})) AS first, toString(maxOrNull({time:Identifier})) AS last
FROM {table:Identifier}
WHERE org_id = {org_id:String} AND {column:Identifier} IN (SELECT key FROM persons);
