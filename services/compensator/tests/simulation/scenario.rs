//! What is simulated: executions that ask for their sagas, wait for them, ask again, and tell of late successes; people who help; and
//! activities that fail at times.

use std::collections::BTreeSet;

use sagaline_broker::{names::LogKind, ports::Message, worker::Ended};
use sagaline_compensator::machine::Sagas;
use sagaline_events::{
    FramePath, SagaInput, SagaNews, SagaRequest, Task, UndoStep,
    ask::{Answer, Ask},
    record::Status,
    saga::{Late, SagaAsked, SagaCause, SagaRetry, SagaSkip, SagaView, UndoAction, UndoOutcome, UndoneStatus},
};
use sagaline_model::{ActivityName, Backoff, ExecutionId, Moment, Name, RetryPolicy, Span, StepError};
use sagaline_testkit::sim::{
    Dice, Scenario, Shape, World,
    limits::unlimited,
    ports::step,
    run::Client,
    tasks::send,
    world::{Deed, What},
};
use serde_json::{Value, json};

pub(crate) type Scene = Scenario<Sagas>;

/// One partition, two compensators that compete for it, one node.
pub(crate) const SINGLE: Scene = Scenario {
    shape: Shape::single,
    machine: Sagas::new,
    kinds: &[LogKind::Sagas],
    prepare: |_| (),
    clients,
    activity,
    must_end,
    limited: unlimited,
    verdict,
};

/// Several partitions and members, one node or three.
pub(crate) const MANY: Scene = Scenario { shape: Shape::many, ..SINGLE };

/// Their requests say nothing about order; what is expected stays.
pub(crate) const WITHOUT_ORDER: Scene =
    Scenario { clients: |world, seed| clients_of(world, seed, Lacks::Order), ..SINGLE };
/// Their requests lack a step.
pub(crate) const WITHOUT_A_STEP: Scene =
    Scenario { clients: |world, seed| clients_of(world, seed, Lacks::AStep), ..SINGLE };

const SAGAS: u32 = 4;
/// Longer than a saga hears of late successes.
const LONG_AFTER: std::time::Duration = std::time::Duration::from_secs(25 * 3600);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lacks {
    Nothing,
    Order,
    AStep,
}

fn name_of(number: u32) -> String {
    format!("e{number}")
}

fn must_end() -> Vec<String> {
    (0..SAGAS).map(|number| LogKind::Sagas.record_key(&name_of(number))).collect()
}

fn frame(text: String) -> FramePath {
    text.try_into().expect("a path")
}

/// Some steps in layers, each after some of the layer before; one of unknown outcome in some.
fn steps(seed: u64, number: u32) -> Vec<UndoStep> {
    let mut dice = Dice::new(seed.wrapping_mul(31) ^ u64::from(number) ^ 0x5A6A);
    let mut steps: Vec<UndoStep> = vec![];
    for place in 0..2 + dice.below(5) {
        let before = (0..place as u32).filter(|_| dice.chance(450)).collect();
        let joint = place > 0 && dice.chance(150);
        let actions = if joint { 0 } else { 1 + dice.below(2) };
        let unknown = !joint && number == 0 && dice.chance(400);
        steps.push(UndoStep {
            path: frame(format!("s{place}")),
            execution: None,
            after: before,
            outcome: if unknown { UndoOutcome::Unknown } else { UndoOutcome::Completed },
            actions: (0..actions).map(|_| action(&mut dice)).collect(),
        });
    }
    steps
}

fn action(dice: &mut Dice) -> UndoAction {
    let backoff = Backoff::Fixed;
    UndoAction {
        activity: ActivityName::new("undo").expect("a name"),
        queue: Name::new("default").expect("a name"),
        input: json!({"outcome": "unknown"}),
        timeout: dice.chance(300).then(|| Span::from_secs(20)),
        retry: RetryPolicy { attempts: 3, initial: Span::from_millis(400), backoff, ..RetryPolicy::default() },
        allow_skip: dice.chance(250),
        metadata: Value::Null,
        fault: None,
        default_input: true,
    }
}

fn activity(seed: u64, task: &Task) -> Ended {
    let name = format!("{seed}/{}/{}/{}", task.execution, task.path, task.attempt);
    let mut dice = Dice::new(u64::from(sagaline_model::id::fnv1a(name.as_bytes())));
    match dice.below(100) {
        0..=59 => Ended::Succeeded(Value::Null),
        60..=89 => Ended::Failed(StepError::new("Flaky", "it happens")),
        90..=94 => Ended::Failed(StepError::new("Gone", "it is not there").final_()),
        _ => Ended::Snoozed { delay: Span::from_millis(700), reason: String::new() },
    }
}

