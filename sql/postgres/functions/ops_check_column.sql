-- Counts the values of a column that match a pattern, or that do not, among the rows whose time is not before `since`.
-- Runs with the rights of whoever asks, so that it shows nobody more than they may read, and returns counts only.
CREATE OR REPLACE FUNCTION ops.check_column(
    relation text, column_name text, pattern text, must_match boolean, time_column text, since timestamptz,
    OUT looked_at bigint, OUT wrong bigint
)
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format(
        'SELECT count(%1$I), count(*) FILTER (WHERE %1$I IS NOT NULL AND (%1$I::text ~ $1) IS DISTINCT FROM $2) '
        'FROM %2$s WHERE %3$I >= $3',
        column_name, relation::regclass, time_column
    ) INTO looked_at, wrong USING pattern, must_match, since;
END
$$;
