-- The persons behind all media but one, by one dimension: what is left of a group when one medium is taken from it.
SELECT v.value AS value, groupUniqArrayArray(v.few_actors) AS marks
FROM media_health_hourly AS v
WHERE v.org_id = {org:String}
    AND v.media_id != {media:String}
    AND v.dimension = {dimension:String}
    AND v.hour >= {since:DateTime64(3, 'UTC')}
    AND v.hour < {until:DateTime64(3, 'UTC')}
GROUP BY value;
