//! Executions that wait for people, and people who do what `why` says, at times something else, and at times twice.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use sagaline_broker::names::Names;
use sagaline_events::{
    FramePath, Input,
    ask::{Answer, Ask, Reply, Why},
    input::{Approval, Pause, Resume, Signal, Update},
};
use sagaline_model::{ExecutionId, Name};
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{Dice, Scenario, World, ports::step, run::Client, tasks::send};
use serde_json::{Map, Value, json};

use super::{Choice, MANY, SINGLE, client, input};

/// What waits for people, in one partition and in several. Few, since each waits often, and one client answers them all.
pub(crate) const PEOPLE: Scenario<Executions> = Scenario { clients, must_end: executions, ..SINGLE };
pub(crate) const MANY_PEOPLE: Scenario<Executions> = Scenario { clients, must_end: executions, ..MANY };

pub(super) const WORKFLOWS: [&str; 4] = [
    r#"
workflow: people
step_concurrency: 2
updates:
  change: { when: "${ update.n != 2 }", set: { n: "${ update.n }" }, result: "${ ctx.n }" }
on_step_error: { activity: work, retry: 2 }
steps:
  first: { activity: work, on_error: pause, retry: { attempts: 2, initial: 300ms } }
  review:
    after: first
    await:
      approval: { approvers: [ann, bob], notify: { activity: work } }
      timeout: 2m
      on_timeout:
        steps:
          remind: { activity: work, retry: 4 }
          late: { after: remind, await: { signal: go, timeout: 30s, on_timeout: skip } }
    on_error: continue
  both:
    after: first
    await: { signals: [go, paid], timeout: 90s, on_timeout: { steps: { chase: { activity: work, on_error: pause } } } }
  either: { await: { signals: [never, paid], need: any, timeout: 5m, on_timeout: skip } }
  doubt: { activity: doubt, retry: 3, on_error: skip }
  last: { after: [review, both, doubt, either], activity: work, on_error: pause }
"#,
    r#"
workflow: anew
retry_workflow: { attempts: 3, initial: 2s }
step_concurrency: 1
updates:
  change: { when: "${ update.n != 2 }", set: { n: "${ update.n }" }, result: "${ ctx.n }" }
on_step_error: { activity: work }
on_failure: { activity: work }
steps:
  each:
    for_each: { items: [1, 2, 3], concurrency: 3 }
    activity: work
    input: "${ item }"
    retry: { attempts: 2, initial: 200ms }
  ask: { await: { approval: { approvers: ann }, timeout: 20s, on_timeout: skip }, on_error: skip }
  grown: { after: each, activity: plan, expand: true, retry: 2, on_error: skip }
  beside: { child: { workflow: short, wait: false } }
  tell: { after: each, emit: { type: something.happened, data: { n: "${ execution.attempt }" } } }
  end: { after: [tell, ask, grown], activity: work }
"#,
    r#"
workflow: halting
updates:
  change: { when: "${ update.n != 2 }", set: { n: "${ update.n }" }, result: "${ ctx.n }" }
steps:
  each:
    for_each: { items: [1, 2], concurrency: 1, on_item_error: skip }
    steps:
      one: { activity: doubt, on_error: pause }
      two: { after: one, await: { approval: {}, timeout: 3m, on_timeout: skip } }
  quote:
    race:
      fast: { activity: work, on_error: pause }
      slow: { activity: doubt, on_error: pause, retry: 2 }
  pay:
    after: quote
    try: { charge: { activity: work, on_error: pause }, note: { activity: work } }
    catch: { steps: { mend: { activity: work, on_error: pause } } }
  last: { after: [each, pay], child: short, on_error: continue }
on_success: { activity: work, retry: 3 }
on_cancel: { steps: { clean: { activity: work, on_error: continue }, rest: { after: clean, wait: 2s } } }
"#,
    r#"
workflow: growing
step_concurrency: 3
on_step_error: { activity: work }
updates:
  change: { set: { n: "${ update.n }" } }
steps:
  crowd: { activity: crowd, expand: { concurrency: 2 }, on_error: pause, retry: 2 }
  each:
    for_each: { items: [1, 2], concurrency: 2, on_item_error: skip }
    activity: crowd
    expand: true
  last: { after: [crowd, each], activity: work, on_error: pause, input: "${ steps.crowd.output }" }
"#,
];