fn clients(world: World<Sagas>, seed: u64) -> Vec<Client> {
    clients_of(world, seed, Lacks::Nothing)
}

fn clients_of(world: World<Sagas>, seed: u64, lacks: Lacks) -> Vec<Client> {
    (0..SAGAS).map(|number| Box::pin(execution(world.clone(), seed, number, lacks)) as Client).collect()
}

/// An execution in the place of a real one, and a person who helps where it is stuck.
async fn execution(world: World<Sagas>, seed: u64, number: u32, lacks: Lacks) {
    let mut dice = Dice::new(seed ^ u64::from(number) << 32 ^ 0xE8EC);
    let id = name_of(number);
    let whole = steps(seed, number);
    let unknown: Vec<FramePath> =
        whole.iter().filter(|step| step.outcome == UndoOutcome::Unknown).map(|step| step.path.clone()).collect();
    let mut request = request(whole);
    match lacks {
        Lacks::Nothing => {}
        Lacks::Order => request.steps.iter_mut().for_each(|step| step.after.clear()),
        Lacks::AStep => drop(request.steps.pop()),
    }
    wait(&mut dice, 200).await;
    if dice.chance(150) {
        say(&world, &id, &SagaInput::Asked(SagaAsked { began: Some(Moment::EPOCH) })).await;
    }
    say(&world, &id, &SagaInput::Request(request.clone())).await;
    let mut late = false;
    while world.lock().value_of_result(&LogKind::Sagas.record_key(&id)).is_none() {
        wait(&mut dice, 400).await;
        // Nothing is promised where an operator removed its snapshot.
        if world.lock().is_excused(&LogKind::Sagas.record_key(&id)) {
            return;
        }
        let view = ask(&world, &id).await;
        match dice.below(10) {
            0 => say(&world, &id, &SagaInput::Request(request.clone())).await,
            1 => say(&world, &id, &SagaInput::Asked(SagaAsked { began: Some(Moment::EPOCH) })).await,
            2..=4 if !unknown.is_empty() && !late => {
                late = true;
                for path in &unknown {
                    let output = json!(1);
                    say(&world, &id, &SagaInput::Late(Late { path: path.clone(), attempt: 1, output })).await;
                }
            }
            _ => help(&world, &id, view.as_ref(), &mut dice).await,
        }
        let over = view.is_some_and(|view| view.status.is_over());
        if over && (late || unknown.is_empty()) {
            // Nothing more can be heard of it, once a day has passed.
            let mut world = world.lock();
            if world.faults.crash == 0 && world.value_of_result(&LogKind::Sagas.record_key(&id)).is_none() {
                world.leap(LONG_AFTER);
            }
        }
    }
    // It forgot that it had asked, and that it was told.
    say(&world, &id, &SagaInput::Request(request)).await;
}

async fn help(world: &World<Sagas>, id: &str, view: Option<&SagaView>, dice: &mut Dice) {
    let stuck = view.into_iter().flat_map(|view| &view.steps).find(|step| step.status == UndoneStatus::Stuck);
    let Some(stuck) = stuck else { return };
    let input = match dice.below(4) {
        0 => SagaInput::Skip(SagaSkip { step: stuck.step.clone(), by: None, why: None }),
        1 => SagaInput::Retry(SagaRetry { step: Some(stuck.step.clone()), ..SagaRetry::default() }),
        _ => SagaInput::Retry(SagaRetry::default()),
    };
    say(world, id, &input).await;
}

fn request(steps: Vec<UndoStep>) -> SagaRequest {
    SagaRequest {
        workflow: Name::new("order").expect("a name"),
        version: 1,
        cause: SagaCause { status: Status::Failed, error: None, step: None, reason: None },
        steps,
        origin: None,
        began: Moment::EPOCH,
    }
}

async fn wait(dice: &mut Dice, most: usize) {
    for _ in 0..dice.below(most) {
        step().await;
    }
}

async fn say(world: &World<Sagas>, id: &str, input: &SagaInput) {
    let subject = {
        let world = world.lock();
        world.names.saga(id, world.partitions_of_each())
    };
    let headers = vec![("ce-type", input.kind().to_owned())];
    let payload = input.data().into();
    send(world, &Message { subject, expected: None, msg_id: None, ttl: None, headers, payload }).await;
}

