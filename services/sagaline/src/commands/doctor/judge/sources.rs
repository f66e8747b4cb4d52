//! Sources of events: whether what is mapped in is there, and taken from.

use sagaline_sdk::client::{Inspection, Served, SourceFacts, SourcePlace};

use super::{
    super::finding::{Finding, count},
    or_ok,
};
use crate::words;

const CHECK: &str = "sources";

pub(super) fn sources(facts: &Inspection) -> Vec<Finding> {
    // What cannot be read is said where the bucket is looked at.
    let Some(sources) = facts.sources.as_ref().filter(|sources| !sources.is_empty()) else { return vec![] };
    let findings = sources.iter().flat_map(|source| {
        let findings = not_taken(source).into_iter().chain(set_aside(source));
        findings.map(|finding| finding.of(format!("source `{}`", source.name)))
    });
    or_ok(findings.collect(), || {
        let waiting = sources.iter().map(waiting).sum();
        let number = count(sources.len() as u64, "source");
        Finding::ok(CHECK, format!("{number} of events besides `EVENTS`, each with a trigger; {}", waits(waiting)))
    })
}

fn waiting(source: &SourceFacts) -> u64 {
    match &source.place {
        SourcePlace::There { served: Served::By(consumer), .. } => consumer.waiting,
        SourcePlace::There { served: Served::Never | Served::Unknown, .. }
        | SourcePlace::Own(_)
        | SourcePlace::NoStream { .. }
        | SourcePlace::Unknown(_) => 0,
    }
}

fn waits(messages: u64) -> String {
    match messages {
        0 => "no message waits".to_owned(),
        1 => "1 message waits".to_owned(),
        messages => format!("{messages} messages wait"),
    }
}

fn not_taken(SourceFacts { name, source, place, .. }: &SourceFacts) -> Option<Finding> {
    let set_anew = format!("`sagaline events sources set {name}` with another one, or `remove {name}`");
    let start = "start `sagaline-trigger`; nothing is lost meanwhile";
    let finding = match place {
        SourcePlace::Own(own) => {
            Finding::not_ok(CHECK, format!("`{own}` is this installation's own, and no trigger reads it"), set_anew)
        }
        SourcePlace::NoStream { name, taken_by } => match (taken_by.as_slice(), &source.stream) {
            ([], Some(_)) => {
                let todo = format!("make the stream, and triggers take from it; or {set_anew}");
                Finding::not_ok(CHECK, format!("there is no stream `{name}`"), todo)
            }
            ([], None) => {
                let says = format!("no trigger has made the stream `{name}` yet: what is published meanwhile is lost");
                Finding::not_ok(CHECK, says, "start `sagaline-trigger`; if one runs, its log says why it cannot")
            }
            ([first, ..], _) => {
                let says = format!("its subject, or some of it, is stored in the stream `{first}` already");
                let todo = format!("a subject is in one stream: set the source anew, with `stream: {first}`");
                Finding::not_ok(CHECK, says, todo)
            }
        },
        SourcePlace::There { served: Served::Never, .. } => {
            Finding::not_ok(CHECK, "no trigger has taken anything from it yet", start)
        }
        SourcePlace::There { served: Served::Unknown, stream } | SourcePlace::Unknown(stream) => {
            let says = format!("JetStream does not say whether a trigger takes from it ({stream})");
            Finding::not_ok(CHECK, says, "has its stream a leader? Then look again")
        }
        SourcePlace::There { served: Served::By(consumer), .. } if consumer.paused => {
            let todo = "somebody paused it: `nats consumer resume` goes on";
            Finding::not_ok(CHECK, "its consumer is paused: nothing is taken from it", todo)
        }
        SourcePlace::There { served: Served::By(consumer), .. } if !consumer.is_deserted() => return None,
        SourcePlace::There { served: Served::By(consumer), .. } if 0 < consumer.waiting => {
            Finding::not_ok(CHECK, format!("{}, and no trigger takes them", waits(consumer.waiting)), start)
        }
        SourcePlace::There { .. } => {
            Finding::hint(CHECK, "no trigger runs: what comes there starts nothing at this time", start)
        }
    };
    Some(finding)
}