/// What an activity `crowd` returns: steps that wait for people, and that halt.
pub(super) fn crowd() -> Value {
    let work = json!({"step": {"activity": "work", "input": "more"}});
    let approval = json!({"approval": {"approvers": ["bob"], "timeout": "4m", "on_timeout": "skip"}});
    let reminded = json!({"steps": {"nodes": [{"name": "remind", "on_error": "pause", "kind": work}]}});
    let signals =
        json!({"await_signals": {"signals": ["paid", "go"], "need": "any", "timeout": "20s", "on_timeout": reminded}});
    json!([
        {"name": "a", "on_error": "pause", "kind": work},
        {"name": "ask", "after": ["a"], "on_error": "continue", "kind": approval},
        {"name": "hear", "kind": signals},
        {"name": "b", "after": ["a", "hear"], "on_error": "skip", "kind": {"step": {"activity": "doubt"}}},
    ])
}

const EXECUTIONS: usize = 6;

pub(super) fn executions() -> Vec<String> {
    (0..EXECUTIONS).map(|number| format!("e{number}")).collect()
}

fn all_four(number: usize) -> &'static str {
    ["people", "anew", "halting", "growing"][number % 4]
}

fn clients(world: World<Executions>, seed: u64) -> Vec<Client> {
    clients_of(world, seed, all_four)
}

/// Those who start so many executions, and one who answers them all.
pub(super) fn clients_of(world: World<Executions>, seed: u64, choice: Choice) -> Vec<Client> {
    let starting = Rc::new(Cell::new(EXECUTIONS));
    let starters = (0..EXECUTIONS).map(|number| {
        let (world, starting) = (world.clone(), Rc::clone(&starting));
        let starter = async move {
            client(world, number, seed, choice).await;
            starting.set(starting.get() - 1);
        };
        Box::pin(starter) as Client
    });
    let attendant =
        Attendant { world: world.clone(), dice: Dice::new(seed ^ 0x9E0), starting: Rc::clone(&starting), sent: 0 };
    starters.chain([Box::pin(attendant.attend()) as Client]).collect()
}

thread_local! {
    /// How often what was told in the worlds that this thread ran.
    static TOLD: RefCell<BTreeMap<String, usize>> = RefCell::default();
}

/// What was told in the worlds that this thread ran, and how often.
pub(crate) fn told() -> BTreeMap<String, usize> {
    TOLD.with_borrow(Clone::clone)
}

/// Everybody who is waited for.
struct Attendant {
    world: World<Executions>,
    dice: Dice,
    /// How many are not started yet.
    starting: Rc<Cell<usize>>,
    /// How much was sent that is answered.
    sent: u32,
}

impl Attendant {
    async fn attend(mut self) {
        loop {
            let open = self.open();
            if open.is_empty() && self.starting.get() == 0 {
                return self.take_stock();
            }
            self.rest().await;
            let Some(id) = open.get(self.dice.below(open.len())) else { continue };
            match self.dice.below(12) {
                0 => self.disturb(id).await,
                1 => self.change(id).await,
                _ => self.look_and_help(id).await,
            }
        }
    }

    /// What has not ended, and should.
    fn open(&self) -> Vec<String> {
        let world = self.world.lock();
        executions().into_iter().filter(|id| world.is_promised(id) && world.value_of_result(id).is_none()).collect()
    }

    fn take_stock(&self) {
        let mut world = self.world.lock();
        let kinds = world.kinds_told();
        if kinds.iter().any(|kind| kind == "workflow.start_refused") {
            world.violations.push("a start was refused, though every workflow is there".to_owned());
        }
        drop(world);
        TOLD.with_borrow_mut(|told| kinds.into_iter().for_each(|kind| *told.entry(kind).or_default() += 1));
    }

