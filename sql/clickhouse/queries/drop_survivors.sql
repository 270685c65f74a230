DROP TABLE IF EXISTS {survivors:Identifier} SYNC;
