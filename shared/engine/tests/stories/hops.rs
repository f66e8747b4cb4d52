//! How many executions led to an event goes with it.

use sagaline_engine::Effect;
use sagaline_events::{Input, Start};
use serde_json::json;

use crate::story::{Story, story};

/// What the events that were emitted last say.
fn hops(story: &Story) -> Vec<u32> {
    let hops = |effect: &Effect| match effect {
        Effect::Emit { hops, .. } => Some(*hops),
        _ => None,
    };
    story.effects().iter().filter_map(hops).collect()
}

fn begun(start: Start) -> Story {
    let start = Start { version: Some(1), ..start };
    story("a: { emit: first }\nb: { after: a, child: other }").at("0s", Input::Start(start))
}

#[test]
fn an_event_is_one_hop_further_than_what_started_the_execution_that_emits_it() {
    let unversioned = || Start::of("w".parse().expect("a name"));
    assert_eq!(hops(&begun(unversioned())), [1], "nothing but people led to it");
    for (given, expected) in [(json!("31"), 32), (json!(7), 8), (json!("many"), 1)] {
        let event = json!({ "id": "1", "source": "/s", "type": "t", "sagalinehops": given });
        assert_eq!(hops(&begun(Start { trigger: Some(event), ..unversioned() })), [expected], "{given}");
    }
    assert_eq!(hops(&begun(Start { hops: u32::MAX, ..unversioned() })), [u32::MAX]);
}

/// A child has no trigger; a loop is one also where it goes through a child.
#[test]
fn a_child_is_as_far_as_its_parent() {
    let event = json!({ "id": "1", "source": "/s", "type": "t", "sagalinehops": "4" });
    let parent = begun(Start { trigger: Some(event), ..Start::of("w".parse().expect("a name")) });
    let child = parent.effects().iter().find_map(|effect| match effect {
        Effect::StartChild { start, .. } => Some(start.clone()),
        _ => None,
    });
    let child = child.expect("a child");
    assert_eq!((child.hops, hops(&begun(child))), (4, vec![5]));
}
