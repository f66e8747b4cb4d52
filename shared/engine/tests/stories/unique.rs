//! Executions of which one at a time has a key: the others end before anything ran.

use sagaline_events::{EntityKey, EntityWord, Input, Says, Start, Ticket, input::Resumption, record::Status};
use sagaline_model::{ExecutionId, JobSpec, Moment, Span, Unique, UniqueUntil};
use serde_json::json;

use crate::{
    inputs::{cancel, failed, succeeded, unversioned},
    story::{BEGIN, Story, job, workflow},
};

const ONE: &str = "unique: { key: \"order-${ workflow.input.id }\", for: 1h }\nsteps: { a: { activity: one } }";
const KEY: &str = "~unique:order-7";

fn after(span: &str) -> Moment {
    BEGIN + span.parse::<Span>().unwrap()
}

fn of(entity: &str, says: Says) -> Input {
    asked_at(BEGIN, entity, says)
}

fn asked_at(since: Moment, entity: &str, says: Says) -> Input {
    let entity = EntityKey::try_from(entity.to_owned()).unwrap();
    let ticket = Ticket { since, execution: ExecutionId::new("e").unwrap(), path: None, attempt: 0 };
    Input::Entity(EntityWord::new(entity, &ticket, says))
}

fn claimed() -> Input {
    of(KEY, Says::Claimed { until: after("1h") })
}

fn taken() -> Input {
    of(KEY, Says::Taken { by: ExecutionId::new("first").unwrap(), until: after("1h") })
}

fn started(keys: &str) -> Story {
    workflow(keys).start_with(json!({"id": 7}))
}

fn until(word: &str) -> Story {
    let keys = format!(
        "unique: {{ key: \"order-${{ workflow.input.id }}\", for: 1h, until: {word} }}\nsteps: {{ a: {{ activity: one }} }}"
    );
    started(&keys).at("1s", claimed())
}

#[test]
fn it_begins_once_the_key_is_its_own() {
    let asked = started(ONE)
        .gives(&["workflow.started", "workflow.pending for ~unique:order-7", "~unique:order-7 claim for 1h"])
        .is(Status::Pending)
        .timer_is_due("1m");
    assert!(asked.why()[0].cause.contains(KEY), "{:?}", asked.why());
    asked
        .at("1s", claimed())
        .gives(&["workflow.admitted", "step.started a#1", "task a#1"])
        .has_no_timer()
        .at("2s", claimed())
        .gives_nothing()
        .at("2s", taken())
        .gives_nothing()
        .at("3s", succeeded("a", 1))
        .gives(&["step.completed a#1 in 2s", "workflow.completed in 3s", "~unique:order-7 release"]);
}

#[test]
fn who_was_refused_ends_before_anything_ran_and_names_the_winner() {
    let reason = "unique key `~unique:order-7` is held by `first`";
    let keys = format!("{ONE}\non_cancel: {{ activity: two }}");
    let told = started(&keys)
        .at("1s", taken())
        .gives(&["workflow.cancelled unique key `~unique:order-7` is held by `first` in 1s"])
        .is(Status::Cancelled);
    assert_eq!(told.view().reason.as_deref(), Some(reason));
    // Its question came once more, when the key was free again: it has no use for it.
    told.at("2s", claimed()).gives(&["~unique:order-7 release"]);
}

#[test]
fn while_nothing_is_heard_it_asks_again() {
    started(ONE)
        .timer()
        .gives(&["~unique:order-7 claim for 1h"])
        .timer_is_due("3m")
        .at("2m", claimed())
        .gives_also("task a#1");
}

#[test]
fn the_key_is_free_when_the_workflow_says() {
    until("end").at("2s", failed("a", 1, "Broken")).gives_also("~unique:order-7 release");
    until("success").at("2s", succeeded("a", 1)).gives_also("~unique:order-7 release");
    let kept = ["step.failed a#1 Broken", "workflow.failed Broken by a attempt 1 in 2s"];
    until("success")
        .at("2s", failed("a", 1, "Broken"))
        .gives(&kept)
        // That it has it is said once more: it keeps it all the same.
        .at("3s", claimed())
        .gives_nothing();
    until("expiry").at("2s", succeeded("a", 1)).gives(&["step.completed a#1 in 1s", "workflow.completed in 2s"]);
    until("expiry").at("2s", cancel("no")).at("3s", claimed()).gives_nothing();
}

#[test]
fn who_is_cancelled_while_it_asks_gives_back_what_it_may_get() {
    for word in ["end", "success", "expiry"] {
        let keys = format!(
            "unique: {{ key: \"order-${{ workflow.input.id }}\", for: 1h, until: {word} }}\nsteps: {{ a: {{ activity: one }} }}"
        );
        started(&keys)
            .at("1s", cancel("no"))
            .gives(&["~unique:order-7 release", "workflow.cancelled no in 1s"])
            .at("2s", claimed())
            .gives(&["~unique:order-7 release"]);
    }
}

