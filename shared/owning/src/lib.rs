//! What services that own partitions have in common beyond the shell: how they say on the wire what they want done, and what of
//! their owners becomes logs, metrics and readiness.

mod presence;
mod speech;
mod watch;

pub use presence::Presence;
pub use speech::Speech;
pub use watch::Watch;
