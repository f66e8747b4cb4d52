//! Jobs: executions of a single step that need no definition.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ActivityName, Gate, Moment, Name, RetryPolicy, Span, Step, retry::Backoff};

/// What is to be done, and how: everything of a job but its payload, which is the input of its execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    pub activity: ActivityName,
    #[serde(default = "default_queue")]
    pub queue: Name,
    #[serde(default = "JobSpec::default_retry")]
    pub retry: RetryPolicy,
    /// From the start of an attempt to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// From one sign of life of an attempt to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Span>,
    /// The time at which the time of all attempts is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Moment>,
    /// For how long its result is kept; as long as those of workflows without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<Unique>,
    /// What each attempt must get before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Whatever the activity is to know besides its payload.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// Of all jobs with this key one is accepted; the others are told which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unique {
    pub key: String,
    /// The key is free again after this at the latest.
    #[serde(rename = "for")]
    pub ttl: Span,
    #[serde(default, skip_serializing_if = "UniqueUntil::is_end")]
    pub until: UniqueUntil,
}

/// When the key of a job is free again before its time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UniqueUntil {
    /// When the job is over, however that ended.
    #[default]
    End,
    /// When it succeeded: one that failed keeps it.
    Success,
    /// Not before.
    Expiry,
}

impl UniqueUntil {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_end(&self) -> bool {
        *self == Self::End
    }
}

impl JobSpec {
    /// How often a job that fails is tried again, where nothing is said about it.
    pub const RETRIES: u32 = 3;

    /// A job in the queue `default`.
    pub fn of(activity: ActivityName) -> Self {
        Self {
            activity,
            queue: default_queue(),
            retry: Self::default_retry(),
            timeout: None,
            heartbeat: None,
            deadline: None,
            retention: None,
            unique: None,
            gates: vec![],
            metadata: Map::new(),
        }
    }

    /// What stands where an execution has the name of its workflow: the activity's, with `-` for what no name has.
    pub fn workflow(&self) -> Name {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let name: String = self.activity.as_str().chars().take(128).map(plain).collect();
        Name::new(name).expect("letters, digits, `_` and `-` are a name")
    }

    /// The first attempt at once, then after 10, 20, 40 … seconds, at most an hour.
    pub fn default_retry() -> RetryPolicy {
        RetryPolicy {
            attempts: Self::RETRIES + 1,
            initial: Span::from_secs(10),
            backoff: Backoff::Exponential { multiplier: 2.0 },
            max: Some(Span::from_secs(3600)),
            jitter: false,
            ..RetryPolicy::default()
        }
    }
}

fn default_queue() -> Name {
    Name::new(Step::DEFAULT_QUEUE).expect("`default` is a name")
}
