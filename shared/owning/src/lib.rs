//! What services that own partitions have in common beyond the shell: what an entry of their logs must be, how they say on the wire what
//! they want done, what of their owners becomes logs, metrics and readiness, and the settings of those that follow an installation.

pub mod defect;
pub mod entry;
mod installation;
mod presence;
mod settings;
mod speech;
mod watch;

pub use installation::installation;
pub use presence::Presence;
pub use settings::{Given, Settings};
pub use speech::Speech;
pub use watch::Watch;
