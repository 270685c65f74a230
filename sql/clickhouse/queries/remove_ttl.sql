-- While somebody is held, merges delete nothing; retention goes on, and leaves held rows alone.
ALTER TABLE {table:Identifier} REMOVE TTL;
