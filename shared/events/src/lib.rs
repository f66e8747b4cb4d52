//! What travels between the parts, and how it looks on the wire.
//!
//! Everything here is recorded or read by others, so it is a promise: types carry a version, fields are added with a default,
//! and golden files under `golden/` hold the JSON of each. Nothing here decides anything.

pub mod ask;
pub mod dead;
pub mod entity;
pub mod entity_view;
pub mod envelope;
pub mod event_wait;
pub mod gather;
pub mod held;
pub mod hops;
pub mod input;
pub mod job;
pub mod lifecycle;
pub mod path;
pub mod progress;
pub mod queue_tally;
pub mod record;
pub mod saga;
pub mod schedule;
pub mod schedule_view;
pub mod task;
pub mod trace;
mod wire;

pub use dead::DeadLetter;
pub use entity::{EntityInput, EntityKey, EntityWord, Says, Ticket};
pub use envelope::{Envelope, EnvelopeError};
pub use held::{Held, Holding};
pub use input::{Input, InputError, Parent, Start, TimerKind, TimerName};
pub use lifecycle::{Happening, Lifecycle};
pub use path::FramePath;
pub use saga::{SagaInput, SagaNews, SagaRequest, SagaStatus, UndoStep};
pub use schedule::{ScheduleHappening, ScheduleInput, ScheduleNews};
pub use schedule_view::{SchedulePage, ScheduleView};
pub use task::Task;
pub use trace::TraceContext;
