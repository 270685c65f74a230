-- The most persons of one epoch among marks of any union of groups: five or more are a group that may be shown.
CREATE OR REPLACE FUNCTION largest_epoch_count AS (few_actors) ->
    if(
        empty(few_actors),
        0,
        arrayMax(arrayEnumerateUniq(arrayMap(mark -> bitShiftRight(mark, 48), arrayDistinct(few_actors))))
    );
