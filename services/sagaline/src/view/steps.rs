//! The steps of an execution as rows: what is inside of one beneath it and further to the right, and much of the same counted.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::record::{ExecutionView, InsideView, StepStatus, StepView};
use sagaline_picture::Rounds;

use super::Said;
use crate::{
    output::{Output, Tone},
    table::Table,
    words,
};

/// What is inside of one step has so many rows at most; of more, those are shown that failed or are at work, and the rest is counted.
const TOGETHER_MAX: usize = 20;
/// What is done for each item of a loop is called so in paths.
const BODY: &str = "item";

/// A row for each step. `all`: however many there are.
pub(super) fn rows(view: &ExecutionView, said: &Said, all: bool, output: &Output) -> Vec<String> {
    let known: BTreeSet<&str> = view.steps.iter().map(|step| step.step.as_str()).collect();
    let mut below: BTreeMap<Option<&str>, Vec<&StepView>> = BTreeMap::new();
    for step in &view.steps {
        below.entry(around(&step.step, &known)).or_default().push(step);
    }
    let execution = view.execution.as_str();
    let mut writing = Writing { execution, said, all, below, table: Table::new(&[]) };
    writing.inside(None, 0);
    writing.table.lines(output).split_off(1)
}

/// How many of the steps that nothing encloses are done, while some are not.
pub(super) fn progress(steps: &[StepView]) -> Option<String> {
    let outer = || steps.iter().filter(|step| !step.step.contains('/'));
    let (done, all) = (outer().filter(|step| is_done(step.status)).count(), outer().count());
    (done < all).then(|| format!(" {done} of {all} done"))
}

/// The step right around a path.
fn around<'a>(path: &'a str, known: &BTreeSet<&str>) -> Option<&'a str> {
    let mut path = path;
    while let Some((outer, _)) = path.rsplit_once('/') {
        if known.contains(outer) {
            return Some(outer);
        }
        path = outer;
    }
    None
}

struct Writing<'a> {
    execution: &'a str,
    said: &'a Said,
    all: bool,
    below: BTreeMap<Option<&'a str>, Vec<&'a StepView>>,
    table: Table,
}

impl<'a> Writing<'a> {
    fn inside(&mut self, of: Option<&str>, depth: usize) {
        let steps = self.below.get(&of).cloned().unwrap_or_default();
        // The steps of the workflow itself are those that somebody wrote: they are shown.
        if self.all || of.is_none() || steps.len() <= TOGETHER_MAX {
            return steps.into_iter().for_each(|step| self.step(step, of, depth));
        }
        let (mut rows, mut rest) = (0, BTreeMap::<StepStatus, usize>::new());
        for step in steps {
            if rows < TOGETHER_MAX && is_of_interest(step.status) {
                rows += 1;
                self.step(step, of, depth);
            } else {
                *rest.entry(step.status).or_default() += 1;
            }
        }
        let count: usize = rest.values().sum();
        let counted = |(status, count): (&StepStatus, &usize)| format!("{count} {}", status.as_str().replace('_', " "));
        let counted = rest.iter().map(counted).collect::<Vec<_>>().join(", ");
        let more = if rows == 0 { "" } else { " more" };
        let name = format!("{}{count}{more}", "  ".repeat(depth));
        let hint = format!("{counted}; `sagaline get {} --all` shows them", self.execution);
        let quiet = |text: String| (Tone::Quiet, text);
        self.table.row(vec![
            quiet(String::new()),
            quiet(name),
            quiet(String::new()),
            quiet(String::new()),
            quiet(hint),
        ]);
    }

