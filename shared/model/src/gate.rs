//! Gates: what an attempt must get before it begins, shared by all executions and all executors.

use serde::{Deserialize, Serialize};

use crate::{Name, Plan, Span};

/// One gate of a step. They are asked in the order of their entities' names, so that nobody waits for each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// So many attempts begin in a time.
    Rate(RateGate),
    /// So many attempts are at work at once.
    Places(PlacesGate),
}

impl Gate {
    /// Whether one takes the place of the other: both count under one name, in the same way.
    pub fn counts_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rate(one), Self::Rate(other)) => (&one.name, &one.key) == (&other.name, &other.key),
            (Self::Places(one), Self::Places(other)) => (&one.name, &one.key) == (&other.name, &other.key),
            (Self::Rate(_), Self::Places(_)) | (Self::Places(_), Self::Rate(_)) => false,
        }
    }
}

impl Plan {
    /// Lets the attempts of all steps of this queue pass these gates as well, those that steps return too; what they had of the same
    /// names is as these say.
    pub fn add_gates_of_queue(&mut self, queue: &Name, gates: &[Gate]) {
        if gates.is_empty() {
            return;
        }
        let is_changed = std::cell::Cell::new(false);
        self.visit_steps(&|step| {
            if step.queue == *queue {
                step.gates.retain(|own| !gates.iter().any(|gate| gate.counts_as(own)));
                step.gates.extend(gates.iter().cloned());
                is_changed.set(true);
            }
            if let Some(expand) = &mut step.expand {
                expand.defaults.gates.insert(queue.clone(), gates.to_vec());
                is_changed.set(true);
            }
        });
        if is_changed.get() {
            self.rules = self.rules.max(Self::RULES_OF_STARTS);
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateGate {
    /// Steps and jobs that name the same are counted together.
    pub name: Name,
    /// A text that may hold `${…}`: those that give the same are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(flatten)]
    pub rule: RateRule,
}

/// `limit` in every `per`; evenly, but for a `burst` that may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRule {
    pub limit: u32,
    pub per: Span,
    /// 1 without it: evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl RateRule {
    /// How long a turn is good for: who has it begins within that time or not at all. Time for a task to reach a worker, and little
    /// of `per`, for it lengthens each pause.
    pub fn grace(self) -> Span {
        Span::from_nanos(self.per.as_nanos() / 10).clamp(Span::from_millis(50), Span::from_secs(1))
    }

    /// From one turn to the next; rather a nanosecond too long than too short. `limit` turns take `per` and the grace: however
    /// unevenly they are used in it, in no `per` more than `limit` begin.
    pub fn pause(self) -> Span {
        let together = self.per.as_nanos().saturating_add(self.grace().as_nanos());
        Span::from_nanos(together.div_ceil(u64::from(self.limit.max(1))).max(1))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacesGate {
    /// Steps and jobs that name the same are counted together.
    pub name: Name,
    /// A text that may hold `${…}`: those that give the same are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub limit: u32,
}
