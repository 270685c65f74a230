-- Guards against DDL that would open the trail: they belong to the server's superuser, whom no service uses, so that the
-- schema's owner cannot take them away. `telemetry schema bootstrap` makes them where its administrator is one; where they
-- cannot be, the hourly check `audit_guards_are_in_place` still tells what was done. Safe to repeat.
--
-- Refused, for everybody: to drop a table or a column of the schemas audit and security, a trigger or a function that guards
-- them, the constraint of the six years, or these schemas; to switch a guarding trigger off, rename it or move it elsewhere
-- with its table; to detach a partition; to write a table anew (`ALTER COLUMN ... TYPE ... USING` changes every row and fires
-- no trigger for rows). A superuser who must can say `SET event_triggers = off`, and the check and the verification will
-- tell.
--
-- Stacks are compared from their beginning, with the whole text of the statement: that is part of the stack, and anybody can
-- write the name of a function into a comment.
CREATE SCHEMA IF NOT EXISTS guards;
REVOKE ALL ON SCHEMA guards FROM PUBLIC;

CREATE OR REPLACE FUNCTION guards.refuse_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stack text;
    doomed record;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF stack ~ ('^PL/pgSQL function guards\.refuse_drop\(\) line \d+ at GET DIAGNOSTICS\n'
        'SQL statement "(DROP TABLE (audit|security)\.\w+|SELECT "?\w+"?\.drop_chunks\([^()"]*\))"\n'
        'PL/pgSQL function audit\.drop_expired\(regclass,text,timestamp with time zone\) line \d+ at EXECUTE\n')
        OR stack ~ ('^PL/pgSQL function guards\.refuse_drop\(\) line \d+ at GET DIAGNOSTICS\n'
        'SQL statement "DROP TABLE (audit|security)\.\w+"\n'
        'PL/pgSQL function audit\.use_hypertable\(regclass\) line \d+ at EXECUTE(\n|$)')
    THEN
        RETURN;
    END IF;
    FOR doomed IN SELECT d.object_type, d.schema_name, d.object_identity FROM pg_event_trigger_dropped_objects() d LOOP
        IF doomed.object_type = 'table' AND doomed.schema_name IN ('audit', 'security')
            OR doomed.object_type = 'schema' AND doomed.object_identity IN ('audit', 'security')
            OR doomed.object_type = 'table column' AND doomed.schema_name IN ('audit', 'security')
            OR doomed.object_type = 'table constraint'
                AND doomed.object_identity = 'trail_is_kept_for_six_years on audit.policy'
            OR doomed.object_type = 'trigger' AND doomed.object_identity ~
                '^(append_only|append_only_rows|keep_evidence|keep_all|released_once|not_emptied) on (audit|security|privacy)\.'
            OR doomed.object_type = 'function'
                AND doomed.object_identity ~ '^(audit|security)\.(refuse_change|drop_partition|append|record)\('
        THEN
            RAISE EXCEPTION '% % is guarded: it is dropped by nobody', doomed.object_type, doomed.object_identity
                USING ERRCODE = 'TL002';
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION guards.refuse_opening() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stack text;
    opened text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    -- A month's table is made aside before it is attached: by then it is guarded, and not yet a partition.
    IF stack ~ ('^PL/pgSQL function guards\.refuse_opening\(\) line \d+ at GET DIAGNOSTICS\n'
        'SQL statement "ALTER TABLE (audit|security)\.\w+ ENABLE ALWAYS TRIGGER append_only"\n'
        'PL/pgSQL function audit\.make_append_only\(regclass\) line \d+ at EXECUTE\n')
    THEN
        RETURN;
    END IF;
    -- Under another name, or in another schema, it would be nobody's guard.
    SELECT d.object_identity INTO opened FROM pg_event_trigger_ddl_commands() d
        WHERE d.command_tag = 'ALTER TRIGGER' AND d.object_identity ~ ' on (audit|security|privacy)\.'
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the trigger % may not be renamed', opened USING ERRCODE = 'TL002';
    END IF;
    SELECT t.tgrelid::regclass::text INTO opened
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE p.proname = 'refuse_change' AND n.nspname NOT IN ('audit', 'security', '_timescaledb_internal')
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% may not be moved elsewhere', opened USING ERRCODE = 'TL002';
    END IF;
    SELECT t.tgrelid::regclass::text INTO opened
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('audit', 'security', 'privacy') AND t.tgname IN ('append_only', 'append_only_rows')
            AND t.tgenabled <> 'A'
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the trigger that keeps % append-only may not be switched off', opened USING ERRCODE = 'TL002';
    END IF;
    SELECT c.oid::regclass::text INTO opened
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND NOT c.relispartition AND (
            n.nspname = 'audit' AND c.relname ~ '^audit_logs_\d{4}_\d{2}$'
            OR n.nspname = 'security' AND c.relname ~ '^security_events_\d{4}_\d{2}$'
        )
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the partition % may not be detached', opened USING ERRCODE = 'TL002';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION guards.refuse_rewrite() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rewritten regclass := pg_event_trigger_table_rewrite_oid();
BEGIN
    IF (SELECT c.relnamespace::regnamespace::text FROM pg_class c WHERE c.oid = rewritten) IN ('audit', 'security') THEN
        RAISE EXCEPTION '% is not written anew', rewritten USING ERRCODE = 'TL002';
    END IF;
END
$$;

DROP EVENT TRIGGER IF EXISTS trail_is_not_dropped;
CREATE EVENT TRIGGER trail_is_not_dropped ON sql_drop EXECUTE FUNCTION guards.refuse_drop();
ALTER EVENT TRIGGER trail_is_not_dropped ENABLE ALWAYS;
DROP EVENT TRIGGER IF EXISTS trail_is_not_opened;
CREATE EVENT TRIGGER trail_is_not_opened ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER TRIGGER', 'ALTER SCHEMA')
    EXECUTE FUNCTION guards.refuse_opening();
ALTER EVENT TRIGGER trail_is_not_opened ENABLE ALWAYS;
DROP EVENT TRIGGER IF EXISTS trail_is_not_rewritten;
CREATE EVENT TRIGGER trail_is_not_rewritten ON table_rewrite EXECUTE FUNCTION guards.refuse_rewrite();
ALTER EVENT TRIGGER trail_is_not_rewritten ENABLE ALWAYS;
