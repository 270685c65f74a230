-- Ends inserts of earlier attempts that may still be running, and waits until they are gone: all whose id begins with
-- the batch's, its halves' included.
KILL QUERY WHERE startsWith(query_id, concat({target:String}, ':')) OR startsWith(query_id, concat({target:String}, '/'))
SYNC;