/// How it stands, if its owner answers.
async fn ask(world: &World<Sagas>, id: &str) -> Option<SagaView> {
    let execution = ExecutionId::new(id).expect("an id");
    let question = {
        let mut world = world.lock();
        let place = world.partition_of(&LogKind::Sagas.record_key(id));
        world.ask_owner(place, Ask::Saga { execution })
    };
    for _ in 0..100 {
        if let Some(answer) = world.lock().answers.remove(&question) {
            return if let Answer::Saga(view) = answer { Some(*view) } else { None };
        }
        step().await;
    }
    None
}

/// Every step is undone, to success or to a skip; each after those that came after it; and no success has a second one under the same key.
fn verdict(world: &World<Sagas>, seed: u64) -> Option<String> {
    let world = world.lock();
    for number in 0..SAGAS {
        let id = name_of(number);
        if world.is_exempt(&LogKind::Sagas.record_key(&id)) {
            continue;
        }
        let record: Value = serde_json::from_slice(&world.value_of_result(&LogKind::Sagas.record_key(&id))?).ok()?;
        let view: SagaView = serde_json::from_value(record["state"].clone()).ok()?;
        let subject = world.names.input(&id, world.partitions_of_each());
        let told = world.elsewhere.get(&subject).into_iter().flatten();
        let mut told = told.filter_map(|json| serde_json::from_slice::<SagaNews>(json).ok());
        if !told.any(|news| {
            news.status == Some(view.status) && news.compensated.len() + news.skipped.len() == view.steps.len()
        }) {
            return Some(format!("{id} was not told how its saga ended"));
        }
        let deeds: Vec<&Deed> = world.deeds.iter().filter(|deed| deed.execution == id).collect();
        if let Some(what) = wrong(&steps(seed, number), &view, &deeds) {
            return Some(format!("the saga of {id}: {what}\n{deeds:#?}"));
        }
    }
    None
}

fn wrong(steps: &[UndoStep], view: &SagaView, deeds: &[&Deed]) -> Option<String> {
    let status = |path: &FramePath| view.steps.iter().find(|step| step.step == *path).map(|step| step.status);
    let is_of = |deed: &Deed, path: &FramePath| deed.path.starts_with(&format!("{path}/"));
    for step in steps.iter().filter(|step| !step.actions.is_empty()) {
        let path = &step.path;
        let succeeded = |action: u32| {
            let undo = path.undo(action).to_string();
            deeds.iter().any(|deed| deed.what == What::Succeeded && deed.path == undo)
        };
        match status(path) {
            Some(UndoneStatus::Compensated) => {
                if let Some(action) = (1..=step.actions.len() as u32).find(|action| !succeeded(*action)) {
                    return Some(format!("`{path}` counts as undone, and action {action} never succeeded"));
                }
            }
            Some(UndoneStatus::Skipped) => {}
            other => return Some(format!("`{path}` is {other:?} in the end")),
        }
        // What stands before it in the order had ended when it first began.
        let Some(began) = deeds.iter().position(|deed| deed.what == What::Began && is_of(deed, path)) else { continue };
        for before in all_before(steps, step) {
            let last_action = before.path.undo(before.actions.len() as u32).to_string();
            let ended = deeds.iter().position(|deed| deed.what == What::Succeeded && deed.path == last_action);
            // What was undone once more may have been skipped the first time.
            let again = deeds.iter().any(|deed| is_of(deed, &before.path) && deed.key.ends_with("-late"));
            let is_skipped = again || status(&before.path) == Some(UndoneStatus::Skipped);
            if !is_skipped && ended.is_none_or(|ended| began < ended) {
                return Some(format!("`{path}` began before `{}` was undone", before.path));
            }
        }
    }
    None
}

/// Those with actions that are undone before a step, through those without.
fn all_before<'s>(steps: &'s [UndoStep], step: &'s UndoStep) -> Vec<&'s UndoStep> {
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    let mut open: Vec<u32> = step.after.clone();
    while let Some(place) = open.pop() {
        if seen.insert(place) {
            open.extend(&steps[place as usize].after);
        }
    }
    seen.into_iter().map(|place| &steps[place as usize]).filter(|step| !step.actions.is_empty()).collect()
}
