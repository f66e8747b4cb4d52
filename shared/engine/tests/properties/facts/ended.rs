//! What must be true when all is over.

use std::collections::BTreeSet;

use sagaline_engine::{Execution, Stage, state::Outcome};
use sagaline_events::record::StepStatus;

use super::Facts;

impl<'p> Facts<'p> {
    pub(crate) fn at_the_end(&self, execution: &Execution) {
        let Stage::Over(over) = &execution.stage else { panic!("it never ended") };
        let is_undone = matches!(over.outcome, Outcome::RolledBack { .. });
        assert_eq!(is_undone, self.undoing.is_asked(), "what is asked for is waited for, and nothing else is undone");
        assert!(self.over, "nobody was told of the end");
        assert_eq!(self.in_queue, BTreeSet::new(), "tasks that nobody waits for were not taken back");
        assert_eq!(self.begun, self.ended, "what began ended");
        let waits = self.parent.as_ref().is_some_and(|parent| parent.waits);
        assert_eq!(self.parent_told, waits, "a parent that waits is told");
        let waits = self.schedule.as_ref().is_some_and(|scheduled| scheduled.tell);
        assert_eq!(self.schedule_told, waits, "a schedule that waits is told");
        assert_eq!(self.owes, BTreeSet::new(), "what it shares with others was not given back");
        for view in &over.steps {
            let begun = self.begun.contains(view.step.as_str());
            match view.status {
                StepStatus::Pending => assert!(!begun, "{view:?}"),
                // It was skipped, or passed by.
                StepStatus::Skipped => {}
                _ => assert!(begun, "{view:?}"),
            }
            assert!(!matches!(
                view.status,
                StepStatus::Scheduled | StepStatus::Running | StepStatus::Waiting | StepStatus::BackingOff
            ));
        }
        if let Outcome::Failed { step: Some(step), .. } = &over.outcome {
            // Those inside of a loop are not listed one by one.
            let Some(failed) = over.steps.iter().find(|view| view.step == step.as_str()) else {
                return assert!(self.find(step).0.is_some() || self.node(step).looped, "{step}");
            };
            assert!(matches!(failed.status, StepStatus::Failed | StepStatus::TimedOut), "{failed:?}");
        }
    }
}
