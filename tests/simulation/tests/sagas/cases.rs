//! What is run: definitions whose steps can be undone, and what becomes of each execution.

use sagaline_broker::worker::Ended;
use sagaline_events::Task;
use sagaline_model::{StepError, id::fnv1a};
use sagaline_testkit::sim::Dice;
use serde_json::json;

/// A chain; branches side by side; a loop whose items follow one another, and one whose items do not; a child with steps of its own; and
/// a step that often runs out of its time, so that nobody knows what it did. What comes before the last three goes on beside them.
pub(crate) const WORKFLOWS: [&str; 6] = [
    r#"
workflow: chain
retry: { attempts: 4, initial: 200ms }
steps:
  a: { activity: work, compensate: undo }
  b: { after: a, activity: work, compensate: { activity: undo, retry: { attempts: 3, initial: 300ms } } }
  c: { after: b, activity: work, compensate: undo }
  d: { after: c, activity: work }
"#,
    r#"
workflow: branches
retry: { attempts: 4, initial: 200ms }
steps:
  a: { activity: work, compensate: undo }
  l1: { after: a, activity: work, compensate: undo }
  l2: { after: l1, activity: work, compensate: { activity: undo, retry: { attempts: 3, initial: 300ms } } }
  r1: { after: a, activity: work, compensate: undo }
  z: { after: [l2, r1], activity: work, compensate: undo }
  end: { after: z, activity: work }
"#,
    r#"
workflow: each
retry: { attempts: 4, initial: 200ms }
steps:
  a: { activity: work, compensate: undo }
  turn:
    after: a
    for_each: { items: [1, 2, 3], concurrency: 1 }
    steps:
      one: { activity: work, compensate: undo }
      two: { after: one, activity: work, compensate: undo }
  z: { after: turn, activity: work, compensate: undo }
  end: { after: z, activity: work }
"#,
    r#"
workflow: crowd
retry: { attempts: 4, initial: 200ms }
steps:
  a: { activity: work, compensate: undo }
  turn:
    after: a
    for_each: { items: [1, 2, 3, 4], concurrency: 3 }
    steps:
      one: { activity: work, compensate: undo }
      two: { after: one, activity: work, compensate: undo }
  z: { after: turn, activity: work, compensate: undo }
  end: { after: z, activity: work }
"#,
    r#"
workflow: family
retry: { attempts: 4, initial: 200ms }
steps:
  a: { activity: work, compensate: undo }
  kid: { after: a, child: kid }
  beside: { after: a, activity: work, compensate: undo }
  z: { after: [kid, beside], activity: work, compensate: undo }
  end: { after: z, activity: work }
"#,
    r#"
workflow: slow
steps:
  a: { activity: work, retry: 4, compensate: undo }
  s: { after: a, activity: work, timeout: 3s, retry: 2, compensate: undo }
  t: { after: a, activity: work, timeout: 3s, on_error: continue, compensate: undo }
  z: { after: [s, t], activity: work, retry: 4, compensate: undo }
  end: { after: z, activity: work }
"#,
];

pub(crate) const KID: &str = r#"
workflow: kid
retry: { attempts: 4, initial: 200ms }
steps:
  x: { activity: work, compensate: undo }
  y: { after: x, activity: work, compensate: undo }
"#;

/// What becomes of an execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub workflow: &'static str,
    /// The path of the step that fails for good.
    pub fails: &'static str,
    /// The step whose undoing fails until somebody helps.
    pub stubborn: &'static str,
}

const fn case(workflow: &'static str, fails: &'static str, stubborn: &'static str) -> Case {
    Case { workflow, fails, stubborn }
}

