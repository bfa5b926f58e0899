//! A stream's shards, read to their durable end by the real SDK over every fault: records in are records settled, in the
//! order of their shard, and no cursor is ever ahead of what is settled.

mod faults;
mod lineage;
mod premises;
mod restarts;
