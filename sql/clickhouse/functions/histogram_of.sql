-- The histogram of one duration, empty for NULL: ones and zeros up to its bucket. sumForEach adds up such lists of any
-- lengths, so that no stored histogram is longer than its largest value needs.
CREATE OR REPLACE FUNCTION histogram_of AS (ms) ->
    if(
        isNull(ms),
        CAST([], 'Array(UInt32)'),
        arrayPushBack(
            arrayResize(
                CAST([], 'Array(UInt32)'),
                multiIf(
                    ifNull(ms, 0) < 1, 0,
                    ifNull(ms, 0) >= 1048576, 161,
                    least(160, 1 + toUInt8(floor(8 * log2(greatest(ifNull(ms, 1), 1)))))
                )
            ),
            toUInt32(1)
        )
    );
