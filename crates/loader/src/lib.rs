//! Epoch plan, lock-free prefetch pipeline, batches, cursor, stage statistics.