    fn step(&mut self, step: &'a StepView, of: Option<&str>, depth: usize) {
        let name = of.and_then(|of| step.step.strip_prefix(of)?.strip_prefix('/')).unwrap_or(&step.step);
        let body = step.inside.iter().find(|inside| names(step, inside).is_empty());
        let mut says: Vec<String> = vec![];
        says.extend(step.items.map(|items| format!("{} of {} done", items.done, items.total)));
        says.extend(body.map(|body| self.rounds(&Rounds::of_loop(body))));
        says.extend(step.child.as_ref().map(|child| format!("child {child}")));
        says.extend(step.error.as_ref().map(words::error));
        says.extend(step.reason.as_deref().map(words::short));
        if says.is_empty() {
            let said = self.said.get(&step.step);
            says.extend(said.map(|said| words::progress(said.fraction, said.message.as_deref())));
        }
        self.row(depth, name, step.status, step.attempt, says.join(", "));
        for inside in &step.inside {
            // What loops inside of loops do for each is part of them.
            if let [before @ .., name] = names(step, inside).as_slice()
                && !inside.step.ends_with(&format!("/{BODY}"))
            {
                let items = inside.items.map(|items| format!("{} of {} done", items.done, items.total));
                let says = items.into_iter().chain([self.rounds(&Rounds::of(inside))]).filter(|says| !says.is_empty());
                let says = says.collect::<Vec<_>>().join(", ");
                self.row(depth + 1 + before.len(), name, inside.status, inside.attempt, says);
            }
        }
        self.inside(Some(&step.step), depth + 1);
    }

    /// How items stand. Where not all are named that failed it is said who knows them.
    fn rounds(&self, rounds: &Rounds) -> String {
        let hint = match rounds.names_all() {
            true => String::new(),
            false => format!("; `sagaline history {}` has them all", self.execution),
        };
        format!("{}{hint}", rounds.says())
    }

    fn row(&mut self, depth: usize, name: &str, status: StepStatus, attempt: u32, says: String) {
        let (sign, tone) = words::sign(status);
        let attempt = if 1 < attempt { format!("attempt {attempt}") } else { String::new() };
        self.table.row(vec![
            (tone, sign.to_owned()),
            (Tone::Plain, format!("{}{name}", "  ".repeat(depth))),
            (tone, status.as_str().to_owned()),
            (Tone::Quiet, attempt),
            (Tone::Plain, says),
        ]);
    }
}

/// The names of the steps from a loop to one inside of it.
fn names<'a>(outer: &StepView, inside: &'a InsideView) -> Vec<&'a str> {
    let path = inside.step.get(outer.step.len() + 1..).unwrap_or(&inside.step);
    path.split('/').filter(|name| *name != BODY).collect()
}

fn is_done(status: StepStatus) -> bool {
    match status {
        StepStatus::Completed
        | StepStatus::Failed
        | StepStatus::Skipped
        | StepStatus::Cancelled
        | StepStatus::TimedOut
        | StepStatus::Compensated => true,
        StepStatus::Pending
        | StepStatus::Scheduled
        | StepStatus::Running
        | StepStatus::Waiting
        | StepStatus::BackingOff
        | StepStatus::Unknown => false,
    }
}

