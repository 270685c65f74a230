-- A quantile of a histogram in milliseconds: the geometric middle of the bucket that holds the value of that rank, at
-- most 4.5 % from it; NULL without any value. Below 1 ms it says 0.5, from 2^20 ms on 2^20.
CREATE OR REPLACE FUNCTION histogram_quantile AS (level, buckets) ->
    if(
        arraySum(buckets) = 0,
        NULL,
        transform(
            arrayFirstIndex(
                reached -> reached >= greatest(1, ceil(level * arraySum(buckets) - 0.000001)), arrayCumSum(buckets)
            ),
            [1, 162],
            [0.5, 1048576.],
            exp2((arrayFirstIndex(
                reached -> reached >= greatest(1, ceil(level * arraySum(buckets) - 0.000001)), arrayCumSum(buckets)
            ) - 1.5) / 8)
        )
    );
