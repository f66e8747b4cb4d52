//! The top of a definition: a workflow, or a job, which is a workflow of one step.

use std::rc::Rc;

use super::{Lower, Map, entry, list, map, short::SHORT_OF_TOP, start_of, text};
use crate::{
    flow::{
        syntax::{Definition, Entry as Written, Keyword},
        within::Within,
    },
    source::Place,
    suggest::nearest,
    syntax::shown,
    tree::{self, Content, Node, Text},
    words,
};

/// What of a job without steps belongs to its one step.
const OF_ONE_STEP: [&str; 10] = [
    "queue",
    "input",
    "compensate",
    "rate_limit",
    "limit",
    "heartbeat",
    "schedule_timeout",
    "total_timeout",
    "breaker",
    "expand",
];

/// What is gathered from several entries.
#[derive(Default)]
struct Gathered<'f> {
    triggers: Vec<Rc<Node>>,
    /// Where the first of them stands.
    triggered: Option<Place>,
    schedule: Option<&'f Written>,
    timezone: Option<&'f Written>,
    description: Option<&'f Written>,
    task: Option<&'f Written>,
    of_step: Vec<&'f Written>,
    on_fail: Option<&'f Written>,
}

impl Lower<'_, '_> {
    pub(super) fn definition(&mut self, definition: &Definition) -> Rc<Node> {
        let place = definition.place;
        let mut top = Map::new();
        let name = &definition.name;
        let pieces = name.pieces.clone();
        let named = Node::new(name.place, Content::Text(Text::at(name.value.clone(), name.place, pieces)));
        top.push(self.reader, entry("workflow", place, Rc::new(named)));
        let mut gathered = Gathered::default();
        let within = match definition.keyword {
            Keyword::Workflow => Within::Workflow,
            Keyword::Job => Within::Job,
        };
        let has_task = definition.body.entries.iter().any(|entry| entry.key.text == "task");
        for written in &definition.body.entries {
            if written.value.is_lost() {
                self.blurred.push(place);
                continue;
            }
            let before = (top.entries.len(), self.reader.errors());
            self.top_entry(&mut top, &mut gathered, written, within, has_task);
            if top.entries.len() == before.0 && before.1 < self.reader.errors() {
                self.blurred.push(place);
            }
        }
        if let Some(schedule) = gathered.schedule {
            gathered.triggered.get_or_insert(schedule.key.place);
            let trigger = self.schedule(schedule, gathered.timezone);
            if trigger.is_none() {
                self.blurred.push(place);
            }
            gathered.triggers.extend(trigger);
        } else if let Some(timezone) = gathered.timezone.filter(|zone| !self.lend(zone, &mut gathered.triggers)) {
            let hint = "write `schedule \"…\"` beside it, or put it into the trigger: `trigger schedule \"…\" { timezone \"…\" }`";
            self.reader.error(timezone.key.place, "this `timezone` belongs to no `schedule`").hint(hint);
        }
        if let Some(at) = gathered.triggered {
            top.push(self.reader, entry("on", at, list(start_of(at), gathered.triggers)));
        }
        if let Some(description) = gathered.description {
            self.describe(&mut top, description);
        }
        match definition.keyword {
            Keyword::Workflow => {}
            Keyword::Job => self.one_step(&mut top, definition, gathered.task, &gathered.of_step),
        }
        self.failure(&mut top, gathered.on_fail);
        // What was gathered stands where the first of it does, for whoever writes it in another form.
        top.entries.sort_by_key(|entry| entry.key.place.start);
        top.node(place)
    }

    /// A `timezone` at the top is that of every cron expression of a trigger that has none; whether there is any.
    fn lend(&mut self, timezone: &Written, triggers: &mut [Rc<Node>]) -> bool {
        let has = |entries: &[tree::Entry], word: &str| entries.iter().any(|entry| entry.key.text == word);
        let mut zone = None;
        for trigger in triggers {
            let Content::Map(entries) = &trigger.content else { continue };
            if !has(entries, "cron") || has(entries, "timezone") {
                continue;
            }
            zone = zone.or_else(|| self.value(&timezone.value, Within::Literal, &timezone.key));
            let Some(zone) = &zone else { return true };
            let lent = entry("timezone", timezone.key.place, Rc::clone(zone));
            *trigger = map(trigger.place, entries.iter().cloned().chain([lent]).collect());
        }
        zone.is_some()
    }

