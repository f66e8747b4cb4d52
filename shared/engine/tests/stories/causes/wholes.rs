//! What the whole waits for, and how it ends.

use sagaline_events::{Input, Parent, Start, input::Cancel};
use sagaline_model::ExecutionId;
use serde_json::json;

use super::{HANDED, ONE, Row, TASK_ENDS, pause, row};
use crate::{
    inputs::{cancel, failed, refused, signal, succeeded, unversioned},
    story::{path, story, workflow},
};

const HANDLED: &str = "on_failure: { activity: page }\nsteps: { a: { activity: one } }";
const NOTED: &str =
    "on_step_error: { activity: note }\nsteps: { a: { activity: one, retry: { attempts: 2, initial: 5s } } }";

/// A start of a child that may have begun before.
fn start_again() -> Input {
    let execution = ExecutionId::new("p").unwrap();
    let parent = Parent { execution, path: path("a"), waits: true };
    Input::Start(Start { again: true, parent: Some(parent), ..unversioned() })
}

fn gently() -> Input {
    Input::Cancel(Cancel { reason: None, cleanup: true, grace: None, rollback: false })
}

pub(super) fn wholes() -> Vec<Row> {
    const LOOKED_UP: &str = "the orchestrator records what it finds; this takes milliseconds while NATS answers";
    vec![
        row("nothing is known of it", story(ONE).at("1s", signal("go", json!(1))), &[]),
        row(
            "it may have begun before",
            story(ONE).at("1s", start_again()),
            &[[
                "- pending",
                "whether it began before, and how it ended then, is being looked up",
                LOOKED_UP,
                "sagaline workflows",
            ]],
        ),
        row(
            "its version is looked up",
            story(ONE).at("1s", Input::Start(Start { version: Some(7), ..unversioned() })),
            &[["- pending", "version 7 of `w` is being looked up", LOOKED_UP, "sagaline workflows"]],
        ),
        row(
            "the newest version is looked up",
            story(ONE).at("1s", Input::Start(unversioned())),
            &[["- pending", "the newest version of `w` is being looked up", LOOKED_UP, "sagaline workflows"]],
        ),
        row(
            "those at work tidy up",
            story(ONE).start().at("1s", gently()),
            &[
                [
                    "a running",
                    HANDED,
                    "a worker that serves `one` from the queue `default` answers; if none runs, start an executor; it was told to stop, nobody else is given it, and at 00:00:31 it is given up",
                    "sagaline cancel e",
                ],
                [
                    "- cancelling",
                    "it was cancelled, and 1 at work were told to stop",
                    "all of them answer, or their time to tidy up is over at 00:00:31",
                    "sagaline cancel e",
                ],
            ],
        ),
        row("it runs", story(ONE).start(), &[["a running", HANDED, TASK_ENDS, "sagaline cancel e"]]),
        row(
            "it runs",
            workflow("timeout: 1m\nsteps: { w: { wait: 5s } }").start(),
            &[[
                "w waiting",
                "it waits for time to pass, as the definition says",
                "it goes on at 00:00:05; at 00:01:00 the workflow's timeout ends the whole execution",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it runs",
            workflow(NOTED).start().at("1s", failed("a", 1, "Busy")),
            &[
                [
                    "a backing_off",
                    "attempt 1 failed with Busy: no luck",
                    "attempt 2 begins at 00:00:06",
                    "sagaline cancel e",
                ],
                [
                    "on_step_error running",
                    "attempt 1 of `note` was handed to the queue `default` and is not answered yet",
                    "a worker that serves `note` from the queue `default` answers; if none runs, start an executor; it runs beside the execution, and only the end waits for it",
                    "sagaline cancel e",
                ],
            ],
        ),
        row(
            "it is paused",
            story("a: { activity: one }\nb: { after: a, activity: two }")
                .start()
                .at("1s", pause("audit"))
                .at("2s", succeeded("a", 1)),
            &[[
                "- paused",
                "somebody paused it: audit; a step is held back",
                "somebody resumes it",
                "sagaline resume e",
            ]],
        ),
        row(
            "it waits for its turn",
            workflow("concurrency: 1\nsteps: { a: { activity: one } }").start(),
            &[[
                "- pending",
                "as many of `~limit:w` as may be at once are at work; it waits for its turn",
                "one of them ends, and nobody who began earlier waits; `sagaline limits get ~limit:w` shows the line",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it is between two rounds",
            workflow("retry_workflow: { attempts: 2, initial: 1m }\nsteps: { a: { activity: one } }")
                .start()
                .at("1s", failed("a", 1, "Busy")),
            &[[
                "- backing_off",
                "attempt 1 of the whole failed: step `a` failed with Busy: no luck",
                "everything begins anew at 00:01:01, as attempt 2",
                "sagaline cancel e",
            ]],
        ),
        row(
            "its end is handled",
            workflow(HANDLED).start().at("1s", failed("a", 1, "Busy")),
            &[[
                "on_failure running",
                "attempt 1 of `page` was handed to the queue `default` and is not answered yet",
                "a worker that serves `page` from the queue `default` answers; if none runs, start an executor; how the execution ends is known, whatever comes of this: step `a` failed with Busy: no luck (attempt 1 was the last)",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it is parked",
            story(ONE).start().forget_definition().at("2s", succeeded("a", 1)),
            &[[
                "- parked",
                "a bug of Sagaline was found while running it: the plan of `w` version 1 is not there any more",
                "nothing ends it by itself; cancelling closes it",
                "sagaline cancel e --reason parked",
            ]],
        ),
        row(
            "it is over",
            story(ONE).start().at("1s", succeeded("a", 1)),
            &[["- completed", "every step is done", "it is over", "sagaline history e"]],
        ),
    ]
}

pub(super) fn ends() -> Vec<Row> {
    vec![
        row(
            "over: completed",
            story(ONE).start().at("1s", succeeded("a", 1)),
            &[["- completed", "every step is done", "it is over", "sagaline history e"]],
        ),
        row(
            "over: failed",
            story(ONE).start().at("1s", failed("a", 1, "Busy")),
            &[[
                "- failed",
                "step `a` failed with Busy: no luck (attempt 1 was the last)",
                "it is over",
                "sagaline history e",
            ]],
        ),
        row(
            "over: cancelled",
            story(ONE).start().at("1s", cancel("not today")),
            &[["- cancelled", "it was cancelled: not today", "it is over", "sagaline history e"]],
        ),
        row(
            "over: timed out",
            workflow("timeout: 3s\nsteps: { a: { activity: one } }").start().timer(),
            &[["- timed_out", "the workflow's timeout passed", "it is over", "sagaline history e"]],
        ),
        row(
            "over: refused",
            story(ONE).at("0s", Input::Start(unversioned())).at("1s", refused("UnknownWorkflow")),
            &[["- failed", "it could not start: no luck", "it is over", "sagaline history e"]],
        ),
    ]
}
