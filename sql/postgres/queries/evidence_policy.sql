-- Every word on how long a table is kept, up to the end of a period.
SELECT policy_id, table_name, amount, unit, counted_from, since, why,
    policy_id = max(policy_id) OVER (PARTITION BY table_name) AS is_in_force,
    since >= %(begins)s::timestamptz AS is_new
FROM audit.policy
WHERE since < %(ends)s::timestamptz
ORDER BY policy_id;
