-- Letters that still name somebody. A dropped one does not.
SELECT kind, key_epoch, count(*) FROM privacy.dead_letters WHERE actor_hash <> '' AND key_epoch > 0 GROUP BY 1, 2 ORDER BY 1, 2;
