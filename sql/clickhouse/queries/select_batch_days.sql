-- The days of what a batch has stored, in whichever of its tries.
SELECT DISTINCT toDate32({time:Identifier}) AS day
FROM {table:Identifier}
WHERE batch_id = {batch_id:String};
