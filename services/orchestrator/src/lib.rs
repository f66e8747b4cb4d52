//! The log of executions to tasks and lifecycle events.
