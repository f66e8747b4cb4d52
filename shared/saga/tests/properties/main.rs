//! Random sagas through random histories: answers of all kinds, late, twice and out of order, people who help, successes of long ago,
//! and a snapshot at every point. Whatever comes, every step is undone in its order, to success or to an allowed skip, or it is stuck.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use proptest::prelude::*;
use sagaline_events::{SagaStatus, saga::UndoneStatus};

use crate::world::{World, a_history, some_steps};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_is_undone_in_its_order_or_is_stuck(steps in some_steps(), history in a_history()) {
        let mut world = World::of(steps);
        for event in history {
            world.happens(event)?;
        }
        // Then whoever is asked answers, until nothing goes on by itself.
        world.settle(false)?;
        let view = world.saga.view().expect("it was asked for");
        match view.status {
            SagaStatus::Completed | SagaStatus::Resolved => {}
            SagaStatus::Stuck => {
                prop_assert!(view.steps.iter().any(|step| step.status == UndoneStatus::Stuck));
            }
            other => prop_assert!(false, "nothing goes on, and it is {other:?}"),
        }
        // And once somebody mended everything, it is over.
        world.settle(true)?;
        world.is_over()?;
    }

    /// What comes twice is as if it came once.
    #[test]
    fn what_comes_twice_changes_nothing_more(steps in some_steps(), history in a_history()) {
        let (mut once, mut twice) = (World::of(steps.clone()), World::of(steps));
        for event in history {
            let input = once.input_of(&event);
            once.happens(event)?;
            if let Some(input) = input {
                twice.takes(input.clone())?;
                if world::is_the_same_twice(&input) {
                    twice.takes(input)?;
                }
            } else {
                twice.now = once.now;
            }
            prop_assert_eq!(&once.saga.stage, &twice.saga.stage);
        }
    }
}
