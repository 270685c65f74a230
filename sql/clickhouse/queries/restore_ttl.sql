-- Nobody is held any more. Parts are not rewritten for it: retention has deleted what it would, and merges take the rest.
ALTER TABLE {table:Identifier} MODIFY TTL {ttl:Text} SETTINGS materialize_ttl_after_modify = 0;
