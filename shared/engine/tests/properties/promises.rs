//! What the engine promises of every history.

use std::env;

use proptest::{prelude::ProptestConfig, proptest, test_runner::RngSeed};
use sagaline_engine::{Compiled, Execution, Stage, check, state::State};
use sagaline_events::{
    Input, TimerKind, TimerName,
    input::{StepExpanded, StepFailed, StepSkipped, StepSnoozed, StepSucceeded, TaskDiscarded},
};
use sagaline_model::{OnError, Plan, Span, StepError};
use serde_json::json;

use crate::{
    facts::Facts,
    history::{histories, step, unborn},
};

/// Every day the same few hundred, a few seconds: who is told of a failure shall find it again. More when asked for, and then others
/// each time.
pub(crate) fn cases() -> ProptestConfig {
    let asked = env::var("SAGALINE_CASES").ok().and_then(|cases| cases.parse().ok());
    let rng_seed = if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    ProptestConfig { cases: asked.unwrap_or(400), max_shrink_iters: 20_000, rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_same_inputs_give_the_same_state_and_effects(history in histories()) {
        let again: Plan = serde_json::from_slice(&serde_json::to_vec(&history.plan.plan).unwrap()).unwrap();
        assert_eq!(again, history.plan.plan);
        let again = Compiled::new(again, 1).unwrap();
        let (mut here, mut there) = (unborn(), unborn());
        for (input, at) in &history.log {
            // On the way to the other machine, the input is written and read.
            let read = Input::read(input.kind(), &input.data()).unwrap();
            assert_eq!(&read, input);
            let effects = step(&mut here, &history.plan, input, *at);
            assert_eq!(effects, step(&mut there, &again, &read, *at));
            assert_eq!(here.to_snapshot(), there.to_snapshot());
        }
    }

    #[test]
    fn a_recovery_at_any_point_is_as_if_nothing_had_happened(history in histories()) {
        let (mut lucky, mut phoenix) = (unborn(), unborn());
        for (input, at) in &history.log {
            phoenix = Execution::from_snapshot(&phoenix.to_snapshot()).unwrap();
            assert_eq!(phoenix, lucky);
            let effects = step(&mut lucky, &history.plan, input, *at);
            assert_eq!(step(&mut phoenix, &history.plan, input, *at), effects);
        }
        assert_eq!(phoenix, lucky);
    }

    #[test]
    fn what_had_its_effect_has_none_a_second_time(history in histories()) {
        let mut execution = unborn();
        let mut had_effect: Vec<&Input> = vec![];
        for (input, at) in &history.log {
            let before = execution.clone();
            let effects = step(&mut execution, &history.plan, input, *at);
            if !effects.is_empty() || before.stage != execution.stage {
                had_effect.extend(Some(input).filter(|input| counts_once(input, &execution, &history.plan)));
            }
            for input in &had_effect {
                changes_nothing(&execution, &history.plan, input);
            }
        }
    }

    #[test]
    fn late_answers_change_nothing(history in histories()) {
        let mut execution = unborn();
        for (input, at) in &history.log {
            step(&mut execution, &history.plan, input, *at);
            let Stage::Running(run) = &execution.stage else { continue };
            for (path, frame) in &run.frames {
                let given_up = if frame.state.is_done() || !frame.state.is_in_flight() {
                    frame.state.attempt() + 1
                } else {
                    frame.state.attempt()
                };
                for attempt in 0..given_up {
                    // Of what may have had its effect an answer is heard.
                    if run.undo.doubts.get(path).is_some_and(|doubt| doubt.attempts.contains_key(&attempt)) {
                        continue;
                    }
                    let (path, worker) = (path.clone(), None);
                    let late = [
                        Input::StepSucceeded(StepSucceeded { path: path.clone(), attempt, output: json!({"n": 9}), worker: None, claimed: false }),
                        Input::StepFailed(StepFailed { path: path.clone(), attempt, error: StepError::new("Late", ""), worker: None }),
                        Input::StepSkipped(StepSkipped { path: path.clone(), attempt, reason: String::new(), worker }),
                        Input::StepSnoozed(StepSnoozed { path: path.clone(), attempt, delay: Span::ZERO, reason: String::new(), worker: None, late: false }),
                        Input::StepExpanded(StepExpanded { path: path.clone(), attempt, steps: json!([]), worker: None }),
                        Input::TaskDiscarded(TaskDiscarded { path, attempt }),
                    ];
                    late.iter().for_each(|late| changes_nothing(&execution, &history.plan, late));
                }
            }
        }
    }

    #[test]
    fn the_invariants_hold_after_every_input_and_time_never_goes_back(history in histories()) {
        let mut execution = unborn();
        for (input, at) in &history.log {
            let before = execution.now;
            let armed = execution.next_timer().map(|(due, name)| (due, name.clone()));
            step(&mut execution, &history.plan, input, *at);
            check(&execution, Some(&history.plan)).unwrap();
            assert_eq!(execution.now, before.max(*at));
            if let (Input::Timer(fired), Some((due, armed))) = (input, armed) {
                // A timer that came too early is still armed.
                let still = execution.next_timer().is_some_and(|(at, name)| at == due && *name == armed);
                assert!(*fired != armed || due <= execution.now || still);
            }
            assert!(!matches!(execution.stage, Stage::Parked { .. }), "it was set aside: {:?}", execution.stage);
        }
        assert!(execution.is_over());
    }

    #[test]
    fn people_can_see_where_it_stands_and_why(history in histories()) {
        let mut execution = unborn();
        for (input, at) in &history.log {
            step(&mut execution, &history.plan, input, *at);
            let (view, why) = (execution.view(Some(&history.plan)), execution.why(Some(&history.plan)));
            let unborn = matches!(execution.stage, Stage::Unborn(_));
            assert_eq!((view.is_none(), why.is_empty()), (unborn, unborn));
            assert_eq!(view.is_some_and(|view| view.status.is_over()), execution.is_over());
            for why in &why {
                assert!(![&why.state, &why.cause, &why.ends, &why.command].iter().any(|text| text.is_empty()));
                assert!(why.since <= execution.now);
            }
            // To look after a child ends nothing, so nobody is told of that; nor does it to say again that one waits for an event.
            let first = execution.next_timer().filter(|(_, timer)| !matches!(timer.kind, TimerKind::ChildLook | TimerKind::SagaLook));
            let first = first.filter(|(_, timer)| !(timer.kind == TimerKind::AskAgain && awaits_event(&execution, timer)));
            if let (Stage::Running(run), Some((due, _))) = (&execution.stage, first) {
                let said = why.iter().filter_map(|why| why.until).chain(run.deadline).min();
                assert_eq!(said, Some(due), "the timer that is due first is said");
            }
        }
    }

    #[test]
    fn what_is_told_to_the_world_fits_together(history in histories()) {
        let mut execution = unborn();
        let mut facts = Facts::new(&history.plan);
        for (input, at) in &history.log {
            let effects = step(&mut execution, &history.plan, input, *at);
            facts.learn(&effects, input, &execution);
        }
        facts.at_the_end(&execution);
    }
}

fn awaits_event(execution: &Execution, timer: &TimerName) -> bool {
    let Stage::Running(run) = &execution.stage else { return false };
    let frame = timer.path.as_ref().and_then(|path| run.frames.get(path));
    frame.is_some_and(|frame| matches!(frame.state, State::AwaitingEvent(_)))
}

/// Whether the promise is that this input has its effect once. A signal counts as often as it comes; a report of a start says
/// when the attempt began last; what comes before the execution runs is kept, or asks for the version again.
fn counts_once(input: &&Input, after: &Execution, plan: &Compiled) -> bool {
    let began = !matches!(after.stage, Stage::Unborn(_) | Stage::Unbound { .. });
    match input {
        // What is granted and not wanted is given back each time.
        Input::Entity(_) => false,
        Input::Signal(_) | Input::StepStarted(_) | Input::Pause(_) | Input::Resume(_) => false,
        // Another one cuts short what handles the first.
        Input::Cancel(cancel) => began && plan.plan.handlers.is_empty() && !cancel.cleanup,
        Input::Bound(_) | Input::Update(_) | Input::ParentGone(_) => began,
        // Each is an answer to a question, and asked again it is given again.
        Input::ParentAsks(_) | Input::ChildUnknown(_) | Input::ScheduleAsks(_) => false,
        Input::Approval(approval) => approval.id.is_some(),
        Input::Timer(timer) => fires_once(timer.kind, plan),
        Input::Recalled(_) => began,
        // Of one that may be a second one, a third is told again.
        Input::Start(start) => start.parent.is_none() && start.schedule.is_none(),
        Input::Refused(_)
        | Input::StepFailed(_)
        | Input::StepSkipped(_)
        | Input::StepSnoozed(_)
        | Input::StepAwaits(_)
        | Input::StepExpanded(_)
        | Input::TaskDiscarded(_)
        | Input::ChildEnded(_) => true,
        // One that is heard of late is told to the saga each time.
        Input::StepSucceeded(done) => !done.claimed,
        Input::SagaNews(_) => false,
    }
}

/// Whether no two timers of this kind have one name.
fn fires_once(kind: TimerKind, plan: &Compiled) -> bool {
    let begins_anew = plan.plan.conduct.retry_workflow.is_some();
    let halts = plan.nodes.iter().any(|node| node.on_error == OnError::Pause);
    match kind {
        // Named by the attempt; attempts are counted on, whatever is begun anew.
        TimerKind::StepTimeout | TimerKind::ScheduleTimeout | TimerKind::Retry | TimerKind::Snooze => true,
        TimerKind::WorkflowTimeout | TimerKind::Cleanup | TimerKind::Settle => true,
        // Each round has the same ones.
        TimerKind::Wait | TimerKind::AwaitTimeout | TimerKind::ChildTimeout => !begins_anew,
        TimerKind::ChildLook | TimerKind::WorkflowRetry => !begins_anew,
        // Who waits for a slot has that of the attempt before, which may be the one that halted.
        TimerKind::TotalTimeout => !begins_anew && !halts,
        // It is armed again under the same name, for as long as nothing is heard.
        TimerKind::AskAgain | TimerKind::SagaLook => false,
        // Of a saga.
        TimerKind::Forget => true,
        TimerKind::Begin => true,
    }
}

fn changes_nothing(execution: &Execution, plan: &Compiled, input: &Input) {
    let mut after = execution.clone();
    let effects = step(&mut after, plan, input, execution.now);
    assert_eq!(effects, [], "{input:?}");
    assert_eq!(&after, execution, "{input:?}");
}