/// Whether somebody who looks at very many wants to see this one.
fn is_of_interest(status: StepStatus) -> bool {
    match status {
        StepStatus::Failed
        | StepStatus::TimedOut
        | StepStatus::Running
        | StepStatus::Waiting
        | StepStatus::BackingOff
        | StepStatus::Unknown => true,
        StepStatus::Pending
        | StepStatus::Scheduled
        | StepStatus::Completed
        | StepStatus::Skipped
        | StepStatus::Cancelled
        | StepStatus::Compensated => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::output::Format;

    fn shown(steps: Value, all: bool) -> String {
        let view: ExecutionView = serde_json::from_value(json!({
            "execution": "o-1", "workflow": "order", "version": 1, "status": "running",
            "started_at": "2026-11-20T06:00:00Z", "steps": steps,
        }))
        .expect("a view");
        rows(&view, &Said::new(), all, &Output::new(Format::Text)).join("\n")
    }

    #[test]
    fn what_is_inside_of_a_step_stands_beneath_it() {
        let text = shown(
            json!([
                { "step": "route", "status": "running" },
                { "step": "route/approve", "status": "skipped", "reason": "another case was taken" },
                { "step": "route/small", "status": "backing_off", "attempt": 2,
                  "error": { "type": "Busy", "message": "later" } },
                { "step": "route/small/deep", "status": "running", "child": "c-1" },
                { "step": "last", "status": "pending" },
            ]),
            false,
        );
        let expected = "\
…  route      running
-    approve  skipped                 another case was taken
…    small    backing_off  attempt 2  Busy: later
…      deep   running                 child c-1
.  last       pending";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_loop_says_how_its_items_and_the_steps_inside_stand() {
        let text = shown(
            json!([
                { "step": "each", "status": "running", "items": { "total": 40, "done": 12 }, "inside": [
                    { "step": "each/item", "item": 16, "status": "running", "statuses": { "running": 4 },
                      "ended": { "completed": 10, "failed": 2 }, "failed": [3, 7] },
                    { "step": "each/item/pack", "item": 16, "status": "backing_off", "attempt": 2,
                      "statuses": { "backing_off": 1, "completed": 3 }, "ended": { "completed": 12 } },
                    { "step": "each/item/parts", "item": 16, "status": "pending", "statuses": { "running": 3 },
                      "ended": { "completed": 10, "failed": 2 }, "failed": [3, 7] },
                    { "step": "each/item/parts/item", "item": 16, "status": "pending", "statuses": { "running": 9 } },
                    { "step": "each/item/parts/item/glue", "item": 16, "status": "pending", "statuses": { "running": 9 } },
                ] },
            ]),
            false,
        );
        let expected = "\
…  each      running                 12 of 40 done, now 4 running; before 10 completed, 2 failed (failed: items 3, 7)
…    pack    backing_off  attempt 2  item 16 (now 1 backing off, 3 completed; before 12 completed)
.    parts   pending                 item 16 (now 3 running; before 10 completed, 2 failed (failed: items 3, 7))
.      glue  pending                 item 16 (now 9 running)";
        assert_eq!(text, expected);
    }

    #[test]
    fn of_very_many_that_failed_it_is_said_who_knows_them_all() {
        let over = json!([{ "step": "each", "status": "completed", "inside": [
            { "step": "each/item", "item": 0, "status": "failed", "statuses": {},
              "ended": { "completed": 99_000, "failed": 1_000 }, "failed": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
        ] }]);
        let expected = "✓  each  completed    99000 completed, 1000 failed (failed: items 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and others); \
                        `sagaline history o-1` has them all";
        assert_eq!(shown(over, false), expected);
    }

    #[test]
    fn of_very_many_steps_those_are_shown_that_somebody_looks_for() {
        let mut steps = vec![json!({ "step": "more", "status": "running", "items": { "total": 500, "done": 498 } })];
        let status = |number| match number {
            7 => "failed",
            400 => "running",
            _ => "completed",
        };
        let returned = |number: usize| json!({ "step": format!("more/s{number}"), "status": status(number) });
        steps.extend((0..500).map(returned));
        let expected = "\
…  more        running    498 of 500 done
✗    s7        failed
…    s400      running
     498 more             498 completed; `sagaline get o-1 --all` shows them";
        assert_eq!(shown(json!(steps), false), expected);
        assert_eq!(shown(json!(steps), true).lines().count(), 501);
    }

    #[test]
    fn how_many_steps_are_done_is_said_until_all_are() {
        let step = |status: &str| json!({ "step": "a", "status": status });
        let progress = |steps: Value| progress(&serde_json::from_value::<Vec<StepView>>(steps).expect("steps"));
        assert_eq!(progress(json!([step("completed"), step("running")])).as_deref(), Some(" 1 of 2 done"));
        assert_eq!(progress(json!([step("completed"), step("skipped")])), None);
    }
}
