//! Where in a definition something stands, which decides what its words mean: a bare word is a name among data and a word among
//! options, and only in some places is a path a reference.

/// What a value is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    Workflow,
    Job,
    /// A map of steps that follow one another,
    Steps,
    /// and one of steps that all begin at once.
    Race,
    Step,
    /// `on_fail`, `on_complete`: a step, or in a few words what is done.
    Action,
    /// Names, words and numbers: nothing in it is a reference.
    Literal,
    /// The same, of somebody's own shape: schemas, metadata.
    Raw,
    /// Values that texts with `${…}` may be part of. A bare word is a name.
    Data,
    /// One value that may be computed. A bare word that is no name is a word.
    Computed,
    Condition,
    /// One trigger.
    Trigger,
    Schedule,
    Retry,
    Await,
    Approval,
    Notify,
    OnTimeout,
    Correlate,
    Catch,
    Case,
    ForEach,
    Child,
    Emit,
    Raise,
    Shared,
    Gather,
    Compensate,
    Signals,
    Signal,
    Updates,
    Update,
}

impl Within {
    /// Of the value of a key.
    pub(super) fn of(self, key: &str) -> Self {
        match self {
            Self::Workflow | Self::Job => of_workflow(key),
            Self::Steps | Self::Race => Self::Step,
            Self::Step | Self::Action => of_step(key),
            Self::Notify => of_notify(key),
            Self::Literal => Self::Literal,
            Self::Raw => Self::Raw,
            Self::Data | Self::Computed => Self::Data,
            Self::Condition => Self::Condition,
            Self::Trigger => of_trigger(key),
            Self::Schedule => match key {
                "input" => Self::Raw,
                _ => Self::Literal,
            },
            Self::Retry => match key {
                "initial" | "max" | "backoff" | "initial_interval" => Self::Computed,
                _ => Self::Literal,
            },
            Self::Await => match key {
                "timeout" => Self::Computed,
                "approval" => Self::Approval,
                "on_timeout" => Self::OnTimeout,
                "match" => Self::Data,
                "correlate" => Self::Correlate,
                "when" | "if" => Self::Condition,
                _ => Self::Literal,
            },
            Self::Approval => match key {
                "approvers" => Self::Computed,
                "notify" => Self::Notify,
                _ => Self::Literal,
            },
            Self::OnTimeout | Self::Catch => of_steps(key),
            Self::Case => match key {
                "when" | "if" => Self::Condition,
                other => of_steps(other),
            },
            Self::Correlate => Self::Data,
            Self::ForEach => match key {
                "items" => Self::Data,
                "concurrency" => Self::Computed,
                _ => Self::Literal,
            },
            Self::Child => match key {
                "input" => Self::Data,
                "id" | "timeout" => Self::Computed,
                _ => Self::Literal,
            },
            Self::Emit => match key {
                "data" => Self::Data,
                "source" | "subject" => Self::Computed,
                _ => Self::Literal,
            },
            Self::Raise => match key {
                "details" => Self::Data,
                "message" => Self::Computed,
                _ => Self::Literal,
            },
            Self::Shared | Self::Gather => match key {
                "key" => Self::Computed,
                _ => Self::Literal,
            },
            Self::Compensate => match key {
                "actions" => Self::Compensate,
                "input" => Self::Data,
                "timeout" => Self::Computed,
                "retry" => Self::Retry,
                "metadata" => Self::Raw,
                _ => Self::Literal,
            },
            Self::Signals => Self::Signal,
            Self::Signal => Self::Raw,
            Self::Updates => Self::Update,
            Self::Update => match key {
                "schema" => Self::Raw,
                "when" | "if" => Self::Condition,
                _ => Self::Data,
            },
        }
    }

    /// Whether its keys are words of the language; if not they are somebody's own, and written with a colon.
    pub(super) fn has_words(self) -> bool {
        !matches!(self, Self::Data | Self::Raw | Self::Computed | Self::Condition)
    }
}

fn of_steps(key: &str) -> Within {
    match key {
        "steps" => Within::Steps,
        _ => Within::Literal,
    }
}

fn of_workflow(key: &str) -> Within {
    match key {
        "steps" => Within::Steps,
        "on" | "trigger" => Within::Trigger,
        "input_schema" | "metadata" => Within::Raw,
        "timeout" | "deadline" | "step_timeout" | "step_concurrency" => Within::Computed,
        "retry" | "retry_workflow" => Within::Retry,
        "output" | "queries" => Within::Data,
        "on_success" | "on_failure" | "on_cancel" | "on_step_error" => Within::Step,
        "on_fail" | "on_complete" => Within::Action,
        "signals" => Within::Signals,
        "updates" => Within::Updates,
        "concurrency" | "unique" => Within::Shared,
        // A job has what its one step has as well.
        "input" | "compensate" | "rate_limit" | "limit" | "heartbeat" | "schedule_timeout" | "total_timeout" => {
            of_step(key)
        }
        _ => Within::Literal,
    }
}

fn of_step(key: &str) -> Within {
    match key {
        "steps" | "try" => Within::Steps,
        "race" => Within::Race,
        "switch" => Within::Case,
        "catch" => Within::Catch,
        "when" | "if" | "check" => Within::Condition,
        "for_each" => Within::ForEach,
        "input" | "set" | "data" => Within::Data,
        "timeout" | "schedule_timeout" | "total_timeout" | "heartbeat" | "deadline" | "wait" => Within::Computed,
        "retry" => Within::Retry,
        "metadata" => Within::Raw,
        "await" => Within::Await,
        "child" => Within::Child,
        "emit" => Within::Emit,
        "raise" => Within::Raise,
        "compensate" => Within::Compensate,
        "rate_limit" | "limit" => Within::Shared,
        "on_fail" => Within::Action,
        // What is handed to an activity of that name.
        "call" | "send" | "template" => Within::Data,
        _ => Within::Literal,
    }
}

fn of_notify(key: &str) -> Within {
    match key {
        "event" => Within::Literal,
        other => of_step(other),
    }
}

fn of_trigger(key: &str) -> Within {
    match key {
        "when" | "if" => Within::Condition,
        "input" | "data" => Within::Data,
        "execution" => Within::Computed,
        "debounce" | "batch" => Within::Gather,
        _ => Within::Literal,
    }
}