/// Each fails at each of its steps in turn, and not at all.
const CASES: [Case; 32] = [
    case("chain", "a", ""),
    case("chain", "b", ""),
    case("chain", "c", ""),
    case("chain", "d", ""),
    case("chain", "d", "b"),
    case("chain", "", ""),
    case("branches", "l1", ""),
    case("branches", "l2", ""),
    case("branches", "r1", ""),
    case("branches", "r1", "l2"),
    case("branches", "z", ""),
    case("branches", "end", "l2"),
    case("branches", "", ""),
    case("each", "turn/item/one", ""),
    case("each", "turn/item:2/one", ""),
    case("each", "turn/item:3/two", ""),
    case("each", "z", ""),
    case("each", "end", ""),
    case("crowd", "turn/item:2/one", ""),
    case("crowd", "turn/item/two", ""),
    case("crowd", "turn/item:4/two", ""),
    case("crowd", "end", ""),
    case("crowd", "", ""),
    case("family", "beside", ""),
    case("family", "x", ""),
    case("family", "y", ""),
    case("family", "z", ""),
    case("family", "end", ""),
    case("slow", "s", ""),
    case("slow", "z", ""),
    case("slow", "end", ""),
    case("slow", "", ""),
];

pub(crate) const EXECUTIONS: u32 = 6;

pub(crate) fn name_of(number: u32) -> String {
    format!("e{number}")
}

/// Those of one seed follow one another in the list, so that each comes as often as any other.
pub(crate) fn case_of(seed: u64, number: u32) -> Case {
    let place = seed * u64::from(EXECUTIONS) + u64::from(number);
    // Neighbours are much alike: a step that has nothing in common with their number mixes them.
    CASES[(place * 7 % CASES.len() as u64) as usize]
}

/// The number of an execution, or of the one whose child it is.
pub(crate) fn number_of(execution: &str) -> u32 {
    let name = execution.split('-').next().unwrap_or(execution);
    name.strip_prefix('e').and_then(|number| number.parse().ok()).expect("an execution of ours")
}

pub(crate) fn activity(seed: u64, task: &Task) -> Ended {
    let case = case_of(seed, number_of(task.execution.as_str()));
    let name = format!("{seed}/{}/{}/{}", task.execution, task.path, task.attempt);
    let mut dice = Dice::new(u64::from(fnv1a(name.as_bytes())));
    let flaky = || Ended::Failed(StepError::new("Flaky", "it happens"));
    match task.path.undone() {
        Some((step, _)) if step.as_str() == case.stubborn && task.attempt <= 3 => flaky(),
        // Never three times in a row, so that nothing else gets stuck.
        Some(_) if !task.attempt.is_multiple_of(3) && dice.chance(250) => flaky(),
        Some(_) => Ended::Succeeded(json!(null)),
        None if task.path.as_str() == case.fails => Ended::Failed(StepError::new("Never", "it fails").final_()),
        None if dice.chance(120) => flaky(),
        None => Ended::Succeeded(json!({"n": task.attempt})),
    }
}

/// Where a step stands among the others of its workflow, as it is undone. What has a higher number came later, unless it is in another
/// lane; nothing is in a lane by itself.
pub(crate) fn place_of(case: &Case, path: &str) -> (String, u32) {
    let parts: Vec<&str> = path.split('/').collect();
    let alone = |number| (String::new(), number);
    match (case.workflow, parts.as_slice()) {
        (_, ["a"]) => alone(0),
        (_, ["z"]) => alone(1000),
        ("chain", ["b"]) => alone(1),
        ("chain", ["c"]) => alone(2),
        ("branches", ["l1"]) => ("l".to_owned(), 1),
        ("branches", ["l2"]) => ("l".to_owned(), 2),
        ("branches", ["r1"]) => ("r".to_owned(), 1),
        ("family", ["kid", "x"]) => ("kid".to_owned(), 1),
        ("family", ["kid", "y"]) => ("kid".to_owned(), 2),
        ("family", ["beside"]) => ("beside".to_owned(), 1),
        // The child by itself.
        ("family", ["x"]) => alone(1),
        ("family", ["y"]) => alone(2),
        ("slow", ["s"]) => ("s".to_owned(), 1),
        ("slow", ["t"]) => ("t".to_owned(), 1),
        ("each", ["turn", item, step]) => alone(number_of_item(item) * 10 + u32::from(*step == "two")),
        ("crowd", ["turn", item, step]) => ((*item).to_owned(), 1 + u32::from(*step == "two")),
        _ => panic!("no step of `{}`: `{path}`", case.workflow),
    }
}

fn number_of_item(item: &str) -> u32 {
    item.split_once(':').map_or(1, |(_, number)| number.parse().expect("a number"))
}
