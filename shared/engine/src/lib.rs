//! The execution state machine: pure.
