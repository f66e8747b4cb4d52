//! What an execution holds must fit into one message; what outgrows that ends clearly.

use sagaline_events::record::{Status, StepStatus};
use serde_json::json;

use super::{
    inputs::{returned, signal},
    story::{story, workflow},
};

fn text(kib: usize) -> serde_json::Value {
    json!("x".repeat(kib * 1024))
}

#[test]
fn data_that_outgrows_a_message_ends_the_execution() {
    let story = story(
        "a: { activity: one }\nb: { activity: two }\nc: { activity: three }\nd: { after: [a, b, c], activity: four }",
    )
    .start()
    .then(returned("a", 1, text(400)))
    .then(returned("b", 1, text(400)))
    .is(Status::Running)
    .then(returned("c", 1, text(400)))
    .is(Status::Failed)
    .step("d", StepStatus::Cancelled);
    let error = story.view().error.expect("an error");
    assert_eq!(error.kind, "TooLarge");
    assert!(error.message.contains("more than the 900 KiB that can be kept"), "{}", error.message);
}

#[test]
fn an_output_that_its_record_cannot_carry_fails_the_execution() {
    let story =
        workflow("steps: { a: { activity: one } }\noutput: { twice: ['${ steps.a.output }', '${ steps.a.output }'] }")
            .start()
            .then(returned("a", 1, text(300)))
            .is(Status::Failed);
    assert_eq!(story.view().error.expect("an error").kind, "TooLarge");
}

/// What a step merged again and again is counted once.
#[test]
fn what_replaces_something_does_not_add_to_it() {
    let steps = (0..6).map(|number| {
        let after = if number == 0 { String::new() } else { format!("after: s{}, ", number - 1) };
        format!("s{number}: {{ {after}activity: one }}\n")
    });
    let mut story = story(&steps.collect::<String>()).start();
    for number in 0..6 {
        story = story.then(returned(&format!("s{number}"), 1, json!({"same": "x".repeat(60 * 1024)})));
    }
    story.is(Status::Completed);
}

#[test]
fn signals_that_leave_no_room_are_rejected_and_do_no_harm() {
    let mut story = story("a: { activity: one }").start();
    for _ in 0..10 {
        story = story.then(signal("go", text(100)));
    }
    story.gives_also("reject mailbox_full").is(Status::Running);
}
