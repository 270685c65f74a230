-- How many values of a column were looked at, and how many of them are against its rule.
SELECT looked_at, wrong
FROM ops.check_column(%(table)s, %(column)s, %(pattern)s, %(must_match)s, %(time)s, %(since)s);
