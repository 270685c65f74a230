-- Retention runs are append-only, but for one thing: they expire themselves. Who removes them is told by the call stack, so
-- that no role, the owner neither, changes or removes one in any other way.
--
-- The stack quotes the text of the statement, which whoever sends one chooses, comments and all: so its beginning is compared
-- as a whole, the one statement of that function with it. Nothing can follow on that statement's last word in a quotation
-- mark and still be SQL.
CREATE OR REPLACE FUNCTION privacy.refuse_retention_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF TG_OP = 'DELETE' AND stack ~ (
        '^PL/pgSQL function privacy\.refuse_retention_change\(\) line \d+ at GET DIAGNOSTICS\n'
        'SQL statement "DELETE FROM privacy\.retention_runs r WHERE r\.number <= upto"\n'
        'PL/pgSQL function privacy\.expire_retention_runs\(\) line \d+ at SQL statement(\n|$)'
    ) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '%.% is append-only: % is refused for every role', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'TL002';
END
$$;
