//! What is counted of sagas.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use sagaline_events::Happening;
use sagaline_model::ExecutionId;
use sagaline_saga::{Effect, Saga};
use sagaline_telemetry::metrics::{self, SagaGauges};

use super::acts::Planned;

/// Which sagas of a partition are stuck, for the gauge that alarms people.
pub(super) struct Stuck {
    gauges: Arc<SagaGauges>,
    /// Noted also where a state is only read, which changes nothing else.
    ids: RefCell<BTreeSet<ExecutionId>>,
}

impl Stuck {
    pub(super) fn of(partition: u32) -> Self {
        Self { gauges: metrics::sagas_of_partition(partition), ids: RefCell::default() }
    }

    pub(super) fn note(&self, saga: &Saga) {
        let mut ids = self.ids.borrow_mut();
        let changed = match (saga.is_stuck(), ids.contains(&saga.id)) {
            (true, false) => ids.insert(saga.id.clone()),
            (false, true) => ids.remove(&saga.id),
            (true, true) | (false, false) => false,
        };
        if changed {
            self.gauges.stuck.set(ids.len() as f64);
        }
    }
}

impl Drop for Stuck {
    /// The partition goes to another owner, who speaks for it from now on.
    fn drop(&mut self) {
        self.gauges.stuck.set(0.0);
    }
}

pub(super) fn count(state: &Saga, effects: &[Effect]) {
    let Some((workflow, _)) = state.plan() else { return };
    for effect in effects {
        let Effect::Tell(happening) = effect else { continue };
        match happening {
            Happening::SagaStarted { .. } => metrics::saga_started(workflow.as_str()),
            Happening::SagaCompleted { .. } => metrics::saga_over(workflow.as_str(), "completed"),
            Happening::SagaResolved { .. } => metrics::saga_over(workflow.as_str(), "resolved"),
            Happening::SagaStepCompensated { .. } => metrics::saga_step("compensated"),
            Happening::SagaStepSkipped { .. } => metrics::saga_step("skipped"),
            Happening::SagaStuck { .. } => metrics::saga_step("stuck"),
            // It tells of nothing else but retries, which people ask for.
            _ => {}
        }
    }
}
