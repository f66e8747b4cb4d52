//! The verbs, one to a file: what it takes, what its help says, and what it does.

pub(crate) mod apply;
pub(crate) mod approve;
pub(crate) mod args;
pub(crate) mod bench;
pub(crate) mod cancel;
pub(crate) mod cancel_all;
pub(crate) mod definitions;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod parse;
pub(crate) mod pause;
pub(crate) mod query;
pub(crate) mod rejected;
pub(crate) mod resume;
pub(crate) mod signal;
pub(crate) mod start;
pub(crate) mod update;
pub(crate) mod validate;
pub(crate) mod watch;
pub(crate) mod why;
pub(crate) mod workflows;
