//! Two kinds of logs in one world, as one machine: which of the two a partition has goes by its place.

use std::sync::Arc;

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Listed, Machine, Need, Origin, QueuedTask, Read, Rejection},
    names::Names,
    ports::{Entry, Message},
};
use sagaline_events::ask::{Answer, Ask};
use sagaline_model::Moment;

/// What the first of the two has, or the second.
pub enum Either<F, S> {
    First(F),
    Second(S),
}

pub struct Both<F, S> {
    machine: Either<F, S>,
    /// What it never sends, to see that this is noticed.
    loses: fn(&Message) -> bool,
}

/// Makes the machine of a partition, of so many.
type Make<M> = fn(Names, u32, u32) -> M;

impl<F: Machine, S: Machine> Both<F, S> {
    /// The first half of the places are of the first kind, the others of the second.
    pub fn at(names: Names, place: u32, each: u32, (first, second): (Make<F>, Make<S>)) -> Self {
        let machine = match place.checked_sub(each) {
            None => Either::First(first(names, place, each)),
            Some(partition) => Either::Second(second(names, partition, each)),
        };
        Self { machine, loses: |_| false }
    }

    pub fn that_loses(self, loses: fn(&Message) -> bool) -> Self {
        Self { loses, ..self }
    }

    fn kept(&self, mut acts: Vec<Act>) -> Vec<Act> {
        acts.retain(|act| match act {
            Act::Send(message) => !(self.loses)(message),
            Act::Start(starting) => !(self.loses)(&starting.start),
            Act::Task(_) | Act::Revoke { .. } | Act::LookUp { .. } | Act::Reject(_) => true,
        });
        acts
    }
}

/// No partition of one kind has anything of the other.
const STRANGE: &str = "a state of the other kind";

impl<F: Machine, S: Machine> Machine for Both<F, S> {
    type State = Either<F::State, S::State>;
    type Input = Either<F::Input, S::Input>;
    type Glance = Either<F::Glance, S::Glance>;

    fn read(&self, entry: &Entry) -> Result<Read<Self::Input>, Rejection> {
        fn of<I, J>(read: Read<I>, make: fn(I) -> J) -> Read<J> {
            match read {
                Read::Input(key, input) => Read::Input(key, make(input)),
                Read::Mark => Read::Mark,
            }
        }
        match &self.machine {
            Either::First(machine) => Ok(of(machine.read(entry)?, Either::First)),
            Either::Second(machine) => Ok(of(machine.read(entry)?, Either::Second)),
        }
    }

    fn needs(&self, state: Option<&Self::State>, input: Option<&Self::Input>) -> Option<Need> {
        match &self.machine {
            Either::First(machine) => machine.needs(state.map(first), input.map(first)),
            Either::Second(machine) => machine.needs(state.map(second), input.map(second)),
        }
    }

    fn learn(&mut self, need: &Need, value: Option<Bytes>) {
        match &mut self.machine {
            Either::First(machine) => machine.learn(need, value),
            Either::Second(machine) => machine.learn(need, value),
        }
    }

    fn fresh(&self, key: &Arc<str>) -> Self::State {
        match &self.machine {
            Either::First(machine) => Either::First(machine.fresh(key)),
            Either::Second(machine) => Either::Second(machine.fresh(key)),
        }
    }

    fn apply(&mut self, key: &Arc<str>, state: &mut Self::State, input: Self::Input, origin: &Origin) -> Vec<Act> {
        let acts = match (&mut self.machine, state, input) {
            (Either::First(machine), Either::First(state), Either::First(input)) => {
                machine.apply(key, state, input, origin)
            }
            (Either::Second(machine), Either::Second(state), Either::Second(input)) => {
                machine.apply(key, state, input, origin)
            }
            _ => panic!("{STRANGE}"),
        };
        self.kept(acts)
    }

    fn found(&mut self, key: &Arc<str>, state: &Self::State, of: &Need, value: Option<Bytes>) -> Vec<Act> {
        let acts = match &mut self.machine {
            Either::First(machine) => machine.found(key, first(state), of, value),
            Either::Second(machine) => machine.found(key, second(state), of, value),
        };
        self.kept(acts)
    }

    fn task_refused(&self, key: &Arc<str>, task: &QueuedTask, why: &str) -> Option<Message> {
        match &self.machine {
            Either::First(machine) => machine.task_refused(key, task, why),
            Either::Second(machine) => machine.task_refused(key, task, why),
        }
    }

