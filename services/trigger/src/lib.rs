//! CloudEvents to starts.
