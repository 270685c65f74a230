INSERT INTO restore_marks (mark_id, number, written_at)
SELECT {mark_id:UUID}, {number:UInt64}, {written_at:DateTime64(3, 'UTC')};
