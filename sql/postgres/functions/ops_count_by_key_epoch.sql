-- Under which key epochs the pseudonyms of a table's rows are, and how many rows each has, with the rights of whoever asks.
-- Rows of nobody have epoch 0 or none.
CREATE OR REPLACE FUNCTION ops.count_by_key_epoch(relation text, epoch_column text)
RETURNS TABLE (epoch bigint, row_count bigint)
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT %1$I::bigint, count(*) FROM %2$s WHERE %1$I > 0 GROUP BY 1 ORDER BY 1', epoch_column, relation::regclass
    );
END
$$;
