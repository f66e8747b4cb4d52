//! Workers in the simulated world: the real task protocol over the modelled queue.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sagaline_broker::{
    machine::Machine,
    names::Names,
    ports::{Content, Message, Outcome, Sequence},
    worker::{
        Acknowledgement, Delivery, Elsewhere, Ended, Host, PayloadFault, Run, Running, Served, Session, Stop,
        TaskPorts, serve,
    },
};
use sagaline_events::{
    Held, Task,
    ask::{Answer, Ask},
    task::REPEAT_HEADER,
};
use sagaline_model::Moment;
use serde_json::Value;

use super::{
    World,
    limits::Limited,
    ports::step,
    world::{ACK_WAIT, Delivered, Pid, Stream, WINDOW, header},
};

/// How an activity ends, given the seed.
pub type Activity = fn(seed: u64, task: &Task) -> Ended;

/// A question that nobody answers within this time is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// One worker process, with one slot.
pub async fn worker<M: Machine>(world: World<M>, pid: Pid, activity: Activity, limited: Limited, seed: u64) {
    let session = Mutex::new(world.lock().session(pid));
    let bench = Bench {
        world: &world,
        pid,
        activity,
        limited,
        seed,
        session,
        running: world.lock().at_hand(pid),
        elsewhere: Elsewhere::default(),
        job: Mutex::default(),
        stop: Mutex::default(),
    };
    loop {
        bench.renew_session();
        match bench.take() {
            Some((delivered, delivery)) => {
                *bench.lock_job() = Some(Job { delivered, asked_at: None });
                step().await;
                let stop = Stop::default();
                *bench.lock_stop() = stop.clone();
                let served = serve(&bench, &bench, &stop, &delivery).await;
                bench.is_left(served, &delivery);
                bench.world.lock().rests(pid);
            }
            None => step().await,
        }
    }
}

/// What a worker process has at hand.
struct Bench<'w, M: Machine> {
    world: &'w World<M>,
    pid: Pid,
    activity: Activity,
    limited: Limited,
    seed: u64,
    /// The number of the session, and since when it is.
    session: Mutex<(u64, sagaline_model::Moment)>,
    running: Arc<Running>,
    elsewhere: Elsewhere,
    /// What it works on.
    job: Mutex<Option<Job>>,
    /// How it is told to give that back.
    stop: Mutex<Stop>,
}

struct Job {
    delivered: Delivered,
    /// The head of the log when its owner was asked about it.
    asked_at: Option<Sequence>,
}

impl<M: Machine> Bench<'_, M> {
    fn lock_job(&self) -> std::sync::MutexGuard<'_, Option<Job>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_stop(&self) -> std::sync::MutexGuard<'_, Stop> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now and then a worker is told to let go, whatever it is doing.
    fn perhaps_stop(&self) {
        let mut world = self.world.lock();
        let released = world.faults.released;
        if world.dice.chance(released) {
            self.lock_stop().release.cancel();
        }
    }

    /// A worker that hears of a restart has a new connection, and with it a new session.
    fn renew_session(&self) {
        let newest = self.world.lock().session(self.pid);
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if session.0 != newest.0 {
            *session = newest;
            self.hear_others();
        }
    }

    /// Others tell it what they have in hand, of which a part gets lost.
    fn hear_others(&self) {
        let mut state = self.world.lock();
        let (since, lost) = (state.since, state.faults.lost_acks);
        for held in state.in_other_hands(self.pid) {
            if !state.dice.chance(lost) {
                self.elsewhere.hear([held], since);
            }
        }
    }

    /// Counts what was left to another worker that has it in hand.
    fn is_left(&self, served: Served, delivery: &Delivery) {
        if served != Served::Dropped {
            return;
        }
        let Ok(Task { execution, path, attempt, .. }) = serde_json::from_slice(&delivery.payload) else { return };
        let mut state = self.world.lock();
        if state.in_other_hands(self.pid).contains(&Held { execution, path, attempt }) {
            state.tally.left_to_others += 1;
        }
    }

    fn take(&self) -> Option<(Delivered, Delivery)> {
        let mut state = self.world.lock();
        let since = state.since;
        if state.is_leaderless(Stream::Queue) {
            return None;
        }
        let ready = state.queue.ready(since);
        let chosen = ready.get(state.dice.below(ready.len()))?.clone();
        let delivered = state.queue.take(&chosen, self.pid, since)?;
        let message = &delivered.message;
        let content = header(message, "ce-type").map(|kind| Content {
            kind: kind.to_owned(),
            traceparent: None,
            data: message.payload.clone(),
        });
        let delivery = Delivery {
            subject: message.subject.clone(),
            sequence: delivered.sequence,
            stored: delivered.stored,
            delivered: delivered.delivered,
            repeat: header(message, REPEAT_HEADER).is_some(),
            content: content.ok_or_else(|| "it has no `ce-type`".to_owned()),
            payload: message.payload.clone(),
            reply: delivered.sequence.to_string(),
            received: since,
            session: self.session.lock().unwrap_or_else(PoisonError::into_inner).0,
        };
        Some((delivered, delivery))
    }
}

