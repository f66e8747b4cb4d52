//! By which rules executions are decided: what each version of them brought, and which of them a plan needs.

use super::{Await, Handlers, Kind, Node, OnError, OnTimeout, Plan, Step, StepLimits};

pub(super) fn first() -> u32 {
    Plan::FIRST_RULES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(super) fn is_first(rules: &u32) -> bool {
    *rules == Plan::FIRST_RULES
}

impl Plan {
    /// Inputs are not checked, and executions do not have the tags of their workflow.
    pub const FIRST_RULES: u32 = 1;
    /// An input that does not fit `input_schema` is refused, and executions have the tags of their workflow beneath their own.
    pub const RULES_OF_CONTRACTS: u32 = 2;
    /// Nodes may come after any of several, race, switch, catch, loop, set and raise.
    pub const RULES_OF_CONTROL: u32 = 3;
    /// Executions deal with others: with children, with people, and with what executions share. Steps may return further steps.
    pub const RULES_OF_COMPANY: u32 = 4;
    /// Steps may be undone; workflows may share the places of a pool.
    pub const RULES_OF_SAGAS: u32 = 5;
    /// Attempts pass gates; executions begin later, are jobs, wait for events.
    pub const RULES_OF_STARTS: u32 = 6;
    /// Expressions read values of the project.
    pub const RULES_OF_CONFIG: u32 = 7;

    /// Whether its executions have what [`Plan::RULES_OF_CONTRACTS`] gives them.
    pub fn has_contract(&self) -> bool {
        Self::RULES_OF_CONTRACTS <= self.rules
    }

    /// Whether something of it may be undone.
    pub fn can_be_undone(&self) -> bool {
        Self::RULES_OF_SAGAS <= self.rules
    }
}

impl Handlers {
    /// By which rules they can be decided.
    pub fn rules(&self) -> u32 {
        let own = if self.is_empty() { Plan::FIRST_RULES } else { Plan::RULES_OF_COMPANY };
        self.all().map(Node::rules).fold(own, u32::max)
    }
}

impl Node {
    /// By which rules it can be decided: the first that know of all that it asks for.
    pub fn rules(&self) -> u32 {
        let own = match &self.kind {
            Kind::Step(step) if !step.gates.is_empty() => Plan::RULES_OF_STARTS,
            Kind::Step(Step { expand: Some(expand), .. }) if !expand.defaults.gates.is_empty() => Plan::RULES_OF_STARTS,
            Kind::AwaitEvent(_) => Plan::RULES_OF_STARTS,
            Kind::Step(step) if step.compensate.is_some() => Plan::RULES_OF_SAGAS,
            _ if self.on_error == OnError::Pause || self.context_key.is_some() => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.limits.deadline.is_some() => Plan::RULES_OF_COMPANY,
            Kind::ForEach(each) if each.computed_concurrency.is_some() => Plan::RULES_OF_COMPANY,
            Kind::AwaitSignals(_) | Kind::Approval(_) => Plan::RULES_OF_COMPANY,
            Kind::Await(Await { on_timeout: OnTimeout::Steps(_), .. }) => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.expand.is_some() => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.breaker.is_some() => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.retry.has_computed_delays() => Plan::RULES_OF_COMPANY,
            Kind::Step(step) if step.limits != StepLimits::default() => Plan::RULES_OF_CONTROL,
            Kind::Step(_) | Kind::Wait(_) | Kind::Await(_) | Kind::Dag(_) if self.after_any.is_empty() => {
                Plan::FIRST_RULES
            }
            Kind::Child(_) | Kind::Emit(_) => Plan::RULES_OF_COMPANY,
            _ => Plan::RULES_OF_CONTROL,
        };
        self.inside().into_iter().map(Self::rules).fold(own, u32::max)
    }
}
