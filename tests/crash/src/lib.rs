//! Real processes, a real nats-server, and kill -9.
//!
//! [`System`] is a nats-server, orchestrators and executors as processes of their own; [`Ears`] hears what they tell, to measure
//! how long work stands still after a kill; [`Witness`] reads what the executors wrote down of every run. `tests/` breaks things.

pub mod ears;
pub mod programs;
pub mod system;
pub mod witness;

pub use ears::Ears;
pub use programs::Programs;
pub use system::{Role, System};
pub use witness::Witness;