impl<M: Machine> TaskPorts for Bench<'_, M> {
    fn names(&self) -> &Names {
        // Names are the same in every simulated world.
        static NAMES: std::sync::LazyLock<Names> = std::sync::LazyLock::new(Names::default);
        &NAMES
    }

    fn worker(&self) -> &'static str {
        "simulated"
    }

    fn running(&self) -> &Running {
        &self.running
    }

    fn elsewhere(&self) -> &Elsewhere {
        &self.elsewhere
    }

    fn session(&self) -> Session {
        self.renew_session();
        let (number, since) = *self.session.lock().unwrap_or_else(PoisonError::into_inner);
        Session {
            number,
            since: Some(since),
            ack_wait: ACK_WAIT,
            cause_within: (WINDOW / 2).into(),
            gathering_until: Duration::ZERO,
        }
    }

    fn boot(&self) -> Duration {
        self.world.lock().since
    }

    fn now(&self) -> Option<Moment> {
        Some(self.world.lock().now())
    }

    async fn pause(&self, time: Duration) {
        let until = self.boot() + time;
        while self.boot() < until {
            step().await;
        }
    }

    async fn acknowledge(&self, _reply: &str, what: Acknowledgement) {
        step().await;
        let job = self.lock_job();
        let Some(Job { delivered, .. }) = &*job else { return };
        let mut state = self.world.lock();
        let since = state.since;
        if state.is_leaderless(Stream::Queue) {
            return;
        }
        match what {
            Acknowledgement::Done => state.queue.ack(delivered, since),
            Acknowledgement::Progress => state.queue.progress(delivered, since),
            Acknowledgement::Again => state.queue.give_back(delivered, self.pid),
        }
    }

    async fn ask(&self, subject: &str, ask: &Ask) -> Option<Answer> {
        let (question, until) = {
            let mut state = self.world.lock();
            if state.faults.without.asking {
                return Some(Answer::Wanted(true));
            }
            let place = state.asked_on(subject);
            if let Some(job) = &mut *self.lock_job() {
                job.asked_at = Some(state.logs[place as usize].head());
            }
            (state.ask_owner(place, ask.clone()), state.since + ANSWER_WITHIN)
        };
        loop {
            {
                let mut state = self.world.lock();
                if let Some(answer) = state.answers.remove(&question) {
                    return Some(answer);
                }
                if state.since >= until {
                    return None;
                }
            }
            step().await;
        }
    }

    async fn publish(&self, message: &Message) -> Outcome {
        self.perhaps_stop();
        send_once(self.world, message).await
    }

    async fn resolve(&self, value: Value) -> Result<Value, PayloadFault> {
        Ok(value)
    }

    async fn offload(&self, _task: &Task, value: Value) -> Result<Value, PayloadFault> {
        Ok(value)
    }
}

impl<M: Machine> Host for Bench<'_, M> {
    async fn run(&self, run: Run) -> Ended {
        if let Some(job) = &*self.lock_job() {
            let asked_at = job.asked_at.unwrap_or(Sequence::MAX);
            let about = format!("delivered {} times, asked at {:?}", job.delivered.delivered, job.asked_at);
            let mut world = self.world.lock();
            world.runs(&run.task, asked_at, &about);
            world.works(self.pid, &run.task, self.limited);
        }
        let ended = (self.activity)(self.seed, &run.task);
        let busy = self.world.lock().dice.below(20);
        for done in 0..=busy {
            // What succeeds has had its effect some time before it says so.
            if done == busy / 2 && matches!(ended, Ended::Succeeded(_)) {
                self.world.lock().does(&run.task);
            }
            if done < busy {
                self.perhaps_stop();
                step().await;
            }
        }
        self.world.lock().rests(self.pid);
        ended
    }

    fn asked(&self, _wanted: bool) {}
}

/// Publishes once. The ack may get lost; then nobody knows.
async fn send_once<M: Machine>(world: &World<M>, message: &Message) -> Outcome {
    step().await;
    let outcome = {
        let mut state = world.lock();
        let outcome = state.receive(message);
        let lost = state.faults.lost_acks;
        if state.dice.chance(lost) { Outcome::Unknown("the ack was lost".to_owned()) } else { outcome }
    };
    step().await;
    outcome
}

/// Publishes until it is acknowledged.
pub async fn send<M: Machine>(world: &World<M>, message: &Message) -> Outcome {
    loop {
        match send_once(world, message).await {
            Outcome::Unknown(_) => {}
            outcome => return outcome,
        }
    }
}
