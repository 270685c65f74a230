-- Days (UTC) on which a held person has rows from before a cut-off; their pseudonyms travel beside the statement (`persons`).
SELECT DISTINCT toDate({time:Identifier}, 'UTC') AS day
FROM {table:Identifier}
WHERE org_id = {org_id:String} AND {person:Identifier} IN (SELECT key FROM persons)
    AND {time:Identifier} < {cut_off:DateTime64(3, 'UTC')}
ORDER BY day;
