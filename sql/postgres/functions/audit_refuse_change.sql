-- What makes a table append-only: it refuses every change for every role. Two functions are let through, by the call stack:
-- the one that drops an expired month clears what stands beside its rows, and the one that redacts blanks the body of
-- details, which is checked row by row.
--
-- The stack is compared from its beginning, with the whole text of the one statement: a statement's own text is part of the
-- stack, and anybody can write the name of a function into a comment. The statements are those of the two functions, to
-- the letter.
CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF TG_TABLE_NAME IN ('details', 'event_index') AND TG_OP = 'DELETE' AND (
        stack ~ ('^PL/pgSQL function audit\.refuse_change\(\) line \d+ at GET DIAGNOSTICS\n'
            'SQL statement "DELETE FROM audit\.(details d WHERE d|event_index i WHERE i)\.seq '
            'BETWEEN held\.first_seq AND held\.last_seq"\n'
            'PL/pgSQL function audit\.drop_partition\(text\) line \d+ at SQL statement(\n|$)')
        OR stack ~ ('^PL/pgSQL function audit\.refuse_change\(\) line \d+ at GET DIAGNOSTICS\n'
            'SQL statement "DELETE FROM security\.event_index i '
            'WHERE i\.recorded_at >= part\.begins AND i\.recorded_at < part\.ends"\n'
            'PL/pgSQL function security\.drop_partition\(text\) line \d+ at SQL statement(\n|$)')
    ) THEN
        IF TG_LEVEL = 'STATEMENT' THEN
            RETURN NULL;
        END IF;
        RETURN OLD;
    END IF;
    IF TG_TABLE_SCHEMA = 'audit' AND TG_TABLE_NAME = 'details' AND TG_OP = 'UPDATE'
        AND stack ~ ('^PL/pgSQL function audit\.refuse_change\(\) line \d+ at GET DIAGNOSTICS\n'
            'SQL statement "UPDATE audit\.details d SET body = NULL WHERE d\.seq = target"\n'
            'PL/pgSQL function audit\.redact\(bigint,jsonb\) line \d+ at SQL statement(\n|$)')
    THEN
        IF TG_LEVEL = 'STATEMENT' THEN
            RETURN NULL;
        END IF;
        IF to_jsonb(NEW) = to_jsonb(OLD) || jsonb_build_object('body', NULL) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '%.% is append-only: % is refused for every role', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'TL002';
END
$$;
