-- A quantile of a histogram as analysts see it: NULL when fewer than five values are behind it.
CREATE OR REPLACE FUNCTION shown_quantile AS (level, buckets) ->
    if(arraySum(buckets) < 5, NULL, histogram_quantile(level, buckets));
