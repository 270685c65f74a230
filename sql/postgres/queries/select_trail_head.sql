SELECT h.seq, h.row_hash, nullif(h.recorded_at, '-infinity') AS recorded_at FROM audit.head AS h;