    fn top_entry<'f>(
        &mut self,
        top: &mut Map,
        gathered: &mut Gathered<'f>,
        written: &'f Written,
        within: Within,
        has_task: bool,
    ) {
        let key = &written.key;
        let word = if key.quoted { "" } else { key.text.as_str() };
        let slot = match word {
            "schedule" => Some(&mut gathered.schedule),
            "timezone" => Some(&mut gathered.timezone),
            "description" => Some(&mut gathered.description),
            "task" if within == Within::Job => Some(&mut gathered.task),
            "on_fail" => Some(&mut gathered.on_fail),
            _ => None,
        };
        if let Some(slot) = slot {
            if let Some(first) = slot.replace(written) {
                let message = format!("`{word}` is given twice");
                let hint = format!("the first one is on line {}; keep one of them", first.key.place.start.line);
                self.reader.error(key.place, message).hint(hint);
            }
            return;
        }
        match word {
            "trigger" | "on" => {
                gathered.triggered.get_or_insert(key.place);
                self.reader.rename(written.place, "on", &key.text);
                let triggers = self.triggers(written);
                gathered.triggers.extend(triggers);
            }
            "on_complete" => {
                if let Some(action) = self.action(written) {
                    self.push_as(top, "on_success", written, action);
                }
            }
            "retry" | "retry_workflow" => {
                if let Some(value) = self.retry(written) {
                    top.push(self.reader, entry(word, key.place, value));
                }
            }
            word if !word.is_empty() && is_unknown(word, within) => {
                let owner = if within == Within::Job { "job" } else { "workflow" };
                let message = format!("unknown key `{}` in the {owner}", shown(word));
                self.reader.error(key.place, message).hint(meant_instead(word, within));
            }
            _ if within == Within::Job && has_task && OF_ONE_STEP.contains(&word) => gathered.of_step.push(written),
            _ => {
                if let Some(value) = self.value(&written.value, within.of(word), key) {
                    top.push(self.reader, entry(&key.text, key.place, value));
                }
            }
        }
    }

    /// An entry under the word that means the same as the one that is written.
    fn push_as(&mut self, top: &mut Map, word: &str, written: &Written, value: Rc<Node>) {
        let (key, place) = (&written.key.text, written.key.place);
        if let Some(line) = top.lines.get(word) {
            let message = format!("`{key}` and `{word}` say the same, and both are given");
            self.reader.error(place, message).hint(format!("the first one is on line {line}; keep one of them"));
            return;
        }
        self.reader.rename(written.place, word, key);
        top.push(self.reader, entry(word, place, value));
    }

    /// A text for people, kept beside whatever else is known of the workflow.
    fn describe(&mut self, top: &mut Map, description: &Written) {
        let place = description.key.place;
        let Some(value) = self.value(&description.value, Within::Literal, &description.key) else { return };
        let described = entry("description", place, value);
        let Some(metadata) = top.entries.iter_mut().find(|entry| entry.key.text == "metadata") else {
            return top.push(self.reader, entry("metadata", place, map(start_of(place), vec![described])));
        };
        match &metadata.value.content {
            Content::Map(entries) if entries.iter().all(|entry| entry.key.text != "description") => {
                let entries = entries.iter().cloned().chain([described]).collect();
                metadata.value = map(metadata.value.place, entries);
            }
            _ => {
                let hint = "a `description` is kept as `description` in the `metadata`; give it in one place";
                self.reader.error(place, "there is a `description` in the `metadata` already").hint(hint);
            }
        }
    }

    /// `task` and what goes with it are a step with the job's own name.
    fn one_step(&mut self, top: &mut Map, definition: &Definition, task: Option<&Written>, others: &[&Written]) {
        let Some(task) = task else {
            if !top.has("steps") && !self.blurred.contains(&definition.place) {
                let hint = "say which activity does it: `task \"reports.daily\"`; or give it `steps`";
                let message = format!("job `{}` has no `task`", shown(&definition.name.value));
                self.reader.error(definition.name.place, message).hint(hint);
                self.blurred.push(definition.place);
            }
            return;
        };
        if top.has("steps") {
            let hint = "remove the `task`, or make it the `activity` of a step";
            self.reader.error(task.key.place, "this job has both `task` and `steps`").hint(hint);
            return;
        }
        let mut step = Map::new();
        self.reader.rename(task.place, "activity", "task");
        if let Some(value) = self.value(&task.value, Within::Literal, &task.key) {
            step.push(self.reader, entry("activity", task.key.place, value));
        }
        for written in others {
            let word = written.key.text.as_str();
            let Some(value) = self.value(&written.value, Within::Step.of(word), &written.key) else { continue };
            let value = if word == "queue" { of_queue(value) } else { value };
            step.push(self.reader, entry(word, written.key.place, value));
        }
        let step = step.node(task.place);
        let steps = map(task.place, vec![entry(&definition.name.value, definition.name.place, step)]);
        top.push(self.reader, entry("steps", task.key.place, steps));
    }

    /// What is done when it has failed: what the whole says, and what the steps that failed say.
    fn failure(&mut self, top: &mut Map, on_fail: Option<&Written>) {
        if let Some(written) = on_fail {
            self.reader.rename(written.place, "on_failure", "on_fail");
        }
        let own = on_fail.and_then(|written| Some((written, self.action(written)?)));
        let mut failures = std::mem::take(&mut self.failures);
        let Some(place) =
            own.as_ref().map(|(written, _)| written.key.place).or_else(|| Some(failures.first()?.key.place))
        else {
            return;
        };
        let handler = match own {
            Some((_, action)) if failures.is_empty() => action,
            own => {
                if let Some((written, action)) = own {
                    failures.push(entry("workflow_on_fail", written.key.place, action));
                }
                let place = start_of(place);
                map(place, vec![entry("steps", place, map(place, failures))])
            }
        };
        if top.has("on_failure") {
            let hint = "what an `on_fail` says becomes part of the `on_failure`; write all of it there, or none";
            self.reader.error(place, "there is an `on_failure` besides this `on_fail`").hint(hint);
            return;
        }
        top.push(self.reader, entry("on_failure", place, handler));
    }
}

