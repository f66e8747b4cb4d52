//! What travels: inputs, tasks, lifecycle events, and their CloudEvents form.