#[test]
fn the_key_comes_before_the_place_and_both_are_given_back() {
    let keys = format!("{ONE}\nconcurrency: {{ limit: 2, on_limit: skip }}");
    let waits =
        || started(&keys).at("1s", claimed()).gives(&["workflow.pending for ~limit:w", "~limit:w acquire of 2 Skip"]);
    waits()
        .is(Status::Pending)
        .at("2s", asked_at(after("1s"), "~limit:w", Says::Granted))
        .gives(&["workflow.admitted", "step.started a#1", "task a#1"])
        .at("3s", succeeded("a", 1))
        .gives_also("~limit:w release")
        .gives_also("~unique:order-7 release");
    waits()
        .at("2s", asked_at(after("1s"), "~limit:w", Says::Refused { limit: 2 }))
        .gives_also("~limit:w release")
        .gives_also("~unique:order-7 release")
        .is(Status::Cancelled);
    waits().at("2s", cancel("no")).gives(&[
        "~limit:w release",
        "~unique:order-7 release",
        "workflow.cancelled no in 2s",
    ]);
}

#[test]
fn another_try_says_whose_it_is() {
    let resume = Resumption { of: Some(ExecutionId::new("first").unwrap()), ..Resumption::default() };
    let start = Start { version: Some(1), resume: Some(Box::new(resume)), input: json!({"id": 7}), ..unversioned() };
    workflow(ONE).at("0s", Input::Start(start)).gives_also("~unique:order-7 claim for 1h after first");
}

#[test]
fn a_key_that_cannot_be_computed_fails_the_execution() {
    started("unique: { key: \"${ 1 / 0 }\", for: 1h }\nsteps: { a: { activity: one } }").is(Status::Failed);
}

fn mail(until: UniqueUntil) -> JobSpec {
    let unique = Some(Unique { key: "${ a text }".to_owned(), ttl: Span::from_secs(3600), until });
    JobSpec { unique, ..JobSpec::of("mails.send".parse().unwrap()) }
}

fn submitted(spec: &JobSpec, after: &str) -> Story {
    let begin_at = Some(BEGIN + after.parse::<Span>().unwrap());
    let start = Start { version: Some(0), job: Some(Box::new(spec.clone())), begin_at, ..Start::of(spec.workflow()) };
    job(spec).at("0s", Input::Start(start))
}

const TEXT: &str = "~unique:_24_7b_20a_20text_20_7d";

#[test]
fn the_key_of_a_job_is_a_text_as_it_is() {
    let submitted =
        || submitted(&mail(UniqueUntil::End), "0s").gives(&["~unique:_24_7b_20a_20text_20_7d claim for 1h"]);
    submitted()
        .at("1s", of(TEXT, Says::Claimed { until: after("1h") }))
        .gives(&["job.enqueued mails.send@default#1", "task job#1"])
        .at("2s", succeeded("job", 1))
        .gives_also("~unique:_24_7b_20a_20text_20_7d release");
    let refused =
        submitted().at("1s", of(TEXT, Says::Taken { by: ExecutionId::new("first").unwrap(), until: after("1h") }));
    let reason = "unique key `~unique:_24_7b_20a_20text_20_7d` is held by `first`";
    assert_eq!(refused.view().reason.as_deref(), Some(reason));
    refused.is(Status::Cancelled);
}

#[test]
fn a_job_that_begins_later_has_its_key_from_when_it_is_accepted() {
    let later = |until| submitted(&mail(until), "30m").gives_also("~unique:_24_7b_20a_20text_20_7d claim for 1h");
    later(UniqueUntil::End)
        .at("1s", of(TEXT, Says::Claimed { until: after("1h") }))
        .gives_nothing()
        .is(Status::Pending)
        .timer()
        .gives(&["job.enqueued mails.send@default#1", "task job#1"]);
    // One that is not wanted any more has done nothing, so it keeps no key.
    later(UniqueUntil::Expiry)
        .at("1s", of(TEXT, Says::Claimed { until: after("1h") }))
        .at("2s", cancel("no"))
        .gives_also("~unique:_24_7b_20a_20text_20_7d release");
    // Its key may be heard of after its time.
    later(UniqueUntil::End)
        .at("30m", Input::Timer(sagaline_events::TimerName::of_execution(sagaline_events::TimerKind::Begin)))
        .is(Status::Pending)
        .at("31m", of(TEXT, Says::Claimed { until: after("1h") }))
        .gives(&["job.enqueued mails.send@default#1", "task job#1"]);
}
