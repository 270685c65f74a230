-- How many values of a column were looked at, and how many of them are against its rule. Returns no value: what is wrong
-- here may be the very thing that must not be seen. `values` restricts the look to rows that say one of them in the
-- column `among`; none is all rows.
SELECT
    count({column:Identifier}) AS looked_at,
    countIf(isNotNull({column:Identifier}) AND match(ifNull(toString({column:Identifier}), ''), {pattern:String}) != {must_match:Bool}) AS wrong
FROM {table:Identifier}
WHERE {time:Identifier} >= {since:DateTime64(3, 'UTC')}
    AND (empty({values:Array(String)}) OR has({values:Array(String)}, toString({among:Identifier})));
