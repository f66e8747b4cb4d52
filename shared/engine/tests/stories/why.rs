//! `why`: every state that an execution can be seen in says what it waits for.

use sagaline_events::{Input, ask::Why};
use sagaline_model::Moment;
use serde_json::json;

use crate::{
    inputs::{began, cancel, failed, refused, signal, start, succeeded, unversioned},
    story::{BEGIN, Story, story, workflow},
};

fn at(moment: Moment) -> String {
    moment.since(BEGIN).to_string()
}

/// One reason in lines; times are counted from the beginning of the story.
fn lines(why: &Why) -> Vec<String> {
    let mut lines = vec![format!("{} {}", why.step.as_ref().map_or("-", |step| step.as_str()), why.state)];
    lines.push(format!("because {}", why.cause));
    lines.push(format!("since {}", at(why.since)));
    lines.push(format!("ends when {}", why.ends));
    lines.extend(why.until.map(|until| format!("until {}", at(until))));
    lines.push(format!("$ {}", why.command));
    lines
}

fn says(story: &Story, expected: &[&[&str]]) {
    let given: Vec<_> = story.why().iter().map(lines).collect();
    assert_eq!(given, expected);
}

#[test]
fn nothing_is_known_of_what_has_not_started() {
    says(&story("a: { activity: one }").at("1s", signal("go", json!(1))), &[]);
}

#[test]
fn a_start_waits_for_its_version() {
    says(
        &story("a: { activity: one }").at("1s", Input::Start(unversioned())),
        &[&[
            "- pending",
            "because the newest version of `w` is being looked up",
            "since 1s",
            "ends when the orchestrator records what it finds; this takes milliseconds while NATS answers",
            "$ sagaline workflows",
        ]],
    );
}

#[test]
fn a_task_waits_for_a_worker() {
    let ends = "ends when a worker that serves `payments.charge` from the queue `slow` answers; if none runs, start an executor";
    says(
        &story("a: { activity: payments.charge, queue: slow }").at("2s", start(json!(null))),
        &[&[
            "a running",
            "because attempt 1 of `payments.charge` was handed to the queue `slow` and is not answered yet",
            "since 2s",
            ends,
            "$ sagaline cancel e",
        ]],
    );
    says(
        &story("a: { activity: payments.charge, queue: slow, timeout: 5s }").at("2s", start(json!(null))),
        &[&[
            "a scheduled",
            "because attempt 1 of `payments.charge` was handed to the queue `slow` and is not answered yet",
            "since 2s",
            ends,
            "$ sagaline cancel e",
        ]],
    );
}

#[test]
fn a_worker_that_began_has_until_its_limit() {
    says(
        &story("a: { activity: one, timeout: 5s }").start().at("2s", began("a", 1)),
        &[&[
            "a running",
            "because `worker-1` runs attempt 1 of `one`",
            "since 2s",
            "ends when the worker answers, or its timeout at 2026-01-01T00:00:07.000000000Z",
            "until 7s",
            "$ sagaline cancel e",
        ]],
    );
}

#[test]
fn a_failed_step_backs_off_since_it_failed() {
    says(
        &story("a: { activity: one, retry: { attempts: 3, initial: 5s } }").start().at("2s", failed("a", 1, "Busy")),
        &[&[
            "a backing_off",
            "because attempt 1 failed with Busy: no luck",
            "since 2s",
            "ends when attempt 2 begins at 2026-01-01T00:00:07.000000000Z",
            "until 7s",
            "$ sagaline cancel e",
        ]],
    );
}

#[test]
fn a_wait_ends_with_its_time() {
    says(
        &story("a: { activity: one }\nw: { after: a, wait: 5s }").start().at("2s", succeeded("a", 1)),
        &[&[
            "w waiting",
            "because it waits for time to pass, as the definition says",
            "since 2s",
            "ends when it goes on at 2026-01-01T00:00:07.000000000Z",
            "until 7s",
            "$ sagaline cancel e",
        ]],
    );
}

