-- A person of a key epoch in 64 bits: the epoch above, 48 bits of a hash of the pseudonym below.
CREATE OR REPLACE FUNCTION actor_mark AS (key_epoch, actor_hash) ->
    bitOr(bitShiftLeft(toUInt64(key_epoch % 65536), 48), sipHash64(actor_hash) % 281474976710656);
