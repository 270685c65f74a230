TRUNCATE TABLE erasure_scratch;