#[test]
fn a_wait_for_a_signal_names_the_command_that_sends_it() {
    says(
        &story("g: { steps: { s: { await: approved } } }").start(),
        &[&[
            "g/s waiting",
            "because nobody has sent the signal `approved` yet",
            "since 0ms",
            "ends when the signal comes; it has no timeout",
            "$ sagaline signal e approved",
        ]],
    );
    says(
        &story("s: { await: { signal: approved, timeout: 1h } }").start(),
        &[&[
            "s waiting",
            "because nobody has sent the signal `approved` yet",
            "since 0ms",
            "ends when the signal comes, or its timeout at 2026-01-01T01:00:00.000000000Z",
            "until 1h",
            "$ sagaline signal e approved",
        ]],
    );
}

#[test]
fn what_is_due_first_is_said_first_and_the_end_of_all_is_said_with_each() {
    let story = workflow("timeout: 1m\nsteps: { a: { activity: one }, w: { wait: 5s }, v: { wait: 2s } }").start();
    let told: Vec<_> = story.why().into_iter().map(|why| (why.step.unwrap().to_string(), why.ends)).collect();
    let with_the_end = |text: &str| {
        format!("{text}; at 2026-01-01T00:01:00.000000000Z the workflow's timeout ends the whole execution")
    };
    let expected = [
        ("v", with_the_end("it goes on at 2026-01-01T00:00:02.000000000Z")),
        ("w", with_the_end("it goes on at 2026-01-01T00:00:05.000000000Z")),
        (
            "a",
            with_the_end(
                "a worker that serves `one` from the queue `default` answers; if none runs, start an executor",
            ),
        ),
    ];
    assert_eq!(told, expected.map(|(step, ends)| (step.to_owned(), ends)));
}

#[test]
fn what_was_set_aside_says_that_it_is_our_bug() {
    says(
        &story("a: { activity: one }").start().forget_definition().at("2s", succeeded("a", 1)),
        &[&[
            "- parked",
            "because a bug of Sagaline was found while running it: the plan of `w` version 1 is not there any more",
            "since 2s",
            "ends when nothing ends it by itself; cancelling closes it",
            "$ sagaline cancel e --reason parked",
        ]],
    );
}

#[test]
fn what_is_over_says_how_it_ended() {
    let one = || story("g: { steps: { a: { activity: one, retry: { attempts: 2 } } } }").start();
    let limited = workflow("timeout: 3s\nsteps: { a: { activity: one } }").start();
    let unknown =
        story("a: { activity: one }").at("0s", Input::Start(unversioned())).at("3s", refused("UnknownWorkflow"));
    let failed_twice = one().at("1s", failed("g/a", 1, "Busy")).timer().at("3s", failed("g/a", 2, "Broken"));
    for (story, state, cause) in [
        (one().at("3s", succeeded("g/a", 1)), "completed", "every step is done"),
        (failed_twice, "failed", "step `g/a` failed with Broken: no luck (attempt 2 was the last)"),
        (one().at("3s", cancel("not today")), "cancelled", "it was cancelled: not today"),
        (limited.timer(), "timed_out", "the workflow's timeout passed"),
        (unknown, "failed", "it could not start: no luck"),
    ] {
        let (state, cause) = (format!("- {state}"), format!("because {cause}"));
        says(&story, &[&[&state, &cause, "since 3s", "ends when it is over", "$ sagaline history e"]]);
    }
}

#[test]
fn a_wait_for_people_names_them_and_the_command() {
    says(
        &story("s: { await: { signals: [paid, packed], timeout: 1h } }").start().at("1s", signal("paid", json!(1))),
        &[&[
            "s waiting",
            "because nobody has sent the signal `packed` yet",
            "since 0ms",
            "ends when the signal comes, or its timeout at 2026-01-01T01:00:00.000000000Z",
            "until 1h",
            "$ sagaline signal e packed",
        ]],
    );
    says(
        &story("s: { await: { signals: [yes, no], need: any } }").start(),
        &[&[
            "s waiting",
            "because nobody has sent the signals `yes`, `no` yet",
            "since 0ms",
            "ends when one of them comes; it has no timeout",
            "$ sagaline signal e yes",
        ]],
    );
    says(
        &story("a: { steps: { s: { await: { approval: { approvers: [ann, bob] } } } } }").start(),
        &[&[
            "a/s waiting",
            "because it waits for an approval by `ann`, `bob`",
            "since 0ms",
            "ends when somebody approves or rejects; it has no timeout",
            "$ sagaline approve e a/s --by ann",
        ]],
    );
}