    async fn rest(&mut self) {
        for _ in 0..self.dice.below(80) {
            step().await;
        }
    }

    async fn send(&mut self, id: &str, what: &Input) {
        let names = Names::default();
        let partitions = self.world.lock().shape.partitions;
        let times = if self.dice.chance(150) { 2 } else { 1 };
        for _ in 0..times {
            send(&self.world, &input(names.input(id, partitions), None, what)).await;
        }
    }

    async fn ask(&mut self, ask: Ask) -> Option<Answer> {
        let question = self.world.lock().ask(ask);
        for _ in 0..300 {
            step().await;
            if let Some(answer) = self.world.lock().answers.remove(&question) {
                return Some(answer);
            }
        }
        None
    }

    /// Asks why it does not go on, and does what is said to end that.
    async fn look_and_help(&mut self, id: &str) {
        let execution = ExecutionId::new(id).expect("an id");
        let Some(Answer::Why(reasons)) = self.ask(Ask::Why { execution }).await else { return };
        let helpful: Vec<Input> = reasons.iter().filter_map(|why| self.done_for(why)).collect();
        let sent = helpful.get(self.dice.below(helpful.len()));
        if let Some(what) = sent {
            self.send(id, what).await;
        }
    }

    /// What the command does that is named.
    fn done_for(&mut self, why: &Why) -> Option<Input> {
        let words: Vec<&str> = why.command.split(' ').collect();
        match *words.as_slice() {
            ["sagaline", "signal", _, name] => {
                Some(Input::Signal(Signal { name: Name::new(name).expect("a name"), data: json!({"by": "people"}) }))
            }
            ["sagaline", "approve", _, step, ref by @ ..] => {
                self.sent += 1;
                let by = match by {
                    ["--by", name] => Some((*name).to_owned()),
                    _ => None,
                };
                let approved = self.dice.chance(800);
                let step = FramePath::try_from(step.to_owned()).expect("a path");
                let id = Some(format!("verdict{}", self.sent));
                Some(Input::Approval(Approval { step, by, approved, data: Value::Null, id }))
            }
            ["sagaline", "resume", _] => Some(Input::Resume(Resume { context: Map::new() })),
            ["sagaline", "cancel" | "why" | "history" | "workflows" | "doctor", ..] => None,
            _ => {
                let what = format!("`why` names a command that nobody knows: {}", why.command);
                self.world.lock().violations.push(what);
                None
            }
        }
    }

    /// What nobody waits for.
    async fn disturb(&mut self, id: &str) {
        self.sent += 1;
        let verdict = Approval {
            step: FramePath::try_from("review".to_owned()).expect("a path"),
            by: Some("eve".to_owned()),
            approved: true,
            data: Value::Null,
            id: Some(format!("disturbing{}", self.sent)),
        };
        let what = match self.dice.below(4) {
            0 => Input::Pause(Pause { reason: None }),
            1 => Input::Resume(Resume { context: Map::from_iter([("n".to_owned(), json!(7))]) }),
            2 => Input::Signal(Signal { name: Name::new("paid").expect("a name"), data: json!(1) }),
            _ => Input::Approval(verdict),
        };
        self.send(id, &what).await;
    }

    /// An update of an execution that is open is answered.
    async fn change(&mut self, id: &str) {
        self.sent += 1;
        let update = format!("update{}", self.sent);
        let has_begun = self.world.lock().started.contains(id);
        let data = json!({"n": self.dice.below(4)});
        let name = Name::new("change").expect("a name");
        self.send(id, &Input::Update(Update { name, id: update.clone(), data })).await;
        let execution = ExecutionId::new(id).expect("an id");
        let reply = self.ask(Ask::Reply { execution, id: update.clone() }).await;
        let mut world = self.world.lock();
        let is_open = !world.has_ended(id) && !world.has_cut(id) && !world.is_excused(id);
        if has_begun && is_open && matches!(reply, Some(Answer::Reply(Reply::Unknown))) {
            world.violations.push(format!("`{update}` of `{id}` was stored, and nobody knows what came of it"));
        }
    }
}
