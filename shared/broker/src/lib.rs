//! Streams, buckets, partition logs, leases, checkpoints, the partition owner.