    fn tasks(&self, key: &Arc<str>, state: &Self::State) -> Vec<QueuedTask> {
        match &self.machine {
            Either::First(machine) => machine.tasks(key, first(state)),
            Either::Second(machine) => machine.tasks(key, second(state)),
        }
    }

    fn resume(&self, key: &Arc<str>, state: &Self::State) -> Vec<Act> {
        match &self.machine {
            Either::First(machine) => machine.resume(key, first(state)),
            Either::Second(machine) => machine.resume(key, second(state)),
        }
    }

    fn next_timer(&self, state: &Self::State) -> Option<Moment> {
        match &self.machine {
            Either::First(machine) => machine.next_timer(first(state)),
            Either::Second(machine) => machine.next_timer(second(state)),
        }
    }

    fn timer(&self, key: &Arc<str>, state: &Self::State) -> Option<Message> {
        match &self.machine {
            Either::First(machine) => machine.timer(key, first(state)),
            Either::Second(machine) => machine.timer(key, second(state)),
        }
    }

    fn ending(&self, state: &Self::State) -> Option<Vec<u8>> {
        match &self.machine {
            Either::First(machine) => machine.ending(first(state)),
            Either::Second(machine) => machine.ending(second(state)),
        }
    }

    fn stands_alone(&self, state: &Self::State) -> bool {
        match &self.machine {
            Either::First(machine) => machine.stands_alone(first(state)),
            Either::Second(machine) => machine.stands_alone(second(state)),
        }
    }

    fn rests(&self, state: &Self::State) -> bool {
        match &self.machine {
            Either::First(machine) => machine.rests(first(state)),
            Either::Second(machine) => machine.rests(second(state)),
        }
    }

    fn seal(&self, key: &Arc<str>, glance: Option<&Self::Glance>, cause: &str, at: Moment) -> Option<Self::State> {
        match &self.machine {
            Either::First(machine) => machine.seal(key, glance.map(first), cause, at).map(Either::First),
            Either::Second(machine) => machine.seal(key, glance.map(second), cause, at).map(Either::Second),
        }
    }

    fn is_idle(&self, state: &Self::State, now: Moment) -> bool {
        match &self.machine {
            Either::First(machine) => machine.is_idle(first(state), now),
            Either::Second(machine) => machine.is_idle(second(state), now),
        }
    }

    fn snapshot(&self, state: &Self::State) -> Vec<u8> {
        match &self.machine {
            Either::First(machine) => machine.snapshot(first(state)),
            Either::Second(machine) => machine.snapshot(second(state)),
        }
    }

    fn restore(&self, json: &[u8]) -> Result<Self::State, String> {
        match &self.machine {
            Either::First(machine) => machine.restore(json).map(Either::First),
            Either::Second(machine) => machine.restore(json).map(Either::Second),
        }
    }

    fn answer(&self, ask: &Ask, state: Option<&Self::State>) -> Answer {
        match &self.machine {
            Either::First(machine) => machine.answer(ask, state.map(first)),
            Either::Second(machine) => machine.answer(ask, state.map(second)),
        }
    }

    fn glance(&mut self, state: &Self::State) -> Option<Self::Glance> {
        match &mut self.machine {
            Either::First(machine) => machine.glance(first(state)).map(Either::First),
            Either::Second(machine) => machine.glance(second(state)).map(Either::Second),
        }
    }

    fn stands(&mut self, key: &Arc<str>, state: Option<&Self::State>) -> Option<Need> {
        match &mut self.machine {
            Either::First(machine) => machine.stands(key, state.map(first)),
            Either::Second(machine) => machine.stands(key, state.map(second)),
        }
    }

    fn may_be_listed(&self, ask: &Ask, state: &Self::State) -> bool {
        match &self.machine {
            Either::First(machine) => machine.may_be_listed(ask, first(state)),
            Either::Second(machine) => machine.may_be_listed(ask, second(state)),
        }
    }

    fn listed(&self, ask: &Ask, key: &str, glance: &Self::Glance) -> Option<Listed> {
        match &self.machine {
            Either::First(machine) => machine.listed(ask, key, first(glance)),
            Either::Second(machine) => machine.listed(ask, key, second(glance)),
        }
    }
}

fn first<F, S>(of: &Either<F, S>) -> &F {
    match of {
        Either::First(of) => of,
        Either::Second(_) => panic!("{STRANGE}"),
    }
}

fn second<F, S>(of: &Either<F, S>) -> &S {
    match of {
        Either::Second(of) => of,
        Either::First(_) => panic!("{STRANGE}"),
    }
}
