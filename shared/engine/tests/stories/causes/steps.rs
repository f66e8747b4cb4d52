//! Attempts, and what is between them.

use sagaline_events::{EntityKey, EntityWord, Input, Says, Ticket};
use sagaline_model::ExecutionId;

use super::{HANDED, ONE, Row, TASK_ENDS, pause, row};
use crate::{
    inputs::{began, failed, snoozed, succeeded},
    story::{BEGIN, path, story, workflow},
};

const SLOT: &str = "step_concurrency: 1\nsteps: { a: { activity: one }, b: { activity: two, total_timeout: 1h } }";
const BREAKER: &str = "a: { activity: one, breaker: pay }";

/// What the breaker `pay` says to the first attempt of `a`.
fn breaker_says(says: Says) -> Input {
    let execution = ExecutionId::new("e").unwrap();
    let ticket = Ticket { since: BEGIN, execution, path: Some(path("a")), attempt: 1 };
    Input::Entity(EntityWord::new(EntityKey::try_from("~breaker:pay".to_owned()).unwrap(), &ticket, says))
}

pub(super) fn steps() -> Vec<Row> {
    vec![
        row("it was handed over", story(ONE).start(), &[["a running", HANDED, TASK_ENDS, "sagaline cancel e"]]),
        row(
            "it was handed over",
            story("a: { activity: one, schedule_timeout: 5s, timeout: 1s }").start(),
            &[["a scheduled", HANDED, "a worker begins, or its schedule_timeout at 00:00:05", "sagaline cancel e"]],
        ),
        row(
            "it was handed over",
            story("a: { activity: one, total_timeout: 1m }").start(),
            &[["a running", HANDED, "the worker answers, or its total_timeout at 00:01:00", "sagaline cancel e"]],
        ),
        row(
            "a worker runs it",
            story("a: { activity: one, timeout: 5s }").start().at("2s", began("a", 1)),
            &[[
                "a running",
                "`worker-1` runs attempt 1 of `one`",
                "the worker answers, or its timeout at 00:00:07",
                "sagaline cancel e",
            ]],
        ),
        row(
            "a worker runs it",
            story("a: { activity: one, schedule_timeout: 5s }").start().at("2s", began("a", 1)),
            &[[
                "a running",
                "`worker-1` runs attempt 1 of `one`",
                "the worker answers; if it is dead, another one gets the task within seconds",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it backs off",
            story("a: { activity: one, retry: { attempts: 3, initial: 5s } }").start().at("2s", failed("a", 1, "Busy")),
            &[[
                "a backing_off",
                "attempt 1 failed with Busy: no luck",
                "attempt 2 begins at 00:00:07",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it snoozes",
            story(ONE).start().at("1s", snoozed("a", 1, "1h")),
            &[[
                "a waiting",
                "attempt 1 said that it is too early: not yet",
                "attempt 2 begins at 01:00:01",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it waits for time",
            story("w: { wait: 5s }").start(),
            &[[
                "w waiting",
                "it waits for time to pass, as the definition says",
                "it goes on at 00:00:05",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it waits for a slot",
            workflow(SLOT).start(),
            &[
                [
                    "b waiting",
                    "it waits for a slot: step_concurrency is 1",
                    "an attempt of another step ends, and those that came before had their turn; or its time is over at 01:00:00",
                    "sagaline cancel e",
                ],
                ["a running", HANDED, TASK_ENDS, "sagaline cancel e"],
            ],
        ),
        row(
            "it waits for a slot",
            workflow(SLOT).start().at("1s", pause("audit")).at("2s", succeeded("a", 1)),
            &[
                [
                    "b waiting",
                    "it waits for a slot: step_concurrency is 1",
                    "somebody resumes the execution, and it is its turn; or its time is over at 01:00:00",
                    "sagaline cancel e",
                ],
                [
                    "- paused",
                    "somebody paused it: audit; no step is held back yet",
                    "somebody resumes it",
                    "sagaline resume e",
                ],
            ],
        ),
        row(
            "it asks its breaker",
            story(BREAKER).start(),
            &[[
                "a scheduled",
                "attempt 1 has asked the breaker `~breaker:pay`",
                "the breaker answers; this takes milliseconds while an orchestrator owns its partition",
                "sagaline cancel e",
            ]],
        ),
        row(
            "its breaker is open",
            story(BREAKER).start().at("1s", breaker_says(Says::Delayed { until: BEGIN + "30s".parse().unwrap() })),
            &[[
                "a waiting",
                "the breaker `~breaker:pay` is open, or others are trying",
                "attempt 1 asks again at 00:00:30",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it failed, and waits to be let go on",
            story("a: { activity: one, on_error: pause }").start().at("1s", failed("a", 1, "Busy")),
            &[
                [
                    "a failed",
                    "attempt 1 failed with Busy: no luck, and no other follows by itself",
                    "somebody lets it go on: it is tried again, with all its attempts",
                    "sagaline resume e",
                ],
                [
                    "- paused",
                    "its definition asks to wait for somebody when this fails: step `a` failed with Busy: no luck; no step is held back yet",
                    "somebody resumes it",
                    "sagaline resume e",
                ],
            ],
        ),
        row(
            "it failed, and waits to be let go on",
            story("a: { activity: one, on_error: pause }")
                .start()
                .at("1s", pause("audit"))
                .at("2s", failed("a", 1, "Busy")),
            &[
                [
                    "a failed",
                    "attempt 1 failed with Busy: no luck, and no other follows by itself",
                    "somebody lets it go on: it is tried again, with all its attempts",
                    "sagaline resume e",
                ],
                [
                    "- paused",
                    "somebody paused it: audit; then step `a` failed with Busy: no luck; no step is held back yet",
                    "somebody resumes it",
                    "sagaline resume e",
                ],
            ],
        ),
    ]
}
