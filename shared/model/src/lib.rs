//! What every other part speaks of: names and ids, times, errors, and the [`Plan`] that a definition compiles to.
//!
//! Values only. No clock, no randomness, no I/O: moments and ids come in from outside.

pub mod company;
pub mod defaults;
pub mod error;
pub mod event_wait;
pub mod gate;
pub mod gather;
pub mod id;
pub mod incoming;
pub mod job;
pub mod limit;
pub mod people;
pub mod plan;
pub mod queue;
pub mod retry;
pub mod saga;
pub mod schedule;
pub mod time;
pub mod token;
pub mod trigger;

pub use company::{Child, Emit, OnParentEnd};
pub use defaults::{BackoffWord, Defaults, RetryDefaults, StepDefaults};
pub use error::StepError;
pub use event_wait::{AwaitEvent, EventRule};
pub use gate::{Gate, PlacesGate, RateGate, RateRule};
pub use gather::{Batch, Debounce, Gather};
pub use id::{ActivityName, ExecutionId, Name, NameError, partition_of};
pub use incoming::{EventShape, EventSource, EventType, EventVersion};
pub use job::{JobSpec, Unique, UniqueUntil};
pub use limit::{Breaker, BreakerRule, Concurrency, OnLimit, WhenOpen};
pub use people::{Approval, AwaitSignals, Exchange, Need, SignalRule, UpdateRule};
pub use plan::{
    Await, Case, Conduct, Dag, DeadLetters, Expand, ForEach, Handlers, Kind, Node, OnError, OnTimeout, Plan, PlanHash,
    Raise, Step, StepLimits, Try, Wait,
};
pub use queue::{QueuePause, QueueSettings};
pub use retry::{Backoff, RetryPolicy};
pub use saga::{Compensate, CompensateOn, Compensation};
pub use schedule::{Every, Overlap, PlannedSchedule, ScheduleSpec, When};
pub use time::{Moment, Span};
pub use token::token_of;
pub use trigger::{EventTrigger, SignalTrigger, Trigger};
