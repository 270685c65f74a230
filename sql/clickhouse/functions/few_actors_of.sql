-- Of persons' marks the five smallest of each epoch, in order: what stays of a group to tell whether it has five.
CREATE OR REPLACE FUNCTION few_actors_of AS (marks) ->
    arrayFilter(
        (mark, place) -> place <= 5,
        arraySort(arrayDistinct(marks)),
        arrayEnumerateUniq(arrayMap(mark -> bitShiftRight(mark, 48), arraySort(arrayDistinct(marks))))
    );
