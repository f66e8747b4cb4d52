//! Everything that services say of themselves, received as operators receive it.
//!
//! [`Site`] is the whole system as processes, [`Receiver`] takes their spans, directly or from a collector that stands between,
//! [`Trace`] is what it took of one execution. [`tools`] has the programs of others.

pub mod receiver;
pub mod scrape;
pub mod site;
pub mod tools;
pub mod trace;

pub use receiver::Receiver;
pub use site::Site;
pub use trace::{Span, Trace};
