//! Tasks that say `claim`: whatever may have had an effect is answered for.

use std::time::Duration;

use sagaline_events::{Input, ask::Answer};
use sagaline_model::StepError;
use sagaline_sdk::worker::{ActivityContext, ActivityError, Task};
use serde_json::json;

use crate::common::{Notes, Site, Working, eventually, task};

fn claimed(execution: &str) -> Task {
    Task { report: true, claim: true, ..task("note", execution) }
}

/// Notes that it began and that it was told to stop, and then has its effect all the same.
async fn stubborn(notes: Notes, context: ActivityContext, wait: bool) -> Result<&'static str, ActivityError> {
    notes.note(format!("{} began", context.execution()));
    if wait {
        context.cancellation().cancelled().await;
        notes.note("told to stop");
    }
    Ok("done all the same")
}

fn working(site: &Site, notes: &Notes) -> Working {
    let notes = notes.clone();
    let run =
        move |context: ActivityContext, wait: Option<bool>| stubborn(notes.clone(), context, wait.unwrap_or_default());
    Working::begin(site.worker().activity("note", run))
}

#[tokio::test]
async fn it_runs_once_its_start_is_stored_and_the_owner_wants_it() {
    let (site, notes) = (Site::start().await, Notes::default());
    let _working = working(&site, &notes);
    site.put(&claimed("e-1")).await;
    // Its start is stored without anybody to ask; but it does not begin.
    assert!(matches!(&site.eventually_inputs(1).await[..], [Input::StepStarted(_)]));
    eventually("the worker waits for an answer", async || site.queued().await == 1).await;
    assert_eq!(notes.all(), Vec::<String>::new());
    let owner = site.owner(|| Answer::Wanted(true)).await;
    let inputs = site.eventually_inputs(2).await;
    assert!(matches!(&inputs[1], Input::StepSucceeded(success) if success.claimed), "{inputs:?}");
    site.eventually_queued(0).await;
    assert_eq!((owner.asked(), notes.all()), (1, vec!["e-1 began".to_owned()]));
}

#[tokio::test]
async fn it_says_that_it_has_done_nothing_if_it_is_not_wanted_any_more() {
    let (site, notes) = (Site::start().await, Notes::default());
    let _owner = site.owner(|| Answer::Wanted(false)).await;
    let _working = working(&site, &notes);
    site.put(&claimed("e-1")).await;
    let inputs = site.eventually_inputs(2).await;
    assert!(
        matches!(&inputs[..], [Input::StepStarted(_), Input::StepFailed(failed)] if failed.error.kind == StepError::NOT_BEGUN),
        "{inputs:?}"
    );
    site.eventually_queued(0).await;
    assert_eq!(notes.all(), Vec::<String>::new());
}

#[tokio::test]
async fn it_is_answered_for_when_it_is_revoked_while_it_runs() {
    let (site, notes) = (Site::start().await, Notes::default());
    let _owner = site.owner(|| Answer::Wanted(true)).await;
    let _working = working(&site, &notes);
    let timeout = Some(Duration::from_secs(60).into());
    site.put(&Task { input: json!(true), timeout, ..claimed("e-1") }).await;
    notes.eventually(1).await;
    site.tell("e-1", json!({"revoked": {"path": "charge", "attempt": 1}})).await;
    let inputs = site.eventually_inputs(2).await;
    assert!(
        matches!(&inputs[1], Input::StepSucceeded(success) if success.claimed && success.output == "done all the same"),
        "{inputs:?}"
    );
    site.eventually_queued(0).await;
    assert_eq!(notes.all(), ["e-1 began", "told to stop"]);
}
