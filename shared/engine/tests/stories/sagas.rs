//! Executions whose effects are undone: what is, in which order, and how it is waited for.

mod children;
mod ends;
mod left;
mod order;
mod outcomes;
mod settling;

use sagaline_engine::Effect;
use sagaline_events::{SagaRequest, saga::UndoAction};

use crate::story::Story;

/// Two steps that can be undone, and one that fails.
const TRIP: &str = "
steps:
  hotel: { activity: book, compensate: cancel }
  flight: { after: hotel, activity: book, compensate: { activity: cancel, input: { id: '${ output.id }' } } }
  pay: { after: flight, activity: pay }
";

/// What the last input asked a saga to do.
fn request(story: &Story) -> SagaRequest {
    let asked = story.effects().iter().find_map(|effect| match effect {
        Effect::AskSaga { request, .. } => Some((**request).clone()),
        _ => None,
    });
    asked.expect("a saga is asked for")
}

/// How it is to undo this step.
fn actions(story: &Story, step: &str) -> Vec<UndoAction> {
    let found =
        request(story).steps.into_iter().find(|undone| undone.path.as_str() == step && !undone.actions.is_empty());
    found.unwrap_or_else(|| panic!("`{step}` is not undone")).actions
}
