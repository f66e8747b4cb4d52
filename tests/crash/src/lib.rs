//! Real processes, a real NATS of one node or three, and kill -9.
//!
//! [`System`] is NATS, orchestrators and executors as processes of their own; [`Load`] is what they are given to do, [`Waiting`]
//! what they must not forget meanwhile; [`Ears`] hears what they tell, to measure how long work stands still; [`Witness`] reads
//! what the executors wrote down of every run. [`kills`] breaks things, `tests/` says how often and what must hold.

pub mod ears;
pub mod events;
pub mod kills;
pub mod limits;
pub mod load;
pub mod nats;
pub mod orders;
pub mod payments;
pub mod programs;
pub mod schedules;
pub mod system;
pub mod undone;
pub mod waiting;
pub mod witness;

pub use ears::Ears;
pub use load::Load;
pub use nats::{Nats, Nodes};
pub use orders::Orders;
pub use payments::Payments;
pub use programs::Programs;
pub use system::{Role, System};
pub use waiting::Waiting;
pub use witness::Witness;
