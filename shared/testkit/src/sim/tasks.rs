//! Workers in the simulated world.

use sagaline_broker::{
    machine::Machine,
    ports::{Message, Outcome},
};
use sagaline_events::{
    Input, Task,
    ask::{Answer, Ask},
    input::{StepFailed, StepSkipped, StepStarted, StepSucceeded},
    task::REPEAT_HEADER,
};
use sagaline_model::StepError;
use serde_json::Value;

use super::{
    World,
    ports::step,
    world::{ACK_WAIT, Delivery, Pid, WINDOW},
};

/// How an activity ends.
#[derive(Clone, Debug)]
pub enum Ends {
    Well(Value),
    Badly(StepError),
    Skipped,
}

pub type Activity = fn(seed: u64, task: &Task) -> Ends;

/// One worker process, with one slot.
pub async fn worker<M: Machine>(world: World<M>, pid: Pid, activity: Activity, seed: u64) {
    let mut session = world.lock().session();
    loop {
        let newest = world.lock().session();
        if session.0 != newest.0 {
            session = newest;
        }
        let delivery = {
            let mut state = world.lock();
            let ready = state.queue.ready(state.since);
            let chosen = if ready.is_empty() { None } else { Some(ready[state.dice.below(ready.len())].clone()) };
            let since = state.since;
            chosen.and_then(|subject| state.queue.take(&subject, pid, since))
        };
        match delivery {
            Some(delivery) => {
                step().await;
                serve(&world, pid, &delivery, session, activity, seed).await;
            }
            None => step().await,
        }
    }
}

async fn serve<M: Machine>(
    world: &World<M>,
    pid: Pid,
    delivery: &Delivery,
    session: (u64, sagaline_model::Moment),
    activity: Activity,
    seed: u64,
) {
    let Ok(task) = serde_json::from_slice::<Task>(&delivery.message.payload) else { return };
    let without = world.lock().faults.without;
    let mut alive = world.lock().since;
    let repeat = delivery.message.headers.iter().any(|(name, _)| *name == REPEAT_HEADER);
    let late = delivery.stored.since(task.cause) >= (WINDOW / 2).into();
    let old = task.cause <= session.1;
    let must_ask = !without.asking && (delivery.delivered > 1 || repeat || late || old);
    let mut asked_at = u64::MAX;
    if must_ask {
        let wanted = Ask::Wanted { execution: task.execution.clone(), path: task.path.clone(), attempt: task.attempt };
        let mut question = world.lock().ask(wanted.clone());
        let mut asked = world.lock().since;
        asked_at = world.lock().log.head();
        loop {
            {
                let mut state = world.lock();
                let since = state.since;
                if let Some(Answer::Wanted(wanted)) = state.answers.remove(&question) {
                    if !wanted {
                        state.queue.ack(delivery);
                        return;
                    }
                    break;
                }
                if since > asked + ACK_WAIT / 4 {
                    question = state.ask(wanted.clone());
                    asked = since;
                    asked_at = state.log.head();
                    state.queue.progress(delivery, pid, since);
                    alive = since;
                }
                if state.restarts != session.0 {
                    return;
                }
            }
            step().await;
        }
        step().await;
    }
    {
        let mut state = world.lock();
        if !without.freshness && (state.since >= alive + ACK_WAIT || state.restarts != session.0) {
            return;
        }
        let since = state.since;
        state.queue.progress(delivery, pid, since);
        let about = format!(
            "delivered {} times, repeat {repeat}, late {late}, older than the session {old}, asked {must_ask}",
            delivery.delivered
        );
        state.runs(&task, asked_at, &about);
    }
    if task.timeout.is_some() {
        let started = StepStarted { path: task.path.clone(), attempt: task.attempt, worker: None };
        tell(world, &task, &Input::StepStarted(started)).await;
    }
    let busy = world.lock().dice.below(20);
    for _ in 0..busy {
        step().await;
        let mut state = world.lock();
        let since = state.since;
        state.queue.progress(delivery, pid, since);
    }
    let (path, attempt) = (task.path.clone(), task.attempt);
    let answer = match activity(seed, &task) {
        Ends::Well(output) => Input::StepSucceeded(StepSucceeded { path, attempt, output, worker: None }),
        Ends::Badly(error) => Input::StepFailed(StepFailed { path, attempt, error, worker: None }),
        Ends::Skipped => Input::StepSkipped(StepSkipped { path, attempt, reason: String::new(), worker: None }),
    };
    tell(world, &task, &answer).await;
    world.lock().queue.ack(delivery);
}

/// Publishes an input until it is acknowledged.
pub async fn tell<M: Machine>(world: &World<M>, task: &Task, input: &Input) {
    let message = Message {
        subject: task.reply.clone(),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![("ce-type", input.kind().to_owned())],
        payload: input.data().into(),
    };
    send(world, &message).await;
}

/// Publishes until it is acknowledged; gives the last outcome.
pub async fn send<M: Machine>(world: &World<M>, message: &Message) -> Outcome {
    loop {
        step().await;
        let outcome = {
            let mut state = world.lock();
            let outcome = state.receive(message);
            let lost = state.faults.lost_acks;
            if state.dice.chance(lost) { None } else { Some(outcome) }
        };
        step().await;
        if let Some(outcome) = outcome {
            return outcome;
        }
    }
}