/// The words at the top that only this form has.
fn words_of(within: Within) -> impl Iterator<Item = &'static str> + Clone {
    let of_job: &[&str] = if within == Within::Job { &OF_ONE_STEP } else { &[] };
    SHORT_OF_TOP.into_iter().filter(move |word| within == Within::Job || *word != "task").chain(of_job.iter().copied())
}

/// A word that is none in any form.
fn is_unknown(word: &str, within: Within) -> bool {
    let known = words::WORKFLOW.known.contains(&word) || words::WORKFLOW.later.contains(&word);
    !known && words_of(within).all(|own| own != word)
}

/// What to write in the place of an unknown key.
fn meant_instead(word: &str, within: Within) -> String {
    let is_job = within == Within::Job;
    match word {
        "every" | "cron" | "at" => "what starts it stands in a trigger: `trigger { every 5m }`".to_owned(),
        "payload" if is_job => "did you mean `input`?".to_owned(),
        "max_retries" | "retries" | "attempts" | "max_attempts" => "write `retry 3 times`".to_owned(),
        "input" => "what an input must look like stands in `input_schema`".to_owned(),
        "activity" if is_job => "did you mean `task`?".to_owned(),
        "activity" | "input_mapping" => "it belongs into a step: `steps { name { activity … } }`".to_owned(),
        word => {
            let of_both = words::WORKFLOW.known.iter().copied().filter(|word| !["workflow", "on"].contains(word));
            let known: Vec<&str> = words_of(within).chain(of_both).collect();
            match nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            }
        }
    }
}

/// What others call the queue that is here by the name of `low`.
fn of_queue(value: Rc<Node>) -> Rc<Node> {
    match &value.content {
        Content::Text(name) if name.value == "low_priority" => text("low", value.place),
        _ => value,
    }
}
