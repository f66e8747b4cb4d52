//! Executions on the logs of runs and sagas on those of sagas, as one machine: which of the two a partition has goes by its place.

use std::sync::Arc;

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Listed, Machine, Need, Origin, QueuedTask, Read, Rejection},
    names::Names,
    ports::{Entry, Message},
};
use sagaline_compensator::machine::Sagas;
use sagaline_events::ask::{Answer, Ask};
use sagaline_model::Moment;
use sagaline_orchestrator::machine::Executions;

/// What one of the two has, or the other.
pub(crate) enum Either<E, S> {
    Execution(E),
    Saga(S),
}

pub(crate) struct Both {
    machine: Either<Executions, Sagas>,
    /// What it never sends, to see that this is noticed.
    loses: fn(&Message) -> bool,
}

type Of<M> = <M as Machine>::State;
type InputOf<M> = <M as Machine>::Input;
type GlanceOf<M> = <M as Machine>::Glance;

impl Both {
    pub(crate) fn new(names: Names, place: u32, each: u32) -> Self {
        Self::that_loses(names, place, each, |_| false)
    }

    /// The first half of the places are of executions, the other of sagas.
    pub(crate) fn that_loses(names: Names, place: u32, each: u32, loses: fn(&Message) -> bool) -> Self {
        let machine = match place.checked_sub(each) {
            None => Either::Execution(Executions::new(names, place, each)),
            Some(partition) => Either::Saga(Sagas::new(names, partition, each)),
        };
        Self { machine, loses }
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

impl Machine for Both {
    type State = Either<Of<Executions>, Of<Sagas>>;
    type Input = Either<InputOf<Executions>, InputOf<Sagas>>;
    type Glance = Either<GlanceOf<Executions>, GlanceOf<Sagas>>;

    fn read(&self, entry: &Entry) -> Result<Read<Self::Input>, Rejection> {
        fn of<I, J>(read: Read<I>, make: fn(I) -> J) -> Read<J> {
            match read {
                Read::Input(key, input) => Read::Input(key, make(input)),
                Read::Mark => Read::Mark,
            }
        }
        match &self.machine {
            Either::Execution(machine) => Ok(of(machine.read(entry)?, Either::Execution)),
            Either::Saga(machine) => Ok(of(machine.read(entry)?, Either::Saga)),
        }
    }

    fn needs(&self, state: Option<&Self::State>, input: Option<&Self::Input>) -> Option<Need> {
        match &self.machine {
            Either::Execution(machine) => machine.needs(state.map(execution), input.map(execution)),
            Either::Saga(machine) => machine.needs(state.map(saga), input.map(saga)),
        }
    }

    fn learn(&mut self, need: &Need, value: Option<Bytes>) {
        match &mut self.machine {
            Either::Execution(machine) => machine.learn(need, value),
            Either::Saga(machine) => machine.learn(need, value),
        }
    }

    fn fresh(&self, key: &Arc<str>) -> Self::State {
        match &self.machine {
            Either::Execution(machine) => Either::Execution(machine.fresh(key)),
            Either::Saga(machine) => Either::Saga(machine.fresh(key)),
        }
    }

    fn apply(&mut self, key: &Arc<str>, state: &mut Self::State, input: Self::Input, origin: &Origin) -> Vec<Act> {
        let acts = match (&mut self.machine, state, input) {
            (Either::Execution(machine), Either::Execution(state), Either::Execution(input)) => {
                machine.apply(key, state, input, origin)
            }
            (Either::Saga(machine), Either::Saga(state), Either::Saga(input)) => {
                machine.apply(key, state, input, origin)
            }
            _ => panic!("{STRANGE}"),
        };
        self.kept(acts)
    }

    fn found(&mut self, key: &Arc<str>, state: &Self::State, of: &Need, value: Option<Bytes>) -> Vec<Act> {
        let acts = match &mut self.machine {
            Either::Execution(machine) => machine.found(key, execution(state), of, value),
            Either::Saga(machine) => machine.found(key, saga(state), of, value),
        };
        self.kept(acts)
    }

    fn task_refused(&self, key: &Arc<str>, task: &QueuedTask, why: &str) -> Option<Message> {
        match &self.machine {
            Either::Execution(machine) => machine.task_refused(key, task, why),
            Either::Saga(machine) => machine.task_refused(key, task, why),
        }
    }

    fn tasks(&self, key: &Arc<str>, state: &Self::State) -> Vec<QueuedTask> {
        match &self.machine {
            Either::Execution(machine) => machine.tasks(key, execution(state)),
            Either::Saga(machine) => machine.tasks(key, saga(state)),
        }
    }

    fn resume(&self, key: &Arc<str>, state: &Self::State) -> Vec<Act> {
        match &self.machine {
            Either::Execution(machine) => machine.resume(key, execution(state)),
            Either::Saga(machine) => machine.resume(key, saga(state)),
        }
    }

    fn next_timer(&self, state: &Self::State) -> Option<Moment> {
        match &self.machine {
            Either::Execution(machine) => machine.next_timer(execution(state)),
            Either::Saga(machine) => machine.next_timer(saga(state)),
        }
    }

    fn timer(&self, key: &Arc<str>, state: &Self::State) -> Option<Message> {
        match &self.machine {
            Either::Execution(machine) => machine.timer(key, execution(state)),
            Either::Saga(machine) => machine.timer(key, saga(state)),
        }
    }

    fn ending(&self, state: &Self::State) -> Option<Vec<u8>> {
        match &self.machine {
            Either::Execution(machine) => machine.ending(execution(state)),
            Either::Saga(machine) => machine.ending(saga(state)),
        }
    }

    fn stands_alone(&self, state: &Self::State) -> bool {
        match &self.machine {
            Either::Execution(machine) => machine.stands_alone(execution(state)),
            Either::Saga(machine) => machine.stands_alone(saga(state)),
        }
    }

    fn rests(&self, state: &Self::State) -> bool {
        match &self.machine {
            Either::Execution(machine) => machine.rests(execution(state)),
            Either::Saga(machine) => machine.rests(saga(state)),
        }
    }

    fn seal(&self, key: &Arc<str>, glance: Option<&Self::Glance>, cause: &str, at: Moment) -> Option<Self::State> {
        match &self.machine {
            Either::Execution(machine) => machine.seal(key, glance.map(execution), cause, at).map(Either::Execution),
            Either::Saga(machine) => machine.seal(key, glance.map(saga), cause, at).map(Either::Saga),
        }
    }

    fn is_idle(&self, state: &Self::State, now: Moment) -> bool {
        match &self.machine {
            Either::Execution(machine) => machine.is_idle(execution(state), now),
            Either::Saga(machine) => machine.is_idle(saga(state), now),
        }
    }

    fn snapshot(&self, state: &Self::State) -> Vec<u8> {
        match &self.machine {
            Either::Execution(machine) => machine.snapshot(execution(state)),
            Either::Saga(machine) => machine.snapshot(saga(state)),
        }
    }

    fn restore(&self, json: &[u8]) -> Result<Self::State, String> {
        match &self.machine {
            Either::Execution(machine) => machine.restore(json).map(Either::Execution),
            Either::Saga(machine) => machine.restore(json).map(Either::Saga),
        }
    }

    fn answer(&self, ask: &Ask, state: Option<&Self::State>) -> Answer {
        match &self.machine {
            Either::Execution(machine) => machine.answer(ask, state.map(execution)),
            Either::Saga(machine) => machine.answer(ask, state.map(saga)),
        }
    }

    fn glance(&mut self, state: &Self::State) -> Option<Self::Glance> {
        match &mut self.machine {
            Either::Execution(machine) => machine.glance(execution(state)).map(Either::Execution),
            Either::Saga(machine) => machine.glance(saga(state)).map(Either::Saga),
        }
    }

    fn listed(&self, ask: &Ask, key: &str, glance: &Self::Glance) -> Option<Listed> {
        match &self.machine {
            Either::Execution(machine) => machine.listed(ask, key, execution(glance)),
            Either::Saga(machine) => machine.listed(ask, key, saga(glance)),
        }
    }
}

fn execution<E, S>(of: &Either<E, S>) -> &E {
    match of {
        Either::Execution(of) => of,
        Either::Saga(_) => panic!("{STRANGE}"),
    }
}

fn saga<E, S>(of: &Either<E, S>) -> &S {
    match of {
        Either::Saga(of) => of,
        Either::Execution(_) => panic!("{STRANGE}"),
    }
}
