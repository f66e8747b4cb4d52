//! What an execution waits for whose effects are undone.

use sagaline_events::{Input, SagaNews, SagaStatus};
use sagaline_model::StepError;
use serde_json::json;

use super::{Row, row};
use crate::{
    inputs::{began, claimed, failed, news, rollback, undone},
    story::{Story, path, workflow},
};

const TWO: &str = "steps: { a: { activity: one, compensate: un }, b: { after: a, activity: two } }";

fn failing() -> Story {
    let done = workflow(TWO).start().at("1s", began("a", 1)).at("2s", claimed("a", 1, json!(1)));
    done.at("3s", failed("b", 1, "Busy"))
}

fn stuck() -> Input {
    let stuck = vec![(path("a"), StepError::new("Gone", "no such booking"))];
    Input::SagaNews(SagaNews { stuck, ..news(Some(SagaStatus::Stuck)) })
}

pub(super) fn sagas() -> Vec<Row> {
    vec![
        row(
            "those that were at work may answer still",
            workflow(TWO).start().at("1s", began("a", 1)).at("2s", rollback("no")),
            &[[
                "- compensating",
                "it was cancelled: no; step `a` had begun and may have had an effect",
                "whoever is at work answers, or until 00:00:32 nobody did; then all is undone",
                "sagaline get e",
            ]],
        ),
        row(
            "those that were at work may answer still",
            workflow("steps: { a: { child: { workflow: b, id: c } } }").start().at("2s", rollback("no")),
            &[[
                "a compensating",
                "its child `c` was told to end, and to undo what it did",
                "that execution is over; it is asked now and then",
                "sagaline why c",
            ]],
        ),
        row(
            "its saga is at work",
            failing(),
            &[[
                "- compensating",
                "step `b` failed with Busy: no luck (attempt 1 was the last); the step that it did is undone, the last one first: its saga was asked for, and has not said anything yet",
                "its saga tells that it is over; a compensator has to run",
                "sagaline sagas get e",
            ]],
        ),
        row(
            "its saga is stuck",
            failing().at("4s", stuck()),
            &[[
                "a stuck",
                "`a` could not be undone, and no attempt is left: Gone: no such booking; it is undone because step `b` failed with Busy: no luck (attempt 1 was the last)",
                "somebody lets it be tried again, or passed by, or says that all is resolved",
                "sagaline sagas retry e",
            ]],
        ),
        row(
            "over: rolled back",
            failing().at("4s", undone(&["a"])),
            &[[
                "- rolled_back",
                "step `b` failed with Busy: no luck (attempt 1 was the last); what it had done is undone",
                "it is over",
                "sagaline history e",
            ]],
        ),
    ]
}