/// The last that was, of late.
fn set_aside(source: &SourceFacts) -> Option<Finding> {
    let rejected = source.set_aside.as_ref()?;
    let (time, reason, detail) = (words::time(rejected.time), &rejected.reason, &rejected.detail);
    let says = format!("a message of it was set aside at {time}: {reason}: {detail}");
    let todo = format!("`sagaline rejected get {}` shows it; correct its `event`, or what sends it", rejected.sequence);
    Some(Finding::hint(CHECK, says, todo))
}

#[cfg(test)]
mod tests {
    use sagaline_sdk::client::ConsumerFacts;

    use super::{
        super::{
            super::finding::Verdict,
            facts::{a_rejected_message, healthy},
        },
        *,
    };

    fn with(change: impl FnOnce(&mut SourceFacts)) -> Vec<Finding> {
        let mut facts = healthy();
        change(&mut facts.sources.as_mut().expect("sources")[0]);
        sources(&facts)
    }

    fn placed(place: SourcePlace) -> Finding {
        with(|source| source.place = place).remove(0)
    }

    fn served(served: Served) -> Finding {
        placed(SourcePlace::There { stream: "SHOP".into(), served })
    }

    #[test]
    fn sources_that_are_taken_from_are_one_line_and_none_is_no_line() {
        assert_eq!(with(|_| {})[0].says, "1 source of events besides `EVENTS`, each with a trigger; no message waits");
        assert_eq!(sources(&Inspection { sources: Some(vec![]), ..healthy() }), []);
        assert_eq!(sources(&Inspection { sources: None, ..healthy() }), []);
    }

    #[test]
    fn what_is_not_there_is_named_with_what_to_do() {
        let (name, taken_by) = ("SHOP".to_owned(), vec![]);
        let gone = placed(SourcePlace::NoStream { name: name.clone(), taken_by });
        assert_eq!((gone.verdict, gone.thing.as_deref()), (Verdict::NotOk, Some("source `shop`")));
        assert_eq!(gone.says, "there is no stream `SHOP`");
        let taken = placed(SourcePlace::NoStream { name, taken_by: vec!["TILL".into()] });
        assert!(taken.says.contains("`TILL` already") && taken.todo.is_some_and(|todo| todo.contains("stream: TILL")));
        assert_eq!(placed(SourcePlace::Own("EVENTS".into())).verdict, Verdict::NotOk);
        assert_eq!(placed(SourcePlace::Unknown("no answer".into())).verdict, Verdict::NotOk);
    }

    #[test]
    fn messages_without_a_trigger_are_not_ok() {
        let deserted = |waiting| served(Served::By(ConsumerFacts { waiting, ..ConsumerFacts::default() }));
        assert_eq!(deserted(3).says, "3 messages wait, and no trigger takes them");
        assert_eq!((deserted(3).verdict, deserted(0).verdict), (Verdict::NotOk, Verdict::Hint));
        assert_eq!((served(Served::Never).verdict, served(Served::Unknown).verdict), (Verdict::NotOk, Verdict::NotOk));
        let paused = ConsumerFacts { paused: true, requests: 1, ..ConsumerFacts::default() };
        assert_eq!(served(Served::By(paused)).verdict, Verdict::NotOk);
    }

    #[test]
    fn what_was_set_aside_last_is_a_hint_with_its_reason() {
        let findings = with(|source| source.set_aside = Some(a_rejected_message()));
        assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::Hint));
        assert!(findings[0].says.contains("bad_input: no such type"), "{}", findings[0].says);
        assert!(findings[0].todo.as_ref().is_some_and(|todo| todo.contains("rejected get 7")));
    }
}
