KILL MUTATION
WHERE database = currentDatabase() AND table = {table:String} AND mutation_id = {mutation_id:String}
SYNC;
